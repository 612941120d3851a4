"""The database is removed or replaced while it is in use: that is noticed, told, and not the end."""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.sqlite.attempts import find_notes, list_owners, read_notes
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import RIGHT, WINDOW, challenge, name_outcome
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import begin, begin_attempt

DAY = 86400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store" / "smsotp.db"


@pytest.fixture
def store(path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    store = SqliteStore(path, WINDOW, DAY, clock)
    yield store
    with suppress(StoreError):
        store.close()


def remove(path: Path) -> None:
    path.unlink()


def remove_all(path: Path) -> None:
    for file in path.parent.glob("smsotp.db*"):
        file.unlink()


def put_a_copy_in_its_place(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


def make_the_directory_anew(path: Path) -> None:
    path.parent.rename(path.parent.with_name("old"))
    path.parent.mkdir()


@pytest.mark.parametrize("do", [remove, remove_all, put_a_copy_in_its_place, make_the_directory_anew])
def test_attempts_are_noted_beside_the_database_that_is_there(
    store: SqliteStore, path: Path, clock: FakeClock, do: Callable[[Path], None]
) -> None:
    before = begin(store, challenge(clock))
    store.flush()
    begin_attempt(store, before.state, "first")
    do(path)
    after = begin(store, challenge(clock))
    store.flush()
    begin_attempt(store, after.state, "second")

    (owner,) = list_owners(path)
    assert read_notes(find_notes(path, owner)) == {(after.state, 0): {"second"}}


@pytest.mark.parametrize("do", [remove, remove_all, put_a_copy_in_its_place, make_the_directory_anew])
def test_a_database_that_is_gone_is_told_and_log_ins_go_on(
    store: SqliteStore,
    path: Path,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    do: Callable[[Path], None],
) -> None:
    before = begin(store, challenge(clock, login="l"))
    store.flush()
    do(path)
    after = begin(store, challenge(clock, login="l"))
    store.flush()

    assert after != before
    assert name_outcome(lambda: store.answer(before.state, "bob", RIGHT, clock.time())) == "UnknownChallenge"
    assert store.answer(after.state, "bob", RIGHT, clock.time()) == after
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert f"{path} was re" in caplog.text
    with closing(sqlite3.connect(path)) as reader:
        assert reader.execute("SELECT state FROM challenges").fetchall() == [(after.state,)]
        assert reader.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_what_was_being_opened_while_the_database_went_is_kept_in_the_new_one(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    with store._committing:
        new = begin(store, challenge(clock))
        remove_all(path)

    assert store.answer(new.state, "bob", RIGHT, clock.time()) == new


def test_only_the_write_ahead_log_is_removed_and_nothing_is_lost(
    store: SqliteStore, path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    before = begin(store, challenge(clock))
    store.flush()
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink()
    store.tidy(clock.time())
    after = begin(store, challenge(clock))
    store.flush()

    with closing(sqlite3.connect(path)) as reader:
        kept = reader.execute("SELECT state FROM challenges").fetchall()
    assert sorted(kept) == sorted([(before.state,), (after.state,)])
    assert "replaced while it was in use, in whole or in part" in caplog.text


def find_out(store: SqliteStore, clock: FakeClock, *, tidied: bool = False) -> None:
    """Have a store look at its file, for a log-in or in its own time."""
    if tidied:
        store.tidy(clock.time())
    else:
        begin(store, challenge(clock))
        store.flush()


@pytest.mark.parametrize("tidied", [False, True])
def test_log_ins_are_refused_while_there_is_no_directory_and_go_on_when_it_is_back(
    store: SqliteStore, path: Path, clock: FakeClock, *, tidied: bool
) -> None:
    away = path.parent.with_name("away")
    new = begin(store, challenge(clock))
    store.flush()
    path.parent.rename(away)
    with pytest.raises(StoreError, match="cannot be opened for writing: No such file or directory"):
        find_out(store, clock, tidied=tidied)
    for _ in range(2):
        with pytest.raises(StoreError, match="cannot be opened for writing: No such file or directory"):
            begin(store, challenge(clock))
    with pytest.raises(StoreError, match="cannot be opened for writing"):
        store.answer(new.state, "bob", RIGHT, clock.time())
    away.rename(path.parent)

    assert store.answer(new.state, "bob", RIGHT, clock.time()) == new


def test_two_stores_on_a_database_that_is_gone_share_the_new_one(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    other = SqliteStore(path, WINDOW, DAY, clock)
    remove_all(path)
    first = begin(store, challenge(clock, login="l"))
    second = begin(other, challenge(clock, login="l"))
    accepted = other.answer(second.state, "bob", RIGHT, clock.time())
    other.close()

    assert first == second == accepted
    assert name_outcome(lambda: store.answer(first.state, "bob", RIGHT, clock.time())) == "AlreadyUsed"


def test_a_directory_that_somebody_keeps_locked_is_told_and_not_waited_for_for_ever(path: Path) -> None:
    clock = FakeClock(waits=Waits.TAKING_TIME)
    store = SqliteStore(path, WINDOW, DAY, clock)
    remove_all(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="another program has locked its directory"):
            find_out(store, clock)
        with pytest.raises(StoreError, match="another program has locked its directory"):
            begin(store, challenge(clock))
        with pytest.raises(StoreError, match="another program has locked its directory"):
            SqliteStore(path, WINDOW, DAY, clock)
    finally:
        os.close(directory)

    new = begin(store, challenge(clock))
    assert store.answer(new.state, "bob", RIGHT, clock.time()) == new
    store.close()


def test_a_link_to_itself_in_the_databases_place_is_told(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    remove_all(path)
    path.symlink_to(path.name)

    with pytest.raises(StoreError, match="cannot be opened for writing"):
        find_out(store, clock)
    with pytest.raises(StoreError, match="cannot be opened for writing"):
        begin(store, challenge(clock))

    path.unlink()
    assert begin(store, challenge(clock)).user == "bob"
