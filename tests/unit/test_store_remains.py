"""What is removed from the database is gone from its files, too."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY, Challenge
from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import RIGHT, TTL, WINDOW, challenge
from tests.support.clock import FakeClock
from tests.support.parcels import SomeParcel

EVENTS_KEPT = 3600.0
#: Of each person something that is in no other one's rows, in text and in what indexes hold.
TRACES = (b"mallory", b"5eed5eed", b"1091n", b"c1pher", b"deta11 of")
MINUTE = 60.0


@pytest.fixture
def store(path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    store = SqliteStore(path, WINDOW, EVENTS_KEPT, clock)
    yield store
    store.close()


def person(clock: FakeClock, number: int) -> Challenge:
    return replace(
        challenge(clock, user=f"mallory-{number}", login=f"1091n{number}"), seed=f"5eed5eed{number:024d}"
    )


def log_in(store: SqliteStore, clock: FakeClock, number: int) -> Challenge:
    """Leave of one person a row in each table, as long as theirs are, and different ones."""
    new = person(clock, number)
    store.open_challenge(new, SomeParcel(new, b"c1pher" * (20 + number % 40)))
    store.record(
        DeliveryEvent(
            f"{number}", clock.time(), EventKind.ASKED, detail="deta11 of " * (1 + number % 9), user=new.user
        )
    )
    store.flush()
    return new


def traces(path: Path) -> dict[str, set[bytes]]:
    """Return what can be read in each file of the store."""
    found = {
        file.name: {trace for trace in TRACES if trace in file.read_bytes()} for file in path.parent.iterdir()
    }
    return {name: some for name, some in found.items() if some}


@pytest.mark.parametrize("people", [1, 20, 60, 400])
def test_nothing_of_a_log_in_that_is_over_is_in_the_files_a_minute_after_it_was_removed(
    store: SqliteStore, path: Path, clock: FakeClock, people: int
) -> None:
    for number in range(people):
        new = log_in(store, clock, number)
        if number % 2 == 0:
            store.answer(new.state, new.user, RIGHT, clock.time())
        store.forget_message(new.state, 0)
        clock.advance(0.5)
        if number % 20 == 0:
            store.tidy(clock.time())
    before = traces(path)
    clock.advance(max(TTL + KEPT_AFTER_EXPIRY, EVENTS_KEPT) + 1)
    store.tidy(clock.time())
    clock.advance(MINUTE)
    store.tidy(clock.time())

    assert set().union(*before.values()) >= {b"mallory", b"5eed5eed", b"1091n", b"deta11 of"}
    assert traces(path) == {}


def test_a_message_that_was_sent_is_gone_from_the_database_when_the_log_was_moved_into_it(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    new = log_in(store, clock, 1)
    store.tidy(clock.time())
    before = path.read_bytes()
    store.forget_message(new.state, 0)
    store.tidy(clock.time())

    assert b"c1pher" in before
    assert b"c1pher" not in path.read_bytes()


def test_what_a_server_that_died_left_in_the_log_goes_with_the_first_round(
    path: Path, clock: FakeClock
) -> None:
    store = SqliteStore(path, WINDOW, EVENTS_KEPT, clock)
    new = log_in(store, clock, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM challenges").fetchone()
        clock.advance(max(TTL + KEPT_AFTER_EXPIRY, EVENTS_KEPT) + 1)
        store.forget_message(new.state, 0)
        store.tidy(clock.time())
        left = path.with_name(path.name + "-wal").read_bytes()
        reader.execute("COMMIT")
        store.close()
    path.with_name(path.name + "-wal").write_bytes(left)
    store = SqliteStore(path, WINDOW, EVENTS_KEPT, clock)
    store.tidy(clock.time())
    after = traces(path)
    store.close()

    assert b"mallory" in left
    assert after == {}
