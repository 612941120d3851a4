import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_plugin.raddb.access import find_obstacle
from smsotp_plugin.raddb.account import Account, acting_as

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")

NOBODY = pwd.getpwnam("nobody")
ACCOUNT = Account("nobody", NOBODY.pw_uid, NOBODY.pw_gid, (NOBODY.pw_gid,))


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a directory that everyone may enter; the ones above it are pytest's private ones."""
    path = tmp_path_factory.mktemp("access")
    above = [place for place in path.parents if place.stat().st_mode & 0o5 != 0o5]
    modes = {place: place.stat().st_mode for place in above}
    for place in (*above, path):
        place.chmod(0o755)
    yield path
    for place, mode in modes.items():
        place.chmod(mode)


def obstacle(path: Path, needs: str) -> tuple[Path, str] | None:
    with acting_as(ACCOUNT):
        found = find_obstacle(path, needs)
    return (found.path, found.needs) if found else None


def test_what_everyone_may_read_is_no_obstacle(directory: Path) -> None:
    (directory / "file").touch(mode=0o644)

    assert obstacle(directory / "file", "r") is None


def test_the_file_itself_may_be_the_obstacle(directory: Path) -> None:
    (directory / "file").touch(mode=0o640)

    assert obstacle(directory / "file", "r") == (directory / "file", "r")


def test_a_directory_above_may_be_the_obstacle(directory: Path) -> None:
    (directory / "a").mkdir(mode=0o700)
    (directory / "a/b").mkdir(mode=0o755)

    assert obstacle(directory / "a/b", "r") == (directory / "a", "x")


def test_a_directory_that_a_link_leads_through_may_be_the_obstacle(directory: Path) -> None:
    (directory / "private").mkdir(mode=0o700)
    (directory / "private/file").touch(mode=0o644)
    (directory / "link").symlink_to("private/file")

    assert obstacle(directory / "link", "r") == (directory / "private", "x")


def test_a_directory_that_may_not_be_written_is_an_obstacle(directory: Path) -> None:
    assert obstacle(directory, "wx") == (directory, "w")


def test_we_are_ourselves_again_afterwards() -> None:
    before = (os.geteuid(), os.getegid(), os.getgroups())

    with acting_as(ACCOUNT):
        assert os.geteuid() == NOBODY.pw_uid
        assert os.getgroups() == [NOBODY.pw_gid]

    assert (os.geteuid(), os.getegid(), os.getgroups()) == before
