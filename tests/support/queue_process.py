"""Processes that use a queue in Redis, and what they put on it."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.kept import KeptMessage
from smsotp_plugin.stores.queue import NO_CHALLENGE
from smsotp_plugin.stores.redis.store import RedisStore
from tests.support.parcels import SEALED, SomeParcel
from tests.support.redis import Redis, open_store, somebody

NOW = SystemClock().time


STREAM, OWNERS, WORKERS = (f"{{smsotp}}:{name}" for name in ("queue", "owners", "workers"))


class Process:
    """A process that uses the queue."""

    def __init__(self, server: RedisServer, most: int = 10) -> None:
        self.store = open_store(server.url)
        self.queue = self.store.open_queue(most)

    @property
    def owner(self) -> str:
        return self.store._messages.owner

    def close(self) -> None:
        self.store.close()


@pytest.fixture
def node(server: RedisServer, redis: Redis) -> Iterator[Process]:
    del redis
    node = Process(server)
    yield node
    node.close()


@pytest.fixture
def workers(server: RedisServer, redis: Redis) -> Iterator[list[Process]]:
    del redis
    workers = [Process(server) for _ in range(2)]
    for worker in workers:
        # The first process makes the group.
        worker.queue.take(1)
    yield workers
    for worker in workers:
        worker.close()


def die(redis: Redis, worker: Process) -> None:
    """Let some seconds pass since a worker last said that it lives."""
    redis.ask("ZADD", OWNERS, 1, worker.owner)


def notify(node: Process, *holders: str, seconds: float = 60.0) -> KeptMessage:
    """Put a notification on the queue."""
    message = KeptMessage(f"{NO_CHALLENGE}{secrets.token_hex(16)}", "", NOW() + seconds, SEALED)
    node.queue.post(message, holders)
    node.store.flush()
    return message


def put(store: RedisStore, *holders: str, beginning: str = "f") -> Challenge:
    """Open a challenge whose message these processes hold, and whose State begins with this text."""
    new = somebody()
    new = replace(new, state=beginning + new.state[len(beginning) :])
    return store.open_challenge(new, SomeParcel(new, holders=holders))
