"""A look at the store and its key tells what their start would say, and makes nothing."""

import os
import pwd
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from smsotp_plugin.codes.key_file import load_or_make_keys, look_at_keys
from smsotp_plugin.errors import ConfigError, StoreError
from smsotp_plugin.raddb.account import Account, act_as
from smsotp_plugin.stores.sqlite.look import look_at_store
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import DAY, WINDOW, challenge
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import begin


def test_what_is_not_there_yet_is_well_and_stays_so(tmp_path: Path) -> None:
    look_at_store(tmp_path / "smsotp.db")
    look_at_keys(tmp_path / "smsotp.key")

    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_open_is_well(tmp_path: Path) -> None:
    path = tmp_path / "smsotp.db"
    store = SqliteStore(path, 30.0, 86400.0, FakeClock(1_000_000.0, Waits.NOT_AT_ALL))
    try:
        before = {file: file.read_bytes() for file in tmp_path.iterdir()}
        look_at_store(path)
        after = {file: file.read_bytes() for file in tmp_path.iterdir()}
    finally:
        store.close()

    assert before == after


def test_a_key_that_was_made_is_well(tmp_path: Path) -> None:
    load_or_make_keys(tmp_path / "smsotp.key")

    look_at_keys(tmp_path / "smsotp.key")


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\x00"[:-1] + b"x"])
def test_garbage_is_no_database(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "smsotp.db").write_bytes(content)

    with pytest.raises(StoreError, match=r"smsotp\.db: file is not a database"):
        look_at_store(tmp_path / "smsotp.db")


def test_a_newer_schema_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "smsotp.db")) as connection:
        connection.execute("PRAGMA user_version = 99")

    with pytest.raises(StoreError, match="written by a newer smsotp-plugin"):
        look_at_store(tmp_path / "smsotp.db")


def written(path: Path) -> Path:
    """Give a database with some log-ins, as a server that was stopped leaves it."""
    clock = FakeClock(1_000_000.0, Waits.NOT_AT_ALL)
    store = SqliteStore(path, WINDOW, DAY, clock)
    begin(store, challenge(clock))
    store.close()
    return path


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(written(path), isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def torn(path: Path) -> None:
    """Write nonsense over everything behind the first page, which holds the definitions of the tables."""
    size = written(path).stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\x5a" * (size - 4096))


#: Databases that a start refuses.
UNUSABLE: dict[str, Callable[[Path], object]] = {
    "nonsense in it": torn,
    "cut off": lambda path: os.truncate(written(path), 4096),
    "no table of challenges": lambda path: run(path, "DROP TABLE challenges"),
    "no table of what was spent": lambda path: run(path, "DROP TABLE spent"),
    "a column is missing": lambda path: run(path, "ALTER TABLE challenges DROP COLUMN mark"),
    "tables of this version, marked as none": lambda path: run(path, "PRAGMA user_version = 0"),
    "tables of this version, marked as an earlier one": lambda path: run(path, "PRAGMA user_version = 3"),
    "marked as the first version, without tables": lambda path: run(
        path, "DROP TABLE challenges", "PRAGMA user_version = 1"
    ),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_database_that_a_start_refuses_is_told(path: Path, what: str) -> None:
    UNUSABLE[what](path)
    before = path.read_bytes()

    with pytest.raises(StoreError) as told:
        look_at_store(path)
    after = path.read_bytes()
    with pytest.raises(StoreError) as refused:
        SqliteStore(path, WINDOW, DAY, FakeClock(1_000_000.0, Waits.NOT_AT_ALL))

    assert str(told.value) == str(refused.value)
    assert before == after


def test_a_database_that_a_stopped_server_leaves_is_well_and_stays_so(path: Path) -> None:
    written(path)
    before = {file: file.read_bytes() for file in path.parent.iterdir()}

    look_at_store(path)

    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before


@pytest.mark.parametrize("name", ["gone/smsotp.db", "file/smsotp.db", "folder"])
def test_a_path_that_cannot_be_a_store_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()

    with pytest.raises(StoreError, match="cannot be opened"):
        look_at_store(tmp_path / name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
@pytest.mark.parametrize("ending", ["-visits", "-wal"])
def test_a_file_beside_the_database_that_a_command_of_root_has_left_is_told(
    enterable: Path, ending: str
) -> None:
    enterable.chmod(0o777)
    (enterable / f"smsotp.db{ending}").touch(mode=0o600)
    nobody = pwd.getpwnam("nobody")
    account = Account("nobody", nobody.pw_uid, nobody.pw_gid, (nobody.pw_gid,))

    with act_as(account), pytest.raises(StoreError, match=rf"smsotp\.db{ending} cannot be written"):
        look_at_store(enterable / "smsotp.db")


def test_each_file_beside_the_database_that_cannot_be_written_is_told_by_name(tmp_path: Path) -> None:
    visits = tmp_path / "smsotp.db-visits"
    visits.mkdir()

    with pytest.raises(StoreError, match=r"smsotp\.db-visits cannot be opened for writing: Is a directory"):
        SqliteStore(tmp_path / "smsotp.db", 30.0, 86400.0, FakeClock(1_000_000.0, Waits.NOT_AT_ALL))


@pytest.mark.parametrize("length", [252, 256])
def test_a_name_that_is_too_long_for_the_files_of_a_database_is_told(tmp_path: Path, length: int) -> None:
    with pytest.raises(StoreError, match="cannot be opened: File name too long"):
        look_at_store(tmp_path / ("n" * length))


@pytest.mark.parametrize(
    "name", ["gone/smsotp.key", "file/smsotp.key", "folder", "short", pytest.param("n" * 256, id="long")]
)
def test_a_path_that_cannot_be_a_key_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "short").write_text("short")

    with pytest.raises(ConfigError, match="the key file"):
        look_at_keys(tmp_path / name)
