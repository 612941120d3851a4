"""What is peculiar about the SQLite store: its file, its trouble, its threads."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.errors import StoreError, UnknownChallenge
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.budgets import Spending
from smsotp_plugin.stores.kept import KeptMessage, Parcel
from smsotp_plugin.stores.sqlite import challenges as challenges_sql
from smsotp_plugin.stores.sqlite import file as sqlite_file
from smsotp_plugin.stores.sqlite import store as sqlite
from smsotp_plugin.stores.sqlite import writing
from smsotp_plugin.stores.sqlite.budgets import Unwritten
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import DAY, RIGHT, WINDOW, WRONG, challenge, name_outcome
from tests.support.clock import FakeClock
from tests.support.parcels import SomeParcel, begin, told_by
from tests.support.unclosed import own_threads


@pytest.fixture
def store(path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    monkeypatch.setattr(sqlite_file, "_BUSY_SECONDS", 0.01)
    store = SqliteStore(path, WINDOW, DAY, clock)
    yield store
    with suppress(StoreError):
        store.close()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file as another program would that changes it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
def failed(store: SqliteStore, path: Path, clock: FakeClock) -> Challenge:
    """A challenge that could not be kept; the file works again, and the store has not tried it yet."""
    new = challenge(clock, login="l")
    told = told_by(store)
    with locked(path):
        begin(store, new)
        with suppress(StoreError):
            store.flush()
        # Its thread could be the first one to find the file in order.
        store._gatherer.stop()
        with pytest.raises(StoreError):
            begin(store, challenge(clock))
    assert told == []
    return new


def test_the_file_belongs_to_its_owner_only(store: SqliteStore, path: Path, clock: FakeClock) -> None:
    begin(store, challenge(clock))
    store.flush()

    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "smsotp.db": 0o600,
        "smsotp.db-wal": 0o600,
        "smsotp.db-shm": 0o600,
        "smsotp.db-visits": 0o600,
    }


def test_a_log_in_while_the_file_is_locked_is_refused(
    store: SqliteStore, path: Path, clock: FakeClock, failed: Challenge
) -> None:
    clock.advance(2)
    with locked(path), pytest.raises(StoreError, match="database is locked"):
        begin(store, challenge(clock))
    clock.advance(2)
    with pytest.raises(UnknownChallenge):
        store.find(failed.state, "bob")


def test_what_was_spent_and_counted_while_the_file_is_locked_is_written_later(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    for _ in range(2):
        store.count("per_user refused")
        store.spend_anyway(Spending(("u0b",)))
        with locked(path), pytest.raises(StoreError, match="database is locked"):
            store.flush()
        clock.advance(2)
    store.flush()

    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name, number FROM counts").fetchall() == [("per_user refused", 2)]
        assert other.execute("SELECT keys, sum(messages) FROM spent").fetchall() == [("u0b", 2)]


def test_an_answer_while_the_file_is_locked_is_refused_and_no_try(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    new = begin(store, challenge(clock, tries=1))
    store.flush()
    with locked(path), pytest.raises(StoreError, match="database is locked"):
        store.answer(new.state, "bob", WRONG, clock.time())
    clock.advance(2)

    assert store.answer(new.state, "bob", RIGHT, clock.time()) == new


def test_a_file_that_failed_is_left_alone_for_a_second(
    store: SqliteStore, clock: FakeClock, failed: Challenge
) -> None:
    with pytest.raises(StoreError, match="database is locked"):
        store.answer(failed.state, "bob", RIGHT, clock.time())
    clock.advance(1)

    with pytest.raises(UnknownChallenge):
        store.answer(failed.state, "bob", RIGHT, clock.time())


def test_whoever_looks_for_a_challenge_waits_for_nobody_who_writes(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    kept = begin(store, challenge(clock))
    store.flush()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        found = store.find(kept.state, "bob")
        connection.execute("ROLLBACK")

    assert found == kept


def test_a_log_in_that_failed_is_not_given_again(
    store: SqliteStore, clock: FakeClock, failed: Challenge
) -> None:
    clock.advance(1)
    told = told_by(store)
    again = begin(store, challenge(clock, login=failed.login))

    assert again.state != failed.state
    assert told == [again.state]
    assert store.answer(again.state, "bob", RIGHT, clock.time()) == again


def test_many_log_ins_at_once_in_a_bad_time_are_all_refused(
    store: SqliteStore, path: Path, clock: FakeClock, failed: Challenge
) -> None:
    del failed
    together = threading.Barrier(20)
    ended: list[str] = []

    def log_in() -> None:
        together.wait()
        clock.advance(2)
        try:
            ended.append(begin(store, challenge(clock)).state)
        except StoreError:
            ended.append("refused")

    with locked(path):
        threads = [threading.Thread(target=log_in) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert Counter(ended) == {"refused": 20}


def test_log_ins_beyond_those_that_may_wait_are_refused_until_some_are_kept(
    store: SqliteStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_MOST_WAITING", 3)
    with store._committing:
        waiting = [begin(store, challenge(clock)) for _ in range(3)]
        with pytest.raises(StoreError, match="3 log-ins wait to be written: the disk is too slow"):
            begin(store, challenge(clock))
    store.flush()
    later = begin(store, challenge(clock))

    assert [store.find(each.state, each.user) for each in (*waiting, later)] == [*waiting, later]


@pytest.mark.parametrize("count", [1, 31, 32, 33, 255, 256, 257, 600])
def test_any_number_of_challenges_is_kept_at_once(path: Path, clock: FakeClock, count: int) -> None:
    file = sqlite_file.SqliteFile(path, clock)
    some = [challenge(clock) for _ in range(count)]

    file.insert(some, [], [], [], Unwritten())

    assert [file.find(each.state, each.user) for each in some] == some
    file.close()


def test_a_row_that_cannot_be_kept_ends_its_transaction_so_that_no_page_is_copied_for_it(
    path: Path, clock: FakeClock
) -> None:
    file, new = sqlite_file.SqliteFile(path, clock), challenge(clock)
    with file.alone() as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.IntegrityError):
            challenges_sql.insert(connection, [new, challenge(clock), new], [])
        is_open = connection.in_transaction
    file.insert([new], [], [], [], Unwritten())

    assert (is_open, file.find(new.state, new.user)) == (False, new)
    file.close()


def test_a_flush_waits_for_what_another_one_has_begun(store: SqliteStore, clock: FakeClock) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def send(_: Sequence[Parcel]) -> None:
        begun.set()
        go_on.wait(10)

    store.listen(send)
    begin(store, challenge(clock))
    assert begun.wait(10)
    second = threading.Thread(target=store.flush)
    second.start()
    second.join(0.05)
    early = not second.is_alive()
    go_on.set()
    second.join()

    assert not early


def test_a_flush_tells_what_the_thread_of_the_store_could_not_write(
    store: SqliteStore, clock: FakeClock
) -> None:
    begun = threading.Event()

    def fail(*_: object) -> None:
        begun.set()
        raise StoreError("the disk is full")

    store._file.insert = fail  # type: ignore[method-assign, assignment]  # the disk
    begin(store, challenge(clock))
    assert begun.wait(10)

    with pytest.raises(StoreError, match="the disk is full"):
        store.flush()
    del store._file.insert


def test_a_transaction_that_could_not_be_ended_ends_before_the_next_use(
    store: SqliteStore, clock: FakeClock
) -> None:
    writer = store._file._writer._connection
    assert writer is not None
    kept = begin(store, challenge(clock))
    store.flush()
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM challenges")

    assert store.find(kept.state, kept.user) == kept
    assert store.answer(kept.state, kept.user, RIGHT, clock.time()) == kept


def test_a_wrong_answer_before_the_commit_is_counted(store: SqliteStore, clock: FakeClock) -> None:
    def guess() -> str:
        new = begin(store, challenge(clock, tries=2))
        return name_outcome(lambda: store.answer(new.state, "bob", WRONG, clock.time()))

    assert Counter(guess() for _ in range(200)) == {"WrongCode": 200}


def test_a_listener_that_fails_once_is_told_again(
    store: SqliteStore, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def listen(kept: Sequence[Parcel]) -> None:
        told.extend(parcel.seal().state for parcel in kept)
        if len(told) == 1:
            raise ZeroDivisionError

    store.listen(listen)
    states = []
    for _ in range(2):
        states.append(begin(store, challenge(clock)).state)
        store.flush()

    assert told == states
    assert caplog.text.count("users were asked for codes, but no SMS will be sent") == 1


def test_a_message_that_cannot_be_sealed_keeps_no_other_from_being_sent(
    store: SqliteStore, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Spoilt(SomeParcel):
        def seal(self) -> KeptMessage:
            raise ZeroDivisionError

    told = told_by(store)
    bad = challenge(clock)
    with store._committing:
        first = begin(store, challenge(clock))
        store.open_challenge(bad, Spoilt(bad))
        second = begin(store, challenge(clock))
    store.flush()

    assert told == [first.state, second.state]
    assert name_outcome(lambda: store.find(bad.state, bad.user)) == "UnknownChallenge"
    assert store.find_same(bad.login, clock.time()) is None
    assert caplog.text.count("a user was asked for a code, but no SMS will be sent") == 1


def test_what_is_committed_together_is_told_together(store: SqliteStore, clock: FakeClock) -> None:
    batches: list[list[str]] = []
    store.listen(lambda kept: batches.append([parcel.seal().state for parcel in kept]))
    with store._committing:
        states = [begin(store, challenge(clock)).state for _ in range(3)]
    store.flush()

    assert batches == [states]


@pytest.fixture
def stuck(path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    """A store that commits nothing, as on a disk that is stuck."""
    store = SqliteStore(path, WINDOW, DAY, clock)
    with store._committing:
        yield store
    store.close()


def test_a_log_in_waits_for_no_disk(stuck: SqliteStore, path: Path, clock: FakeClock) -> None:
    told = told_by(stuck)
    with locked(path):
        new = begin(stuck, challenge(clock, login="l"))
        again = begin(stuck, challenge(clock, login="l"))

    assert again == new
    assert told == []


def test_a_log_in_waits_for_no_commit_under_way(store: SqliteStore, clock: FakeClock) -> None:
    with store._file._writer.alone():
        new = begin(store, challenge(clock, login="l"))

        assert store.find_same("l", clock.time()) == new


def test_a_store_that_cannot_be_tidied_says_so_in_one_line_a_minute(
    store: SqliteStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with locked(path):
        store._keep_house()
        store._keep_house()

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the store cannot be tidied: " in caplog.text
    assert "database is locked" in caplog.text


def test_a_store_that_was_started_keeps_itself_in_order_until_it_is_closed(path: Path) -> None:
    clock = FakeClock()
    before = own_threads()
    store = SqliteStore(path, WINDOW, DAY, clock)
    store.start()
    for _ in range(3):
        clock.wait_for_sleepers(1)
        clock.advance(1.0)
    clock.wait_for_sleepers(1)
    store.close()

    assert own_threads() <= before


def test_who_comes_knows_what_others_promised_before_they_noticed(
    store: SqliteStore, path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Later(SystemClock):
        """By then the other store has committed."""

        def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
            del condition, timeout
            store.flush()
            return False

    clock.advance(2 * WINDOW)
    store._gatherer.stop()
    promised = begin(store, challenge(clock, login="same"))
    monkeypatch.setattr(writing, "SystemClock", Later)
    newcomer = SqliteStore(path, WINDOW, DAY, clock)
    same = begin(newcomer, challenge(clock, login="same"))
    newcomer.close()

    assert same == promised
