"""What follows from a right answer in the SQLite file is neither lost nor trusted too long."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from smsotp_plugin.errors import ChallengeError, StoreError, TooManyGuesses, WrongCode
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.guesses import CLEAN, Guesser, GuessRules, station_place
from smsotp_plugin.stores.sqlite.identity import beside
from smsotp_plugin.stores.sqlite.store import SqliteStore
from smsotp_plugin.stores.sqlite.watch import Watch
from tests.support.challenges import RIGHT, WINDOW, WRONG, challenge
from tests.support.clock import FakeClock
from tests.support.parcels import begin

DAY = 86_400.0
RULES = GuessRules(free=2, most=3, first_wait=30.0, longest_wait=30.0, lock=DAY, known_for=30 * DAY)
#: By which the wrong answers of a day brake nobody yet.
PATIENT = replace(RULES, most=20)
HOME, CAFE = station_place("home"), station_place("cafe")


@pytest.fixture
def store(path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    store = SqliteStore(path, WINDOW, DAY, clock)
    assert not store.may_wait(RULES)
    yield store
    with suppress(StoreError):
        store.close()


def opened(store: SqliteStore, clock: FakeClock) -> Challenge:
    new = begin(store, challenge(clock, tries=5))
    store.flush()
    return new


def guesser(each: Challenge, place: str = CAFE) -> Guesser:
    return Guesser((each.user,), (place,), RULES)


def give(store: SqliteStore, each: Challenge, seal: str, clock: FakeClock, place: str = CAFE) -> None:
    store.answer(each.state, each.user, seal, clock.time(), guesser(each, place))


def guess_wrongly(store: SqliteStore, each: Challenge, times: int, clock: FakeClock) -> None:
    for _ in range(times):
        with pytest.raises(WrongCode):
            give(store, each, WRONG, clock)


class Interrupted(Watch):
    """Something happens right after it has been looked at for the first time."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        self.learn(tuple)
        self._happens = [happens]

    def holds_any(self) -> bool:
        result = super().holds_any()
        while self._happens:
            self._happens.pop()()
        return result


def test_a_right_answer_that_came_while_others_locked_its_account_is_not_looked_at(
    store: SqliteStore, clock: FakeClock
) -> None:
    each, guessed = opened(store, clock), opened(store, clock)
    store._guesses._watch = Interrupted(lambda: guess_wrongly(store, guessed, 3, clock))

    with pytest.raises(TooManyGuesses):
        give(store, each, RIGHT, clock)


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Let no file become longer than the write-ahead log is now."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    length = beside(path, "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_place_is_known_although_the_disk_was_full_at_the_first_commit(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    each = opened(store, clock)
    # Its first round comes at once, but on a busy machine it may come only after the right answer, and would keep that.
    store._gatherer.stop()
    give(store, each, RIGHT, clock, HOME)
    with full_disk(path), pytest.raises(StoreError):
        store.known_place(guesser(each, HOME), each.number_hash)
    clock.advance(2.0)

    assert store.known_place(guesser(each, HOME), each.number_hash) == HOME


def test_a_right_answer_that_a_full_disk_did_not_take_is_not_given_and_can_be_given_again(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    each = opened(store, clock)
    with full_disk(path), pytest.raises(StoreError):
        give(store, each, RIGHT, clock)
    clock.advance(2.0)
    assert not store._file.proofs

    give(store, each, RIGHT, clock)
    with pytest.raises(ChallengeError):
        give(store, each, RIGHT, clock)


def test_an_account_is_braked_although_its_right_answer_could_not_be_kept(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    each = opened(store, clock)
    who = Guesser((each.user,), (CAFE,), PATIENT)
    for _ in range(2):
        with pytest.raises(WrongCode):
            store.answer(each.state, each.user, WRONG, clock.time(), who)
    with full_disk(path), pytest.raises(StoreError):
        store.answer(each.state, each.user, RIGHT, clock.time(), who)
    clock.advance(2.0)

    assert store.may_wait(PATIENT)
    assert store.standing(who, each.number_hash).in_a_row == 2


def test_wrong_answers_at_another_server_brake_the_next_log_in(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    each = opened(store, clock)
    visitor = SqliteStore(path, WINDOW, DAY, clock)
    guess_wrongly(visitor, each, 3, clock)
    visitor.close()

    assert store.may_wait(RULES)
    assert store.standing(guesser(each), each.number_hash) != CLEAN


def test_no_thread_trusts_what_another_one_is_just_giving_up(
    store: SqliteStore, path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(2 * WINDOW)
    assert store.find_same("own", clock.time()) is None
    visitor = SqliteStore(path, WINDOW, DAY, clock)
    theirs = begin(visitor, challenge(clock, login="theirs"))
    visitor.close()
    found = []
    give_up = store._recent.ask_always

    def let_another_look_first() -> None:
        monkeypatch.undo()
        found.append(store.find_same("theirs", clock.time()))
        give_up()

    monkeypatch.setattr(store._recent, "ask_always", let_another_look_first)
    store.find_same("anything", clock.time())

    assert found == [theirs]


def test_no_first_leg_waits_for_the_disk_to_learn_what_others_did(
    store: SqliteStore, path: Path, clock: FakeClock
) -> None:
    clock.advance(2 * WINDOW)
    assert store.opens_at_once("new")
    SqliteStore(path, WINDOW, DAY, clock).close()
    with store._file._writer.lock:  # whoever waits for it waits for ever
        assert store.may_wait(RULES)
        assert not store.opens_at_once("new")

    assert not store.may_wait(RULES)
