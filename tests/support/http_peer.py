"""A peer for the HTTP wire: a socket that says what a test wants, and the wire to it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import requests

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.wire.http.client import HttpWire, Origin, make_request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
Talk = Callable[[socket.socket], object]
MakePeer = Callable[["Talk | None"], "Peer"]
MakeWire = Callable[..., HttpWire]


def read_head(conn: socket.socket) -> bytes:
    """Read up to the end of a request's head; empty when the client has gone."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = conn.recv(1)
        if not piece:
            return b""
        head += piece
    return head


@dataclass
class Peer:
    """A server on loopback that runs one function for each connection, in a thread."""

    talk: Talk
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                conn, _ = self.server.accept()
                self.connections += 1
                self._open.append(conn)
                thread = threading.Thread(target=self._run, args=(conn,))
                self._threads.append(thread)
                thread.start()

    def _run(self, conn: socket.socket) -> None:
        with suppress(OSError):
            self.talk(conn)
        conn.close()

    def read(self, conn: socket.socket) -> bytes:
        head = read_head(conn)
        if head:
            self.heads.append(head)
        return head

    def close(self) -> None:
        with suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for conn in self._open:
            with suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def make_peer() -> Iterator[MakePeer]:
    """Start peers; each answers OK for ever, or does what it is told."""
    peers: list[Peer] = []

    def make(talk: Talk | None = None) -> Peer:
        peer = Peer(talk or (lambda conn: answer_for_ever(peer, conn)))
        peers.append(peer)
        return peer

    yield make
    for peer in peers:
        peer.close()


@pytest.fixture
def make_wire() -> Iterator[MakeWire]:
    wires: list[HttpWire] = []

    def make(port: int, *, scheme: str = "http", host: str = "127.0.0.1", **more: object) -> HttpWire:
        wires.append(HttpWire(Origin(scheme, host, port, **more)))  # type: ignore[arg-type]
        return wires[-1]

    yield make
    for wire in wires:
        wire.close()


def answer_for_ever(peer: Peer, conn: socket.socket) -> None:
    while peer.read(conn):
        conn.sendall(OK)


def within(seconds: float) -> Deadline:
    return Deadline.after(seconds, SystemClock())


def answer_with(raw: bytes) -> Talk:
    """Return a talk that answers one request with these bytes and closes."""

    def talk(conn: socket.socket) -> None:
        read_head(conn)
        conn.sendall(raw)

    return talk


def dripping(before: bytes) -> tuple[Talk, threading.Event]:
    """Return a talk that never ends: one byte at a time, faster than any time limit for one read."""
    stop = threading.Event()

    def talk(conn: socket.socket) -> None:
        read_head(conn)
        conn.sendall(before)
        while not stop.wait(0.02):
            conn.sendall(b"a")

    return talk, stop


def get(wire: HttpWire) -> requests.PreparedRequest:
    return make_request("GET", f"{wire.origin.url()}/send?text=123456", {"User-Agent": "test"})


def post(wire: HttpWire, body: bytes = b"text=123456") -> requests.PreparedRequest:
    return make_request("POST", f"{wire.origin.url()}/send", {"Content-Type": "text/plain"}, body)


def exchange(wire: HttpWire, seconds: float = 30) -> requests.Response:
    return wire.exchange(get(wire), within(seconds))
