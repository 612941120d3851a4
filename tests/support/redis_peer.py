"""What takes the place of a Redis, or comes before it: it hangs, drips, answers nonsense, or holds answers back."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import Clock, SystemClock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.redis.link import LIMIT
from smsotp_plugin.stores.redis.store import RedisStore
from tests.support.clock import FakeClock, Waits
from tests.support.redis import Redis, open_store


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """Give a Redis of the test's own."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def opened() -> Iterator[Callable[..., RedisStore]]:
    """Give a function that opens a store; all are closed after the test."""
    with contextlib.ExitStack() as rest:

        def opened(server: RedisServer, clock: Clock | None = None) -> RedisStore:
            store = open_store(server.url, clock, limit=LIMIT)
            rest.callback(close, store)
            return store

        yield opened


def close(store: RedisStore) -> None:
    with contextlib.suppress(StoreError):
        store.close()


class Peer:
    """Takes connections in place of a Redis, counts them, and does with each what it was made to do."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.taken = 0
        self._serve = serve
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._connections:
            connection.close()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.taken += 1
                self._connections.append(connection)
                threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._serve(connection)


def hang(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def drip(connection: socket.socket) -> None:
    """Answer with a text that never ends, a byte at a time."""
    connection.sendall(b"$1000000\r\n")
    waiting = threading.Event()
    while not waiting.wait(0.05):
        connection.sendall(b"x")


def drip_a_record(connection: socket.socket) -> None:
    """Answer in TLS with a record that never ends, a byte at a time."""
    connection.sendall(b"\x16\x03\x03\x40\x00")
    drip(connection)


def say(answer: bytes) -> Callable[[socket.socket], None]:
    """Return a function that gives this answer and closes the connection."""

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    return serve


class Proxy(Peer):
    """
    Sits between a store and a Redis; may hold the answers back, or change them.

    Args:
        port: Of the Redis.
    """

    def __init__(self, port: int) -> None:
        super().__init__(self._carry)
        self.leads_to = port
        self.is_silent = False
        self.change: Callable[[bytes], bytes] = bytes

    def ask(self, piece: bytes) -> bytes:
        """Return what the Redis gets when the store says this."""
        return piece

    def answer(self, piece: bytes) -> bytes:
        """Return what the store gets when the Redis says this."""
        return b"" if self.is_silent else self.change(piece)

    def _carry(self, near: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self.leads_to)) as far:
            back = threading.Thread(target=_pass_on, args=(far, near, self.answer), daemon=True)
            back.start()
            _pass_on(near, far, self.ask)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes]) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(change(piece))
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def behind(server: RedisServer) -> Iterator[tuple[Proxy, RedisStore, FakeClock]]:
    """Open a store behind a proxy."""
    with Proxy(server.port) as proxy:
        store = open_store(proxy.url, clock := FakeClock(SystemClock().time(), Waits.NOT_AT_ALL), limit=LIMIT)
        yield proxy, store, clock
        proxy.is_silent = False
        close(store)


def leave(store: RedisStore, redis: Redis) -> int:
    """Let some seconds pass since a store last said that it lives."""
    store._gatherer.stop()
    store._link._forget_place()
    return int(redis.ask("ZADD", "{smsotp}:owners", "XX", "CH", 1, store._messages.owner))
