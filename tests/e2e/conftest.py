from collections.abc import Iterator

import pytest

from smsotp_mocks.servers.raddb import RadiusUser

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
