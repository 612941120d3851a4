"""The write-ahead log of the SQLite store stays short, whatever is written and whoever reads."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.sqlite import write_ahead
from smsotp_plugin.stores.sqlite.beside import read_beside
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import WINDOW, WRONG, challenge, name_outcome
from tests.support.clock import FakeClock
from tests.support.parcels import begin

DAY = 86400.0


@pytest.fixture
def store(path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    store = SqliteStore(path, WINDOW, DAY, clock)
    yield store
    store.close()


def log_of(path: Path) -> int:
    return path.with_name(path.name + "-wal").stat().st_size


def log_in(store: SqliteStore, clock: FakeClock) -> None:
    """Commit some log-ins, and tidy nothing."""
    for _ in range(10):
        begin(store, challenge(clock, user="n" * 253))
    store.flush()


def make_link(path: Path) -> Path:
    """Make an empty file in the place of a database, and a link to it in another folder."""
    path.touch(0o600)
    link = path.parent / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    return link


def fill_log(store: SqliteStore, path: Path, clock: FakeClock, length: int) -> None:
    while log_of(path) < length:
        log_in(store, clock)


def test_the_write_ahead_log_stays_short_though_nobody_tidies(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    lengths, cut = [0], list[int]()
    while len(cut) < 3 and max(lengths) < 30 << 20:
        log_in(store, clock)
        lengths.append(log_of(path))
        cut = [after for before, after in pairwise(lengths) if after < before]

    assert max(lengths) < 10 << 20
    # What stays of the file is written over: to find room for it again takes longer.
    assert min(cut) > 6 << 20


def test_wrong_answers_do_not_make_the_write_ahead_log_long(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    new = begin(store, challenge(clock, tries=100_000))
    longest = 0
    for _ in range(3000):
        assert name_outcome(lambda: store.answer(new.state, "bob", WRONG, clock.time())) == "WrongCode"
        longest = max(longest, log_of(path))

    assert 1 << 20 < longest < 10 << 20


def test_tidying_empties_a_long_write_ahead_log(store: SqliteStore, path: Path, clock: FakeClock) -> None:
    fill_log(store, path, clock, 2 << 20)
    store.tidy(clock.time())

    assert log_of(path) == 0


def test_the_write_ahead_log_is_looked_after_where_a_link_leads_to(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(make_link(path), WINDOW, DAY, clock)
    # The first time it is emptied whatever its length.
    store.tidy(clock.time())
    fill_log(store, path, clock, 2 << 20)
    store.tidy(clock.time())
    length = log_of(path)
    store.close()

    assert length == 0


def test_a_command_reads_what_stands_in_the_log_where_a_link_leads_to(path: Path, clock: FakeClock) -> None:
    link = make_link(path)
    store = SqliteStore(link, WINDOW, DAY, clock)
    log_in(store, clock)
    with read_beside(link) as connection:
        (number,) = connection.execute("SELECT count(*) FROM challenges").fetchone()
    store.close()

    assert number == 10


def test_a_database_whose_log_may_not_be_looked_at_is_told(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 253)
    path.touch()

    with pytest.raises(StoreError, match="cannot be looked at: File name too long"), read_beside(path):
        pass


def test_a_program_that_reads_all_the_time_is_told_of_once_and_then_the_log_is_emptied(
    store: SqliteStore,
    path: Path,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(write_ahead, "_ALARMING", 2 << 20)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM challenges").fetchone()
        for megabytes in (1, 3, 5):
            fill_log(store, path, clock, megabytes << 20)
            clock.advance(2)
            store.tidy(clock.time())
        grown = log_of(path)
        reader.execute("ROLLBACK")
    clock.advance(2)
    store.tidy(clock.time())

    assert grown > 2 << 20
    assert log_of(path) == 0
    assert caplog.text.count("cannot be emptied: another program has been reading the database") == 1
