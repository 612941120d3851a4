"""What every store promises about the same log-in, written once. `StoreContract` binds it."""

import itertools
from pathlib import Path

import pytest

from smsotp_plugin.errors import (
    TooManyAttempts,
    WrongCode,
)
from smsotp_plugin.stores.base import ChallengeStore
from tests.contracts.binding import Binding
from tests.support.challenges import (
    RIGHT,
    THREADS,
    WINDOW,
    WRONG,
    at_once,
    challenge,
)
from tests.support.clock import FakeClock
from tests.support.parcels import begin, told_by


class LoginContract(Binding):
    """The promises about log-ins that come again."""

    def test_the_same_log_in_gets_the_same_challenge(self, store: ChallengeStore, clock: FakeClock) -> None:
        first = begin(store, challenge(clock, login="l"))
        clock.advance(WINDOW - 1)

        assert begin(store, challenge(clock, login="l")) == first

    def test_the_window_ends(self, store: ChallengeStore, clock: FakeClock) -> None:
        first = begin(store, challenge(clock, login="l"))
        clock.advance(WINDOW)
        second = challenge(clock, login="l")

        assert begin(store, second) == second
        assert store.answer(first.state, "bob", RIGHT, clock.time()) == first

    def test_another_log_in_gets_a_challenge_of_its_own(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        first = begin(store, challenge(clock, login="l"))
        second = begin(store, challenge(clock, login="m"))

        assert first.state != second.state

    def test_a_wrong_answer_does_not_end_the_window(self, store: ChallengeStore, clock: FakeClock) -> None:
        first = begin(store, challenge(clock, login="l"))
        with pytest.raises(WrongCode):
            store.answer(first.state, "bob", WRONG, clock.time())

        assert begin(store, challenge(clock, login="l")).state == first.state

    def test_a_challenge_that_was_answered_is_not_given_again(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        first = begin(store, challenge(clock, login="l"))
        store.answer(first.state, "bob", RIGHT, clock.time())
        second = challenge(clock, login="l")

        assert begin(store, second) == second

    def test_a_challenge_without_tries_is_not_given_again(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        first = begin(store, challenge(clock, login="l", tries=1))
        with pytest.raises(TooManyAttempts):
            store.answer(first.state, "bob", WRONG, clock.time())
        second = challenge(clock, login="l")

        assert begin(store, second) == second

    def test_a_challenge_whose_code_did_not_get_out_is_not_given_again(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        first = begin(store, challenge(clock, login="l"))
        store.flush()
        store.mark_undelivered(first.state, 0, "refused")
        second = challenge(clock, login="l")

        assert store.find(first.state, "bob").undelivered == "refused"
        assert begin(store, second) == second

    def test_what_was_not_delivered_is_not_given_again_after_a_restart(
        self, tmp_path: Path, clock: FakeClock
    ) -> None:
        before = self.open(tmp_path, WINDOW, clock)
        first = begin(before, challenge(clock, login="l"))
        before.flush()
        before.mark_undelivered(first.state, 0, "refused")
        before.close()

        after = self.open(tmp_path, WINDOW, clock)
        second = challenge(clock, login="l")
        given = begin(after, second)
        after.close()

        assert given == second

    def test_many_equal_log_ins_at_once_are_one_challenge(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        states: set[str] = set()
        told = told_by(store)

        at_once(lambda: states.add(begin(store, challenge(clock, login="l")).state))
        store.flush()

        assert len(states) == 1
        assert told == [*states]

    def test_many_log_ins_at_once_are_all_kept(
        self, store: ChallengeStore, other: ChallengeStore, clock: FakeClock
    ) -> None:
        states: list[str] = []

        at_once(lambda: states.append(begin(store, challenge(clock)).state))
        store.flush()

        assert len({other.find(state, "bob").state for state in states}) == THREADS

    def test_two_that_share_a_place_give_the_same_log_in_one_challenge(
        self, store: ChallengeStore, other: ChallengeStore, clock: FakeClock
    ) -> None:
        stores = itertools.cycle((store, other))
        states: set[str] = set()
        told = [told_by(store), told_by(other)]

        at_once(lambda: states.add(begin(next(stores), challenge(clock, login="l")).state))
        store.flush()
        other.flush()

        assert len(states) == 1
        assert [state for some in told for state in some] == [*states]

    @pytest.mark.parametrize("committed", [False, True])
    def test_a_log_in_whose_turn_comes_after_that_of_a_later_one_is_the_same(
        self, store: ChallengeStore, clock: FakeClock, *, committed: bool
    ) -> None:
        earlier = challenge(clock, login="l")
        clock.advance(0.001)
        later = begin(store, challenge(clock, login="l"))
        if committed:
            store.flush()

        assert store.find_same("l", earlier.created) == later
        assert begin(store, earlier) == later

    def test_what_is_over_at_one_is_not_given_again_by_the_other(
        self, store: ChallengeStore, other: ChallengeStore, clock: FakeClock
    ) -> None:
        used, spent, lost = (begin(store, challenge(clock, login=login, tries=1)) for login in "abc")
        assert [other.find_same(login, clock.time()) for login in "abc"] == [used, spent, lost]
        other.answer(used.state, "bob", RIGHT, clock.time())
        with pytest.raises(TooManyAttempts):
            other.answer(spent.state, "bob", WRONG, clock.time())
        other.mark_undelivered(lost.state, 0, "refused")

        assert [store.find_same(login, clock.time()) for login in "abc"] == [None] * 3

    def test_whoever_comes_second_gets_what_is_there_even_if_it_was_made_later(
        self, store: ChallengeStore, other: ChallengeStore, clock: FakeClock
    ) -> None:
        slow = [challenge(clock, login=login) for login in "ab"]
        clock.advance(0.5)
        quick = [begin(one, challenge(clock, login=login)) for one, login in ((store, "a"), (other, "b"))]

        assert [store.find_same(each.login, each.created) for each in slow] == quick
        assert [begin(store, each) for each in slow] == quick

    def test_what_was_opened_before_another_came_is_the_same_log_in_for_it(
        self, tmp_path: Path, store: ChallengeStore, clock: FakeClock
    ) -> None:
        first = begin(store, challenge(clock, login="l"))
        store.flush()
        other = self.open(tmp_path, WINDOW, clock)
        given = begin(other, challenge(clock, login="l"))
        second = begin(other, challenge(clock, login="m"))
        other.close()

        assert given == first
        assert begin(store, challenge(clock, login="m")) == second
