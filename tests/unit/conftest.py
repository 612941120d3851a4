"""What many unit tests begin with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisServer
from tests.support.clock import FakeClock, Waits
from tests.support.http_peer import make_peer, make_wire
from tests.support.redis import Redis
from tests.support.smtp_peer import pool_to, start

__all__ = ["make_peer", "make_wire", "pool_to", "start"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_000_000.0, Waits.NOT_AT_ALL)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database, or another file of a test, will be."""
    return tmp_path / "smsotp.db"


@pytest.fixture
def enterable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a directory that everyone may enter; the ones above it are pytest's private ones."""
    path = tmp_path_factory.mktemp("enterable")
    above = [place for place in path.parents if place.stat().st_mode & 0o5 != 0o5]
    modes = {place: place.stat().st_mode for place in above}
    for place in (*above, path):
        place.chmod(0o755)
    yield path
    for place, mode in modes.items():
        place.chmod(mode)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Give a Redis that the tests of a module share."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(server: RedisServer) -> Iterator[Redis]:
    """Empty that Redis, and give a connection to it."""
    redis = Redis(server.port)
    redis.ask("FLUSHALL")
    yield redis
    redis.close()
