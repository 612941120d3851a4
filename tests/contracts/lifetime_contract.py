"""What every store promises about how long it keeps what, written once. `StoreContract` binds it."""

from pathlib import Path

import pytest

from smsotp_plugin.errors import Expired, WrongCode
from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY, ChallengeStore
from tests.contracts.binding import Binding
from tests.support.challenges import (
    RESENDS,
    RIGHT,
    TTL,
    WINDOW,
    WRONG,
    challenge,
    count_right_answers,
    name_outcome,
)
from tests.support.clock import FakeClock
from tests.support.parcels import SomeParcel, begin


class LifetimeContract(Binding):
    """The promises about restarts, clocks and what is forgotten."""

    def test_everything_is_as_it_was_after_a_restart(self, tmp_path: Path, clock: FakeClock) -> None:
        before = self.open(tmp_path, WINDOW, clock)
        untouched, guessed, used = (begin(before, challenge(clock, login=login, tries=2)) for login in "abc")
        with pytest.raises(WrongCode):
            before.answer(guessed.state, "bob", WRONG, clock.time())
        before.answer(used.state, "bob", RIGHT, clock.time())
        before.close()

        after = self.open(tmp_path, WINDOW, clock)
        try:
            assert begin(after, challenge(clock, login="a")) == untouched
            assert begin(after, challenge(clock, login="b")).state == guessed.state
            assert begin(after, fresh := challenge(clock, login="c")) == fresh
            assert name_outcome(lambda: after.answer(used.state, "bob", RIGHT, clock.time())) == "AlreadyUsed"
            assert (
                name_outcome(lambda: after.answer(guessed.state, "bob", WRONG, clock.time()))
                == "TooManyAttempts"
            )
            assert after.answer(untouched.state, "bob", RIGHT, clock.time()) == untouched
        finally:
            after.close()

    def test_a_late_answer_is_told_why_until_nobody_asks_any_more(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        new = begin(store, challenge(clock))
        store.flush()

        clock.advance(TTL + KEPT_AFTER_EXPIRY - 1)
        self.keep_house(store, clock)
        assert name_outcome(lambda: store.answer(new.state, "bob", RIGHT, clock.time())) == "Expired"
        clock.advance(2)
        self.keep_house(store, clock)
        assert name_outcome(lambda: store.answer(new.state, "bob", RIGHT, clock.time())) == "UnknownChallenge"

    def test_tidying_removes_many_and_leaves_the_living(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        old = [begin(store, challenge(clock)) for _ in range(1000)]
        store.flush()
        clock.advance(TTL + KEPT_AFTER_EXPIRY + 1)
        young = begin(store, challenge(clock))
        self.keep_house(store, clock)

        assert count_right_answers(store, clock, old) == {"UnknownChallenge": 1000}
        assert store.answer(young.state, "bob", RIGHT, clock.time()) == young

    def test_a_code_is_good_no_longer_because_the_clock_was_set_back(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        new = begin(store, challenge(clock))
        clock.set_by(-3600)

        assert name_outcome(lambda: store.answer(new.state, "bob", RIGHT, clock.time())) == "Expired"
        assert name_outcome(lambda: store.answer(new.state, "bob", WRONG, clock.time())) == "Expired"
        with pytest.raises(Expired):
            store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))

    @pytest.mark.parametrize(("back", "ended"), [(1, "accepted"), (TTL - 1, "accepted"), (TTL, "Expired")])
    def test_a_code_is_good_for_its_life_before_its_beginning(
        self, store: ChallengeStore, clock: FakeClock, back: float, ended: str
    ) -> None:
        new = begin(store, challenge(clock))
        clock.set_by(-back)

        assert name_outcome(lambda: store.answer(new.state, "bob", RIGHT, clock.time())) == ended

    @pytest.mark.parametrize("committed", [False, True])
    @pytest.mark.parametrize("step", [-3600, -1, 3600])
    def test_a_log_in_after_the_clock_was_set_gets_a_challenge_of_its_own(
        self, store: ChallengeStore, clock: FakeClock, step: float, *, committed: bool
    ) -> None:
        first = begin(store, challenge(clock, login="l"))
        if committed:
            store.flush()
        clock.set_by(step)
        second = challenge(clock, login="l")

        assert store.find_same("l", clock.time()) is None
        assert begin(store, second) == second
        assert begin(store, challenge(clock, login="l")) == second
        assert first != second

    def test_the_newest_of_two_challenges_is_given_again_when_the_clock_is_right_again(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        begin(store, challenge(clock, login="l"))
        clock.set_by(-1)
        second = begin(store, challenge(clock, login="l"))
        clock.set_by(1)

        assert store.find_same("l", clock.time()) == second

    def test_challenges_of_the_future_keep_no_old_one_from_being_removed(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        clock.set_by(7200)
        future = [begin(store, challenge(clock)) for _ in range(300)]
        store.flush()
        clock.set_by(-7200)
        old = [begin(store, challenge(clock)) for _ in range(300)]
        store.flush()
        clock.advance(TTL + KEPT_AFTER_EXPIRY + 1)
        self.keep_house(store, clock)

        assert count_right_answers(store, clock, old) == {"UnknownChallenge": 300}
        assert count_right_answers(store, clock, future) == {"Expired": 300}

    def test_challenges_of_a_clock_that_was_years_ahead_are_removed(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        clock.set_by(10 * 365 * 86400)
        future = [begin(store, challenge(clock)) for _ in range(300)]
        store.flush()
        clock.set_by(-10 * 365 * 86400)
        young = begin(store, challenge(clock))
        self.keep_house(store, clock)

        assert count_right_answers(store, clock, future) == {"UnknownChallenge": 300}
        assert store.answer(young.state, "bob", RIGHT, clock.time()) == young
