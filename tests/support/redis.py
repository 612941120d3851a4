"""A Redis for tests: they ask it directly, and move its clock."""

import secrets
import socket
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar, cast

import hiredis

from smsotp_mocks.net.ports import find_free_tcp_port
from smsotp_plugin.clock import Clock, SystemClock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.budgets import NO_BUDGETS
from smsotp_plugin.stores.redis.link import REST
from smsotp_plugin.stores.redis.scripts import SCRIPTS, read_script
from smsotp_plugin.stores.redis.settings import RedisSettings
from smsotp_plugin.stores.redis.store import RedisStore
from tests.support.challenges import DAY, RIGHT, WINDOW
from tests.support.clock import FakeClock, Waits

#: Real seconds to wait for something that will happen, on a machine that is busy with other things.
PATIENCE = 60.0
#: Seconds in which a healthy Redis answers a store, however busy the machine is.
_UNHURRIED = 20.0
Result = TypeVar("Result")
#: Its type hints say that a command is one word.
_pack = cast("Callable[[tuple[Any, ...]], bytes]", hiredis.pack_command)


class Redis:
    """
    One connection to a Redis of this machine.

    Args:
        port: Where it listens.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._reader = hiredis.Reader(encoding="utf-8", errors="surrogateescape")

    def ask(self, *words: str | float) -> Any:
        """Return the answer to one command; an error is raised."""
        (reply,) = self.ask_all([words])
        return reply

    def ask_all(self, commands: list[tuple[str | float, ...]]) -> list[Any]:
        """Return the answers to many commands in one go."""
        self._socket.sendall(b"".join(map(_pack, commands)))
        return [self._read() for _ in commands]

    def next(self) -> Any:
        """Return the next answer that comes without a request, as after MONITOR."""
        return self._read()

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> Any:
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply


class Monitor:
    """
    Sees the commands that a Redis on this machine is sent.

    Args:
        port: Where the Redis listens.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._redis = Redis(port)
        self._redis.ask("MONITOR")

    def sent(self) -> list[list[str]]:
        """Return the words of each command since the last call, except commands that scripts make."""
        marker = Redis(self._port)
        marker.ask("ECHO", "enough")
        marker.close()
        sent = []
        while '"enough"' not in (line := self._redis.next()):
            if " lua] " not in line:
                sent.append(line.split('"')[1::2])
        return sent

    def scripts(self) -> list[str]:
        """Return the names of the scripts that these commands run."""
        names = {read_script(name)[1]: name for name in SCRIPTS}
        return [names[words[1]] for words in self.sent() if words[0] == "EVALSHA"]

    def close(self) -> None:
        self._redis.close()


class RedisClock(FakeClock):
    """
    A clock that is also the clock of a Redis: when it moves, the ends of all keys move as well.

    Args:
        port: Where the Redis listens.
    """

    def __init__(self, port: int) -> None:
        super().__init__(1_000_000.0, Waits.NOT_AT_ALL)
        self._redis = Redis(port)

    def ask(self, *words: str | float) -> Any:
        """Ask the Redis."""
        return self._redis.ask(*words)

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._age(seconds)

    def set_by(self, seconds: float) -> None:
        super().set_by(seconds)
        self._age(seconds)

    def close(self) -> None:
        self._redis.close()

    def _age(self, seconds: float) -> None:
        keys = self._redis.ask("KEYS", "*")
        lives = self._redis.ask_all([("PTTL", key) for key in keys])
        self._redis.ask_all(
            [
                ("PEXPIRE", key, int(life - seconds * 1000))
                for key, life in zip(keys, lives, strict=True)
                if life > 0
            ]
        )


def join_cluster() -> list[str]:
    """Return the options of a node of a Cluster. The last is its other port: left alone, Redis may take one that is in use."""
    return ["--cluster-enabled", "yes", "--cluster-port", str(find_free_tcp_port())]


def open_store(
    url: str,
    clock: Clock | None = None,
    *,
    window: float = WINDOW,
    limit: float = _UNHURRIED,
    **settings: Any,
) -> RedisStore:
    """
    Open a store as FreeRADIUS does, without its background threads.

    Args:
        url: Of the Redis.
        clock: Time.
        window: See `ChallengeStore.open_challenge`.
        limit: Seconds that a call may take; the same as in FreeRADIUS where the Redis is not to answer.
        settings: Further settings of the section.
    """
    return RedisStore(
        fill_settings(url, **settings), window, DAY, clock or SystemClock(), NO_BUDGETS, limit=limit
    )


def fill_settings(url: str, **settings: Any) -> RedisSettings:
    """Return the section ``[store]`` for a Redis."""
    return RedisSettings.model_validate({"url": url, "key": "k" * 32, **settings})


def somebody(clock: Clock | None = None) -> Challenge:
    """Return a challenge of a log-in of its own."""
    now = (clock or SystemClock()).time()
    state = secrets.token_hex(16)
    return Challenge(state, "bob", state, "c" * 32, RIGHT, "+49 *** **67", "d" * 32, now, now + 300.0, 3)


def once(
    call: Callable[[], Result], what: type[Exception] = StoreError, clock: FakeClock | None = None
) -> Result:
    """
    Make a call until it no longer raises an error; return its result.

    For conditions that only the call itself can show. A store leaves a Redis that failed alone for a while, so its clock
    is moved until it tries again.

    Args:
        call: Takes some time itself, as a round trip does, because it is made again at once.
        what: The error that it raises.
        clock: The clock of the store that is asked; None if the store is in another process.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except what:
            if time.monotonic() > until:
                raise
            if clock is not None:
                clock.advance(REST)


def wait_for_change(port: int, happened: Callable[[Redis], object]) -> None:
    """Return once something is true of a Redis; the question is asked again whenever a key has changed."""
    with closing(Redis(port)) as asked, closing(Redis(port)) as told:
        asked.ask("CONFIG", "SET", "notify-keyspace-events", "KA")
        told.ask("PSUBSCRIBE", "__keyspace@*__:*")
        while not happened(asked):
            told.next()
