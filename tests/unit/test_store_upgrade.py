"""A database of an earlier version becomes one of ours, and what is lost is said."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from smsotp_plugin.stores.delivery_log import Wanted
from smsotp_plugin.stores.sqlite.look import look_at_store
from smsotp_plugin.stores.sqlite.store import SqliteStore
from smsotp_plugin.stores.sqlite.trace import trace_file
from tests.support.challenges import RIGHT, WINDOW, challenge, name_outcome
from tests.support.clock import FakeClock
from tests.support.parcels import begin

DAY = 86400.0


_VERSION_1 = """
CREATE TABLE challenges (
    state TEXT PRIMARY KEY, user TEXT NOT NULL, login TEXT NOT NULL, seed TEXT NOT NULL, seal TEXT NOT NULL,
    number TEXT NOT NULL, number_hash TEXT NOT NULL, created REAL NOT NULL, expires REAL NOT NULL,
    tries_left INTEGER NOT NULL, resends INTEGER NOT NULL, undelivered TEXT NOT NULL,
    status INTEGER NOT NULL DEFAULT 0, asked REAL NOT NULL DEFAULT 0
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, reference TEXT NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL, gateway TEXT NOT NULL,
    gateway_id TEXT NOT NULL, detail TEXT NOT NULL, user TEXT NOT NULL, number TEXT NOT NULL, number_hash TEXT NOT NULL
);
CREATE INDEX events_by_reference ON events (reference) WHERE reference <> '';
CREATE INDEX events_by_user ON events (user) WHERE user <> '';
CREATE INDEX events_by_number ON events (number_hash) WHERE number_hash <> '';
CREATE INDEX events_by_gateway_id ON events (gateway_id) WHERE gateway_id <> '';
INSERT INTO challenges VALUES ('1', 'bob', 'l', 'c', 'a', '+49', 'd', 1000000, 1000300, 3, 0, '', 0, 0);
INSERT INTO challenges VALUES ('2', 'bob', 'l', 'c', 'a', '+49', 'd', 1000000, 1000300, 3, 0, '', 1, 0);
INSERT INTO events VALUES (1, 'ref', 1000000, 'asked', '', '', 'route 1', 'bob', '+49', 'd');
PRAGMA user_version = 1;
"""


def test_the_delivery_log_is_kept_and_the_lost_log_ins_are_counted(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_VERSION_1)
    store = SqliteStore(path, WINDOW, DAY, clock)
    old = [name_outcome(lambda state=state: store.answer(state, "bob", "a", clock.time())) for state in "12"]  # type: ignore[misc]  # bound early
    new = begin(store, challenge(clock))
    accepted = store.answer(new.state, "bob", RIGHT, clock.time())
    traced = trace_file(path, Wanted(user="bob"), 10)
    store.close()

    assert old == ["UnknownChallenge"] * 2
    assert accepted == new
    assert [event.reference for event in traced] == ["ref"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert (
        f"{path} was written by an earlier smsotp-plugin: 1 log-in that waited for its code has"
        in caplog.text
    )


#: What each version added to the one before it.
_ADDED = {3: ("messages",), 4: ("guesses", "wrong_answers", "spent", "counts", "answers", "brakes")}


@pytest.mark.parametrize("version", [2, 3])
def test_the_step_from_a_version_keeps_log_ins_that_wait(path: Path, clock: FakeClock, version: int) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    new = begin(store, challenge(clock))
    store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table in (table for later, tables in _ADDED.items() if later > version for table in tables):
            connection.execute(f"DROP TABLE {table}")
        connection.execute(f"PRAGMA user_version = {version}")
    look_at_store(path)
    store = SqliteStore(path, WINDOW, DAY, clock)
    accepted = store.answer(new.state, "bob", RIGHT, clock.time())
    left = store.take_over(clock.time())
    store.close()

    assert accepted == new
    assert len(left) == (0 if "messages" in _ADDED.get(version + 1, ()) else 1)


def test_a_look_at_a_database_of_the_first_version_changes_and_says_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_VERSION_1)
    before = path.read_bytes()

    look_at_store(path)

    assert path.read_bytes() == before
    assert caplog.records == []


def test_an_upgraded_database_is_like_a_new_one(path: Path, tmp_path: Path, clock: FakeClock) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_VERSION_1)
    shapes = []
    for each in (path, tmp_path / "new.db"):
        SqliteStore(each, WINDOW, DAY, clock).close()
        with closing(sqlite3.connect(each)) as connection:
            names = connection.execute(
                "SELECT type, name, tbl_name FROM sqlite_schema ORDER BY name"
            ).fetchall()
            columns = [connection.execute(f"PRAGMA table_info({name})").fetchall() for _, name, _ in names]
        shapes.append((names, columns))

    assert shapes[0] == shapes[1]
