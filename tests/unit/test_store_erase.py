"""What keeps ``smsotp erase`` from erasing is said, with what to do."""

import fcntl
import os
import sqlite3
import struct
import threading
from contextlib import closing
from pathlib import Path

import pytest

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.delivery_log import Wanted
from smsotp_plugin.stores.person import StoredPerson
from smsotp_plugin.stores.sqlite import beside
from smsotp_plugin.stores.sqlite.erase import erase_from_file
from smsotp_plugin.stores.sqlite.store import SqliteStore
from smsotp_plugin.stores.sqlite.trace import trace_file
from tests.support.clock import FakeClock, Waits

NOBODY = StoredPerson(user="nobody")
IMPATIENT = FakeClock(waits=Waits.TAKING_TIME)
#: What ``struct flock`` of fcntl(2) is, and the byte of the ``-shm`` file that whoever empties the log has locked
#: (https://www.sqlite.org/walformat.html section 2.3.1).
FLOCK, CHECKPOINTER = "hhqqi0q", 121


@pytest.fixture
def database(path: Path, clock: FakeClock) -> Path:
    SqliteStore(path, 30, 86400, clock).close()
    return path


def test_a_database_that_is_not_there_is_not_made(path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"):
        erase_from_file(path, NOBODY, IMPATIENT)

    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["file/smsotp.db", "n" * 256])
def test_a_place_that_cannot_be_looked_at_is_told_to_whoever_erases_or_reads(path: Path, name: str) -> None:
    (path.parent / "file").touch()

    for do in (
        lambda: erase_from_file(path.parent / name, NOBODY, IMPATIENT),
        lambda: trace_file(path.parent / name, Wanted(), 1),
    ):
        with pytest.raises(StoreError, match=r"cannot be looked at: .*; do it as root"):
            do()


def test_what_is_no_database_is_told(path: Path) -> None:
    path.write_text("no database " * 100)

    with pytest.raises(StoreError, match="cannot be written: file is not a database"):
        erase_from_file(path, NOBODY, IMPATIENT)


def test_a_database_of_another_version_is_left_alone(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 1")

    with pytest.raises(StoreError, match="another version of smsotp-plugin: restart FreeRADIUS first"):
        erase_from_file(database, NOBODY, IMPATIENT)


def test_whoever_reads_all_the_time_is_told_to_end(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_PATIENCE", 0.01)
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM challenges").fetchone()
        with closing(sqlite3.connect(database, isolation_level=None)) as writer:
            writer.execute("INSERT INTO events VALUES (1, 'ref', 0, 'asked', '', '', '', '', '', '')")

        with pytest.raises(
            StoreError, match="everything is erased, but another program is reading the database"
        ):
            erase_from_file(database, NOBODY, IMPATIENT)

    assert not erase_from_file(database, NOBODY, IMPATIENT)


class Checkpointer(FakeClock):
    """Another process that moves the log into the database, until somebody has waited for it a few times."""

    def __init__(self, database: Path, patience: int) -> None:
        super().__init__(waits=Waits.TAKING_TIME)
        self._left = patience
        self._shared = database.with_name(database.name + "-shm").open("r+b")
        self._lock(fcntl.F_WRLCK)

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        self._left -= 1
        if self._left == 0:
            self._lock(fcntl.F_UNLCK)
        return super().wait(condition, timeout)

    def close(self) -> None:
        self._shared.close()

    def _lock(self, kind: int) -> None:
        fcntl.fcntl(
            self._shared, fcntl.F_OFD_SETLK, struct.pack(FLOCK, kind, os.SEEK_SET, CHECKPOINTER, 1, 0)
        )


@pytest.mark.parametrize(("patience", "ends"), [(3, True), (10_000, False)])
def test_a_server_that_moves_the_log_at_this_moment_is_waited_for(
    path: Path, clock: FakeClock, patience: int, *, ends: bool
) -> None:
    store = SqliteStore(path, 30, 86400, clock)
    other = Checkpointer(path, patience)
    try:
        if ends:
            assert not erase_from_file(path, NOBODY, other)
        else:
            with pytest.raises(StoreError, match="everything is erased, but another program"):
                erase_from_file(path, NOBODY, other)
    finally:
        other.close()
        store.close()
