"""What every store promises about locks and the wrong answers of a day, written once. `StoreContract` binds it."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from smsotp_plugin.errors import (
    ChallengeError,
    TooManyGuesses,
    WrongCode,
)
from smsotp_plugin.stores.base import Challenge, ChallengeStore
from smsotp_plugin.stores.guesses import Guesser, client_place, station_place
from smsotp_plugin.stores.schemes import unlock_account
from tests.contracts.guess_steps import (
    CAFE,
    DAY,
    HOME,
    HOUR,
    NUMBER,
    RIGHT,
    RULES,
    WRONG,
    GuessSteps,
    who,
)
from tests.support.clock import FakeClock


class GuessLockContract(GuessSteps):
    """The promises about locks, and who ends them."""

    def test_a_locked_account_answers_in_vain_and_uses_up_no_try(
        self,
        store: ChallengeStore,
        wrong: Callable[..., WrongCode],
        begin: Callable[..., Challenge],
        clock: FakeClock,
    ) -> None:
        new = begin()
        wrong(20)

        for seal in (WRONG, RIGHT):
            with pytest.raises(TooManyGuesses) as locked:
                store.answer(new.state, "bob", seal, clock.time(), who())
            assert locked.value.wait == DAY
        assert store.find(new.state, "bob").tries_left == 5

    def test_a_lock_ends_after_its_time_and_the_next_wrong_answer_begins_it_anew(
        self,
        store: ChallengeStore,
        wrong: Callable[..., WrongCode],
        wait: Callable[..., float],
        begin: Callable[..., Challenge],
        clock: FakeClock,
    ) -> None:
        wrong(20)
        clock.advance(DAY - 1)
        assert wait() == 1
        clock.advance(1)
        assert wait() == 0

        assert wrong(1).guesses == 21
        with pytest.raises(TooManyGuesses):
            store.answer(begin().state, "bob", RIGHT, clock.time(), who())

    def test_after_a_hundred_in_a_row_only_an_administrator_helps(
        self,
        store: ChallengeStore,
        wrong: Callable[..., WrongCode],
        wait: Callable[..., float],
        right: Callable[..., Challenge],
        *,
        clock: FakeClock,
        tmp_path: Path,
    ) -> None:
        wrong(20)
        for _ in range(80):
            clock.advance(DAY)
            wrong(1)
        clock.advance(365 * DAY)
        self.keep_house(store, clock)

        assert wait() == math.inf
        with pytest.raises(TooManyGuesses):
            right()
        assert unlock_account(self.settings(tmp_path), ("bob",)) == 100
        right()

    def test_no_more_answers_in_a_day_are_looked_at_however_many_right_ones_come_between(
        self,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
        clock: FakeClock,
    ) -> None:
        for number in range(5):
            wrong(4, who(place=CAFE))
            clock.advance(HOUR)
            if number < 4:
                right(who(place=station_place(f"train {number}")))

        assert wait(who(place=CAFE)) == DAY - 5 * HOUR
        with pytest.raises(TooManyGuesses):
            right(who(place=CAFE))
        clock.advance(DAY - 5 * HOUR)
        right(who(place=CAFE))

    @pytest.mark.parametrize("place", [HOME, client_place("vpn")])
    def test_no_more_answers_in_a_day_are_looked_at_from_a_known_place_either(
        self,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
        clock: FakeClock,
        place: str,
    ) -> None:
        known = who(place=place)
        right(known)
        for number in range(5):
            wrong(4, known)
            clock.advance(HOUR)
            if number < 4:
                right(known)

        assert wait(known) == DAY - 5 * HOUR
        with pytest.raises(TooManyGuesses):
            right(known)
        clock.advance(DAY - 5 * HOUR)
        right(known)

    def test_what_another_one_forgets_is_forgotten_at_once(
        self,
        store: ChallengeStore,
        wrong: Callable[..., WrongCode],
        wait: Callable[..., float],
        tmp_path: Path,
    ) -> None:
        assert not store.may_wait(RULES)
        wrong(6)
        unlock_account(self.settings(tmp_path), ("bob",))

        assert wait() == 0

    def test_unlocking_a_number_unlocks_everybody_whose_number_it_is(
        self, wrong: Callable[..., WrongCode], wait: Callable[..., float], tmp_path: Path
    ) -> None:
        people = [who("bob"), who("anna"), Guesser(("eve", "eve by the older key"), (CAFE,), RULES)]
        for person in people:
            wrong(6, person)
        before = [wait(person) for person in people]
        unlock_account(self.settings(tmp_path), (NUMBER,))

        assert all(before)
        assert [wait(person) for person in people] == [0.0] * 3

    def test_unlocking_whom_nobody_knows_changes_nothing(
        self, wrong: Callable[..., WrongCode], wait: Callable[..., float], tmp_path: Path
    ) -> None:
        wrong(6)

        assert unlock_account(self.settings(tmp_path), ("alice",)) == 0
        assert wait() == 60

    def test_guesses_at_many_challenges_at_once_are_bounded(
        self,
        store: ChallengeStore,
        other: ChallengeStore,
        begin: Callable[..., Challenge],
        clock: FakeClock,
    ) -> None:
        states = [begin().state for _ in range(30)]
        calls = [
            partial(each.answer, state, "bob", WRONG, clock.time(), who(place=station_place(state)))
            for state in states
            for each in (store, other)
            for _ in range(2)
        ]

        ended = run_all(calls)

        assert ended["WrongCode"] + ended["TooManyAttempts"] == RULES.most
        assert ended["TooManyGuesses"] == len(calls) - RULES.most


def run_all(calls: Sequence[Callable[[], object]]) -> Counter[str]:
    """Return how calls in many threads ended."""

    def run(call: Callable[[], object]) -> str:
        try:
            call()
        except ChallengeError as exc:
            return type(exc).__name__
        return "accepted"

    with ThreadPoolExecutor(16) as pool:
        return Counter(pool.map(run, calls))
