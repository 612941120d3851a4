"""Somebody who can write to the database but has not the key logs in as nobody else."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.errors import StoreError, TooManyAttempts, UnknownChallenge, WrongCode
from smsotp_plugin.stores.base import Challenge, ResendRules
from smsotp_plugin.stores.sealed import SealedStore
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import RIGHT, TTL, WINDOW, WRONG, challenge
from tests.support.clock import FakeClock
from tests.support.faulty import Faults, faulty_store, returns
from tests.support.parcels import SomeParcel, begin

DAY = 86400.0


def sealed(path: Path, clock: FakeClock, key: bytes) -> SealedStore:
    codes = CodeMaker(key, 6, "0123456789", lambda count: b"r" * count)
    return SealedStore(SqliteStore(path, WINDOW, DAY, clock), codes.names)


@pytest.fixture
def store(path: Path, clock: FakeClock) -> Iterator[SealedStore]:
    store = sealed(path, clock, b"k" * 32)
    yield store
    store.close()


@pytest.fixture
def mallory(store: SealedStore, clock: FakeClock) -> Challenge:
    """A challenge of somebody who knows its code, and who can write to the file."""
    return opened(store, challenge(clock, user="mallory", login="m"))


def opened(store: SealedStore, new: Challenge) -> Challenge:
    given = begin(store, new)
    store.flush()
    return given


def sql(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement, values)


#: What Mallory writes into the columns of her own challenge.
CHANGES: dict[str, object] = {
    "state": "f" * 32,
    "user": "bob",
    "login": "b",
    "seed": "e" * 32,
    "seal": WRONG,
    "number": "+49 *** **99",
    "number_hash": "e" * 32,
    "created": 999_999.0,
    "expires": 1_000_400.0,
    "mark": "0" * 32,
}


@pytest.mark.parametrize("column", sorted(CHANGES))
def test_a_challenge_that_somebody_else_has_changed_lets_nobody_in(
    store: SealedStore, mallory: Challenge, path: Path, clock: FakeClock, column: str
) -> None:
    changed = changed_row(path, mallory, column, CHANGES[column])

    with pytest.raises(StoreError, match="does not bear our mark: somebody else has changed it"):
        store.find(changed.state, changed.user)
    with pytest.raises(StoreError, match="does not bear our mark"):
        store.answer(changed.state, changed.user, changed.seal, clock.time())


@pytest.mark.parametrize("column", sorted(CHANGES.keys() - {"state"}))
def test_a_challenge_with_anything_of_another_one_lets_nobody_in(
    store: SealedStore, mallory: Challenge, path: Path, clock: FakeClock, column: str
) -> None:
    clock.advance(1)
    bob = opened(
        store,
        replace(
            challenge(clock, user="bob", login="b"),
            seed="9" * 32,
            seal=WRONG,
            number="+49 *** **11",
            number_hash="8" * 32,
        ),
    )
    value = getattr(bob, column)
    changed = changed_row(path, mallory, column, value)

    assert value != getattr(mallory, column)
    with pytest.raises(StoreError, match="does not bear our mark"):
        store.answer(changed.state, changed.user, changed.seal, clock.time())


@pytest.mark.parametrize(("tries", "late"), [(2, 0.0), (1, 0.0), (0, 0.0), (2, TTL)])
def test_nobody_is_told_anything_of_a_challenge_that_somebody_else_has_changed(
    store: SealedStore, mallory: Challenge, path: Path, clock: FakeClock, *, tries: int, late: float
) -> None:
    changed_row(path, mallory, "number", CHANGES["number"])
    sql(path, "UPDATE challenges SET tries_left = ?, status = ?", tries, 0 if tries else 2)
    clock.advance(late)

    with pytest.raises(StoreError, match="does not bear our mark"):
        store.answer(mallory.state, "mallory", "0" * 32, clock.time())


def changed_row(path: Path, challenge: Challenge, column: str, value: object) -> Challenge:
    """Write into one column of a challenge and return what it is now."""
    sql(path, f"UPDATE challenges SET {column} = ? WHERE state = ?", value, challenge.state)
    changes: dict[str, object] = {column: value}
    return replace(challenge, **changes)  # type: ignore[arg-type]  # a column is an attribute


def test_a_code_whose_end_somebody_else_has_put_off_is_not_good(
    store: SealedStore, mallory: Challenge, path: Path, clock: FakeClock
) -> None:
    clock.advance(TTL + 1)
    sql(path, "UPDATE challenges SET expires = expires + 300, created = created + 300")

    with pytest.raises(StoreError, match="does not bear our mark"):
        store.answer(mallory.state, "mallory", mallory.seal, clock.time())


def test_no_further_sms_goes_out_for_a_challenge_that_somebody_else_has_changed(
    store: SealedStore, mallory: Challenge, path: Path, clock: FakeClock
) -> None:
    sql(path, "UPDATE challenges SET seed = ?", "e" * 32)

    with pytest.raises(StoreError, match="does not bear our mark"):
        store.resend(
            mallory.state, "mallory", clock.time(), ResendRules(limit=9, pace=0), SomeParcel(mallory)
        )


def test_a_challenge_that_somebody_else_has_changed_is_not_given_again(
    mallory: Challenge, path: Path, clock: FakeClock
) -> None:
    sql(path, "UPDATE challenges SET login = 'b', user = 'bob'")

    assert mallory.login == "m"
    # At the next start; until then a store asks the file only for log-ins that it has begun.
    later = sealed(path, clock, b"k" * 32)
    with pytest.raises(StoreError, match="does not bear our mark"):
        later.find_same("b", clock.time())
    with pytest.raises(StoreError, match="does not bear our mark"):
        opened(later, challenge(clock, user="bob", login="b"))
    later.close()


def test_a_used_code_that_somebody_else_has_put_back_is_not_good_again(
    store: SealedStore, mallory: Challenge, path: Path, clock: FakeClock
) -> None:
    store.answer(mallory.state, "mallory", mallory.seal, clock.time())
    sql(path, "UPDATE challenges SET status = 0, tries_left = 3")

    with pytest.raises(StoreError, match="more tries in the store than it had"):
        store.answer(mallory.state, "mallory", mallory.seal, clock.time())


@pytest.mark.parametrize("guesses", [1, 2, 3])
def test_tries_that_somebody_else_has_given_back_are_none(
    store: SealedStore, mallory: Challenge, path: Path, clock: FakeClock, guesses: int
) -> None:
    for _ in range(guesses):
        with pytest.raises((WrongCode, TooManyAttempts)):
            store.answer(mallory.state, "mallory", WRONG, clock.time())
    sql(path, "UPDATE challenges SET status = 0, tries_left = 3")

    for seal in (WRONG, RIGHT):
        with pytest.raises(StoreError, match="more tries in the store than it had"):
            store.answer(mallory.state, "mallory", seal, clock.time())


def test_a_challenge_that_somebody_else_has_taken_away_is_gone_and_no_more(
    store: SealedStore, mallory: Challenge, path: Path, clock: FakeClock
) -> None:
    sql(path, "DELETE FROM challenges")

    with pytest.raises(UnknownChallenge):
        store.answer(mallory.state, "mallory", mallory.seal, clock.time())


def test_another_key_makes_another_mark(mallory: Challenge, path: Path, clock: FakeClock) -> None:
    other = sealed(path, clock, b"o" * 32)
    with pytest.raises(StoreError, match=r"or \[store\] key has another value since"):
        other.find(mallory.state, "mallory")
    other.close()


@pytest.fixture
def mistaken(path: Path, clock: FakeClock) -> Iterator[tuple[SealedStore, Challenge]]:
    """A store that gives one challenge whatever it is asked for, and takes every answer for right."""
    faults = Faults()
    inner = faulty_store(SqliteStore(path, WINDOW, DAY, clock), faults)
    store = SealedStore(inner, CodeMaker(b"k" * 32, 6, "0123456789", lambda count: b"r" * count).names)
    given = opened(store, challenge(clock, user="mallory", login="m"))
    given = store.find(given.state, given.user)
    with ExitStack() as mistakes:
        for call in ("open_challenge", "find_same", "answer", "find", "resend"):
            mistakes.enter_context(faults.at(call, returns(given)))
        yield store, given
    inner.close()


def test_a_challenge_that_was_not_asked_for_is_not_taken(
    mistaken: tuple[SealedStore, Challenge], clock: FakeClock
) -> None:
    store, given = mistaken
    now, rules = clock.time(), ResendRules(limit=9, pace=0)

    for state, user in (("f" * 32, given.user), (given.state, "bob")):
        with pytest.raises(StoreError, match="in place of another one"):
            store.find(state, user)
        with pytest.raises(StoreError, match="in place of another one"):
            store.answer(state, user, given.seal, now)
        with pytest.raises(StoreError, match="in place of another one"):
            store.resend(state, user, now, rules, SomeParcel(given))
    with pytest.raises(StoreError, match="in place of another one"):
        store.find_same("b", now)
    with pytest.raises(StoreError, match="in place of another one"):
        begin(store, challenge(clock, user="bob", login="b"))


def test_a_wrong_answer_that_a_store_takes_for_right_is_not_right(
    mistaken: tuple[SealedStore, Challenge], clock: FakeClock
) -> None:
    store, given = mistaken

    with pytest.raises(StoreError, match="that is wrong, or that came too late"):
        store.answer(given.state, given.user, WRONG, clock.time())
    assert store.answer(given.state, given.user, given.seal, clock.time()) == given


@pytest.mark.parametrize("seconds", [TTL, TTL + 1, -TTL, -2 * TTL])
def test_a_late_answer_that_a_store_takes_for_right_is_not_right(
    mistaken: tuple[SealedStore, Challenge], clock: FakeClock, seconds: float
) -> None:
    store, given = mistaken
    clock.set_by(seconds)

    with pytest.raises(StoreError, match="or that came too late"):
        store.answer(given.state, given.user, given.seal, clock.time())
