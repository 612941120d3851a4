"""The SQLite store and messages: what cannot be written, who owns what, and what is left in the tables."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.sqlite import file as sqlite_file
from smsotp_plugin.stores.sqlite.attempts import Key, find_notes, list_owners, read_notes
from smsotp_plugin.stores.sqlite.neighbours import Neighbours, Presence, draw_owner
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import WINDOW, challenge
from tests.support.clock import FakeClock
from tests.support.parcels import begin, begin_attempt

DAY = 86400.0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a database, as another program may."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def begun(path: Path) -> list[Key]:
    """Return the messages that a gateway may have, as all stores have noted it."""
    return [key for owner in list_owners(path) for key in read_notes(find_notes(path, owner))]


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def promise(store: SqliteStore, clock: FakeClock) -> str:
    """Keep a challenge with its message; returns its State."""
    new = begin(store, challenge(clock))
    store.flush()
    return new.state


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "_BUSY_SECONDS", 0.05)


def test_attempts_wait_for_nobody_who_writes_to_the_database(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    states = [promise(store, clock) for _ in range(8)]
    together = threading.Barrier(8)

    def begin(state: str) -> None:
        together.wait()
        begin_attempt(store, state, "gateway")

    with locked(path), ThreadPoolExecutor(8) as pool:
        list(pool.map(begin, states))
        noted = begun(path)
    store.close()

    assert sorted(noted) == [(state, 0) for state in sorted(states)]


@pytest.mark.usefixtures("impatient")
def test_what_has_ended_while_nothing_could_be_written_is_removed_afterwards(
    path: Path, clock: FakeClock
) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    ended, failed = promise(store, clock), promise(store, clock)
    for state in (ended, failed):
        begin_attempt(store, state, "gateway")
    with locked(path):
        store.forget_message(ended, 0)
        store.end_attempt(failed, 0, "gateway")
        with suppress(StoreError):
            store.flush()
    clock.advance(2)
    store.flush()
    store.close()

    assert (rows(path, "messages"), begun(path)) == (1, [])


@pytest.mark.usefixtures("impatient")
def test_trouble_with_what_has_ended_is_not_said_of_log_ins(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    state = promise(store, clock)
    with locked(path):
        store.forget_message(state, 0)
        for _ in range(3):
            clock.advance(2)
            store._flush_and_tell()
    clock.advance(2)
    store.close()

    assert "users were asked for codes" not in caplog.text
    assert caplog.text.count("nothing can be written: ") == 1


def test_where_locks_are_unknown_nothing_is_taken_over_and_that_is_said_once(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = SqliteStore(path, WINDOW, DAY, clock)
    promise(dead, clock)
    dead.close()

    def no_locks(*_: object) -> int:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Neighbours, "_call", no_locks)
    store = SqliteStore(path, WINDOW, DAY, clock)
    taken = [*store.take_over(clock.time()), *store.take_over(clock.time())]
    clock.advance(DAY)
    store.take_over(clock.time())
    store.close()

    assert taken == []
    assert caplog.text.count("is on a file system without locks") == 1
    assert rows(path, "messages") == 0


def test_a_number_lives_as_long_as_its_store_does(path: Path) -> None:
    mine, other = draw_owner(), draw_owner()
    here, there = Neighbours(path, mine), Neighbours(path, other)
    meanwhile = there.lives(mine), here.lives(other), here.lives(draw_owner())
    there.close()
    after = here.lives(other)
    here.close()

    assert meanwhile == (True, True, False)
    assert not after


def test_a_thread_that_asks_who_is_there_while_another_moves_out_is_told_that_others_may_be(
    path: Path, tmp_path: Path
) -> None:
    owner = draw_owner()
    neighbours = Neighbours(path, owner)
    doubts: list[Presence] = []
    looks = [neighbours.look(lambda: None) for _ in range(2)]
    neighbours.close()
    # Would get the number of the directory's descriptor, if that were free.
    other = os.open(tmp_path, os.O_RDONLY)
    looks.append(neighbours.look(lambda: doubts.append(Presence.THERE)))
    answers = neighbours.are_there(), neighbours.lives(draw_owner())
    os.close(other)

    assert looks == [Presence.GONE, Presence.NOBODY, Presence.THERE]
    assert doubts == [Presence.THERE]
    assert answers == (True, True)


def test_notes_of_a_dead_store_that_cannot_be_removed_are_named(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    notes = find_notes(path, draw_owner())
    notes.mkdir()

    with pytest.raises(StoreError, match=f"{notes} cannot be removed: Is a directory"):
        store.take_over(clock.time())
    store.close()


def test_a_store_that_is_alone_looks_for_others_messages_once(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    store.take_over(clock.time())
    with store._file._reader.lock:  # whoever asked the file would wait here for ever
        again = store.take_over(clock.time())
    store.close()

    assert again == []


def test_what_may_have_been_sent_is_known_to_the_third_server_too(path: Path, clock: FakeClock) -> None:
    first = SqliteStore(path, WINDOW, DAY, clock)
    state = promise(first, clock)
    begin_attempt(first, state, "one")
    begin_attempt(first, state, "another")
    first.end_attempt(state, 0, "another")
    first.close()
    second = SqliteStore(path, WINDOW, DAY, clock)
    (taken,) = second.take_over(clock.time())
    begin_attempt(second, state, "third")
    second.close()
    third = SqliteStore(path, WINDOW, DAY, clock)
    (left,) = third.take_over(clock.time())
    third.close()

    assert taken.may_have_it == {"one"}
    assert left.may_have_it == {"one", "third"}


def test_only_the_notes_of_those_who_live_or_have_left_messages_are_kept(
    path: Path, clock: FakeClock
) -> None:
    dead, living = SqliteStore(path, WINDOW, DAY, clock), SqliteStore(path, WINDOW, DAY, clock)
    for store in (dead, living):
        begin_attempt(store, promise(store, clock), "gateway")
    dead.close()
    left_behind = find_notes(path, draw_owner())
    left_behind.touch()
    third = SqliteStore(path, WINDOW, DAY, clock)
    before = len(list_owners(path))
    third.take_over(clock.time())
    third.take_over(clock.time())
    after = len(list_owners(path))
    living.close()
    third.close()

    assert (before, after) == (3, 2)
    assert not left_behind.exists()
