import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers.raddb import RadiusUser
from tests.support.moved_clock import MovedClock

from .raddbs import copy_debian, write_config
from .system import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One system with the default configuration, for all tests that do not stop it; each takes other people."""
    with World(tmp_path_factory.mktemp("world")) as running:
        yield running


@pytest.fixture
def anna(world: World) -> RadiusUser:
    return world.someone()


@pytest.fixture
def otto(world: World) -> RadiusUser:
    return world.someone()


@pytest.fixture
def moved_clock(tmp_path: Path) -> MovedClock:
    """Give a clock for what is started with its environment."""
    return MovedClock(tmp_path)


@pytest.fixture
def directory() -> Iterator[Path]:
    """Give a directory that the server's user can enter; pytest's own are private."""
    with tempfile.TemporaryDirectory(prefix="smsotp-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def raddb(directory: Path) -> Path:
    """Give a copy of Debian's configuration, whose own sites listen elsewhere."""
    return copy_debian(directory)


@pytest.fixture
def config(directory: Path) -> Path:
    return write_config(directory, "http://127.0.0.1:1")
