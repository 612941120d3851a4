"""What many unit tests begin with."""

import tempfile
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
def enterable() -> Iterator[Path]:
    """Give a directory that everyone may enter, outside of pytest's, which are private and shared by all that run at a time."""
    with tempfile.TemporaryDirectory(prefix="smsotp-enterable-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


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
