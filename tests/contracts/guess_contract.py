"""What every store promises about wrong answers in a row, written once. `StoreContract` binds it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from smsotp_plugin.errors import (
    TooManyAttempts,
    UnknownChallenge,
    WrongCode,
)
from smsotp_plugin.stores.base import Challenge, ChallengeStore
from smsotp_plugin.stores.guesses import CLEAN, Guesser
from tests.contracts.guess_steps import (
    ANOTHER_NUMBER,
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


class GuessContract(GuessSteps):
    """The promises about rows of wrong answers and their waits."""

    def test_nobody_waits_at_first(self, store: ChallengeStore) -> None:
        assert not store.may_wait(RULES)
        assert store.standing(who(), NUMBER) == CLEAN

    @pytest.mark.parametrize("count", [5, 20])
    def test_nobody_is_asked_about_any_more_when_all_waits_are_over(
        self, store: ChallengeStore, wrong: Callable[..., WrongCode], clock: FakeClock, count: int
    ) -> None:
        def may_wait() -> bool:
            self.keep_house(store, clock)
            return store.may_wait(RULES)

        before = may_wait()
        wrong(count)
        meanwhile = may_wait()
        clock.advance(DAY)
        later = may_wait()
        again = wrong(1)

        assert (before, meanwhile, later, may_wait()) == (False, True, False, True)
        assert again.guesses == count + 1
        assert again.wait > 0

    def test_wrong_answers_are_counted_across_challenges(self, wrong: Callable[..., WrongCode]) -> None:
        assert [wrong(1).guesses for _ in range(5)] == [1, 2, 3, 4, 5]

    def test_the_waits_begin_after_the_free_ones_and_grow_to_the_longest(
        self, wrong: Callable[..., WrongCode], wait: Callable[..., float]
    ) -> None:
        told = []
        for _ in range(14):
            told.append(wrong(1).wait)
            assert wait() == told[-1]

        assert told == [0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]

    def test_a_wait_ends(
        self, wrong: Callable[..., WrongCode], wait: Callable[..., float], clock: FakeClock
    ) -> None:
        wrong(5)
        clock.advance(29.5)
        assert wait() == 0.5
        clock.advance(0.5)

        assert wait() == 0

    def test_who_waits_may_still_answer_an_open_challenge(
        self,
        store: ChallengeStore,
        wrong: Callable[..., WrongCode],
        begin: Callable[..., Challenge],
        clock: FakeClock,
    ) -> None:
        new = begin()
        wrong(6)

        assert store.answer(new.state, "bob", RIGHT, clock.time(), who()).state == new.state

    def test_the_other_name_counts_alike(
        self, wrong: Callable[..., WrongCode], wait: Callable[..., float]
    ) -> None:
        wrong(5)

        assert wait(who("alias"), NUMBER) == 30
        assert wait(who("bob"), ANOTHER_NUMBER) == 30
        assert wait(who("alias"), ANOTHER_NUMBER) == 0

    def test_the_higher_count_decides(self, wrong: Callable[..., WrongCode]) -> None:
        wrong(3, who("alias"))

        assert wrong(1, who("bob"), NUMBER).guesses == 4
        assert wrong(1, who("bob"), ANOTHER_NUMBER).guesses == 2

    def test_a_right_answer_ends_the_row(
        self,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
    ) -> None:
        wrong(6)
        right()

        assert wait() == 0
        assert wrong(1).guesses == 1

    def test_a_name_that_another_account_has_too_opens_no_way_round_the_number(
        self,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
    ) -> None:
        wrong(5, who(place=CAFE))
        right(who("bob", CAFE), ANOTHER_NUMBER)

        assert wait(who("bob", CAFE), NUMBER) == 30

    def test_unknown_challenges_and_those_without_tries_count_for_nothing(
        self,
        store: ChallengeStore,
        wrong: Callable[..., WrongCode],
        begin: Callable[..., Challenge],
        clock: FakeClock,
    ) -> None:
        new = begin(tries=1)
        with pytest.raises(TooManyAttempts) as last:
            store.answer(new.state, "bob", WRONG, clock.time(), who())
        assert last.value.guesses == 1

        with pytest.raises(TooManyAttempts) as more:
            store.answer(new.state, "bob", WRONG, clock.time(), who())
        for state, user in ((new.state, "alice"), ("0" * 32, "bob")):
            with pytest.raises(UnknownChallenge):
                store.answer(state, user, WRONG, clock.time(), who())

        assert more.value.guesses == 0
        assert wrong(1).guesses == 2

    def test_what_is_counted_survives_the_store(
        self,
        store: ChallengeStore,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        tmp_path: Path,
        clock: FakeClock,
    ) -> None:
        right(who(place=HOME))
        wrong(6, who(place=CAFE))
        store.close()
        again = self.open(tmp_path, 30.0, clock)

        assert again.may_wait(RULES)
        assert again.standing(who(place=CAFE), NUMBER).in_a_row == 6
        assert again.standing(who(place=HOME), NUMBER) == CLEAN
        again.close()

    def test_what_one_counts_the_other_knows(
        self, store: ChallengeStore, other: ChallengeStore, wrong: Callable[..., WrongCode]
    ) -> None:
        assert not any(each.standing(who(), NUMBER).in_a_row for each in (store, other))
        wrong(6)

        assert [each.may_wait(RULES) for each in (store, other)] == [True, True]
        assert [each.standing(who(), NUMBER).in_a_row for each in (store, other)] == [6, 6]

    def test_names_of_an_older_key_are_counted_as_well(
        self, wrong: Callable[..., WrongCode], right: Callable[..., Challenge], wait: Callable[..., float]
    ) -> None:
        right(Guesser(("old",), (HOME,), RULES))
        wrong(5, Guesser(("old",), (CAFE,), RULES))
        both = (("new", "old"), ANOTHER_NUMBER)

        assert wait(Guesser(both[0], ("cafe anew", CAFE), RULES), both[1]) == 30
        assert wait(Guesser(both[0], ("home anew", HOME), RULES), both[1]) == 0

    def test_keeping_house_forgets_no_row(
        self,
        store: ChallengeStore,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
        clock: FakeClock,
    ) -> None:
        right(who(place=HOME))
        wrong(6, who(place=CAFE))
        clock.advance(20 * DAY)
        self.keep_house(store, clock)

        assert wrong(1, who(place=CAFE)).guesses == 7
        assert wait(who(place=HOME)) == 0

    def test_a_clock_that_is_set_back_makes_nobody_wait_longer(
        self, wrong: Callable[..., WrongCode], wait: Callable[..., float], clock: FakeClock
    ) -> None:
        wrong(6)
        clock.set_by(-HOUR)

        assert wait() == 0
        assert wrong(1).guesses == 7
