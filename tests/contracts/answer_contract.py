"""What every store promises about answers, written once. `StoreContract` binds it."""

import itertools

import pytest

from smsotp_plugin.errors import (
    AlreadyUsed,
    Expired,
    TooManyAttempts,
    UnknownChallenge,
    WrongCode,
)
from smsotp_plugin.stores.base import ChallengeStore
from tests.contracts.binding import Binding
from tests.support.challenges import (
    RIGHT,
    THREADS,
    WRONG,
    at_once,
    challenge,
)
from tests.support.clock import FakeClock
from tests.support.parcels import begin


class AnswerContract(Binding):
    """The promises about answers and tries."""

    def test_a_right_answer_returns_the_challenge(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = challenge(clock)
        assert begin(store, new) == new

        assert store.answer(new.state, "bob", RIGHT, clock.time()) == new

    def test_a_right_answer_is_good_once(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = begin(store, challenge(clock))
        store.answer(new.state, "bob", RIGHT, clock.time())

        with pytest.raises(AlreadyUsed):
            store.answer(new.state, "bob", RIGHT, clock.time())

    def test_a_wrong_answer_after_the_right_one_is_no_try(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        new = begin(store, challenge(clock))
        store.answer(new.state, "bob", RIGHT, clock.time())

        with pytest.raises(AlreadyUsed):
            store.answer(new.state, "bob", WRONG, clock.time())

    def test_wrong_answers_are_counted(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = begin(store, challenge(clock, tries=3))

        for left in (2, 1):
            with pytest.raises(WrongCode) as wrong:
                store.answer(new.state, "bob", WRONG, clock.time())
            assert wrong.value.tries_left == left
            assert store.find(new.state, "bob").tries_left == left
        with pytest.raises(TooManyAttempts):
            store.answer(new.state, "bob", WRONG, clock.time())
        with pytest.raises(TooManyAttempts):
            store.answer(new.state, "bob", RIGHT, clock.time())

    def test_an_error_holds_the_challenge_as_it_is_after_the_answer(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        new, old = (begin(store, challenge(clock, tries=2)) for _ in range(2))
        store.mark_undelivered(new.state, 0, "refused")

        for error in (WrongCode, TooManyAttempts, TooManyAttempts):
            with pytest.raises(error) as wrong:
                store.answer(new.state, "bob", WRONG, clock.time())
            assert wrong.value.challenge == store.find(new.state, "bob")
        with pytest.raises(Expired) as late:
            store.answer(old.state, "bob", RIGHT, old.expires)
        assert late.value.challenge == store.find(old.state, "bob") == old

    def test_a_single_try_is_one_try(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = begin(store, challenge(clock, tries=1))

        with pytest.raises(TooManyAttempts):
            store.answer(new.state, "bob", WRONG, clock.time())

    def test_the_last_try_may_be_right(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = begin(store, challenge(clock, tries=2))
        with pytest.raises(WrongCode):
            store.answer(new.state, "bob", WRONG, clock.time())

        assert store.answer(new.state, "bob", RIGHT, clock.time()).state == new.state

    @pytest.mark.parametrize("seal", [RIGHT, WRONG])
    def test_no_answer_is_good_from_the_moment_of_expiry_on(
        self, store: ChallengeStore, clock: FakeClock, seal: str
    ) -> None:
        new = begin(store, challenge(clock))

        with pytest.raises(Expired):
            store.answer(new.state, "bob", seal, new.expires)

    def test_an_answer_just_before_the_expiry_is_good(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = begin(store, challenge(clock))

        assert store.answer(new.state, "bob", RIGHT, new.expires - 0.001) == new

    def test_an_unknown_state_is_unknown(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = begin(store, challenge(clock))

        for state in ("", "0" * 32, new.state.upper() + "0", new.state + " ", new.state[:-1]):
            with pytest.raises(UnknownChallenge):
                store.answer(state, "bob", RIGHT, clock.time())
            with pytest.raises(UnknownChallenge):
                store.find(state, "bob")

    @pytest.mark.parametrize("user", ["alice", "BOB", "bob ", "", "bo"])
    def test_anothers_challenge_is_unknown_and_loses_no_try(
        self, store: ChallengeStore, clock: FakeClock, user: str
    ) -> None:
        new = begin(store, challenge(clock, tries=1))

        for seal in (WRONG, RIGHT):
            with pytest.raises(UnknownChallenge):
                store.answer(new.state, user, seal, clock.time())
        with pytest.raises(UnknownChallenge):
            store.find(new.state, user)
        assert store.answer(new.state, "bob", RIGHT, clock.time()) == new

    @pytest.mark.parametrize(
        "user", ["jürgen", "алиса", "😀", "n" * 253, "o'brien\"", "a\\b", "%s", "\u0085"]
    )
    def test_names_of_any_kind_are_kept_as_they_are(
        self, store: ChallengeStore, clock: FakeClock, user: str
    ) -> None:
        new = begin(store, challenge(clock, user=user))

        assert store.answer(new.state, user, RIGHT, clock.time()).user == user

    def test_many_equal_answers_at_once_are_one_success(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        new = begin(store, challenge(clock))

        ended = at_once(lambda: store.answer(new.state, "bob", RIGHT, clock.time()))

        assert ended == {"accepted": 1, "AlreadyUsed": THREADS - 1}

    def test_many_wrong_answers_at_once_use_up_the_tries(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        new = begin(store, challenge(clock, tries=5))

        ended = at_once(lambda: store.answer(new.state, "bob", WRONG, clock.time()))

        assert ended == {"WrongCode": 4, "TooManyAttempts": THREADS - 4}

    def test_two_that_share_a_place_accept_one_answer(
        self, store: ChallengeStore, other: ChallengeStore, clock: FakeClock
    ) -> None:
        new = begin(store, challenge(clock))
        store.flush()
        stores = itertools.cycle((store, other))

        ended = at_once(lambda: next(stores).answer(new.state, "bob", RIGHT, clock.time()))

        assert ended == {"accepted": 1, "AlreadyUsed": THREADS - 1}

    def test_two_that_share_a_place_count_the_same_tries(
        self, store: ChallengeStore, other: ChallengeStore, clock: FakeClock
    ) -> None:
        new = begin(store, challenge(clock, tries=2))
        with pytest.raises(WrongCode):
            store.answer(new.state, "bob", WRONG, clock.time())

        with pytest.raises(TooManyAttempts):
            other.answer(new.state, "bob", WRONG, clock.time())
