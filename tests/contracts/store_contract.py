"""
What every store promises, written once. Each store binds it: one subclass that says how it is opened.

Time is moved by hand; threads are real.
"""

import itertools
import threading
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from smsotp_plugin.errors import (
    AlreadyUsed,
    ChallengeError,
    Expired,
    ResendRefused,
    TooManyAttempts,
    UnknownChallenge,
    WrongCode,
)
from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY, Challenge, ChallengeStore, ResendRules
from smsotp_plugin.stores.kept import KeptMessage, Parcel
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.schemes import open_store
from smsotp_plugin.stores.settings import StoreSettings
from tests.contracts.erase_contract import EraseContract
from tests.contracts.log_contract import DAY, LogContract
from tests.contracts.message_contract import MessageContract
from tests.support.parcels import SomeParcel, begin, told_by
from tests.unit.hand_clock import HandClock

WINDOW = 30.0
RESENDS = ResendRules(limit=2, pace=30.0)
TTL = 300.0
RIGHT, WRONG = "a" * 32, "b" * 32
THREADS = 50

_numbers = itertools.count(1)


def challenge(clock: HandClock, *, login: str = "", user: str = "bob", tries: int = 3) -> Challenge:
    """Return a new challenge, of a log-in of its own unless one is named."""
    state = f"{next(_numbers):032x}"
    return Challenge(
        state=state,
        user=user,
        login=login or state,
        seed="c" * 32,
        seal=RIGHT,
        number="+49 *** **67",
        number_hash="d" * 32,
        created=clock.time(),
        expires=clock.time() + TTL,
        tries_left=tries,
    )


def name_outcome(call: Callable[[], object]) -> str:
    """Return the name of what a call raised, or ``accepted``."""
    try:
        call()
    except ChallengeError as exc:
        return type(exc).__name__
    return "accepted"


def at_once(call: Callable[[], object]) -> Counter[str]:
    """Return how the same call ended in many threads that begin together."""
    together = threading.Barrier(THREADS)

    def run() -> str:
        together.wait()
        return name_outcome(call)

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(future.result() for future in [pool.submit(run) for _ in range(THREADS)])


def right_answers(store: ChallengeStore, clock: HandClock, some: list[Challenge]) -> Counter[str]:
    """Return how right answers to some challenges of bob ended."""
    return Counter(
        name_outcome(partial(store.answer, each.state, "bob", RIGHT, clock.time())) for each in some
    )


class StoreContract(MessageContract, LogContract, EraseContract):
    """The promises."""

    @abstractmethod
    def settings(self, place: Path) -> StoreSettings:
        """Return the settings of a store that is empty at first; for the same place, of the same one."""

    @abstractmethod
    def keep_house(self, store: ChallengeStore, clock: HandClock) -> None:
        """Have a store forget now what it forgets by itself sooner or later, as of the time of the clock."""

    def open(self, place: Path, window: float, clock: HandClock) -> Store:
        return open_store(self.settings(place), window=window, events_kept=DAY, clock=clock)

    @pytest.fixture
    def clock(self) -> HandClock:
        return HandClock()

    @pytest.fixture
    def new(self, clock: HandClock) -> Callable[[], Challenge]:
        return partial(challenge, clock)

    @pytest.fixture
    def store(self, tmp_path: Path, clock: HandClock) -> Iterator[Store]:
        store = self.open(tmp_path, WINDOW, clock)
        yield store
        store.close()

    @pytest.fixture
    def other(self, tmp_path: Path, clock: HandClock, store: ChallengeStore) -> Iterator[Store]:
        """The same place as another process sees it."""
        del store
        other = self.open(tmp_path, WINDOW, clock)
        yield other
        other.close()

    def test_a_right_answer_returns_the_challenge(self, store: ChallengeStore, clock: HandClock) -> None:
        new = challenge(clock)
        assert begin(store, new) == new

        assert store.answer(new.state, "bob", RIGHT, clock.time()) == new

    def test_a_right_answer_is_good_once(self, store: ChallengeStore, clock: HandClock) -> None:
        new = begin(store, challenge(clock))
        store.answer(new.state, "bob", RIGHT, clock.time())

        with pytest.raises(AlreadyUsed):
            store.answer(new.state, "bob", RIGHT, clock.time())

    def test_a_wrong_answer_after_the_right_one_is_no_try(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        new = begin(store, challenge(clock))
        store.answer(new.state, "bob", RIGHT, clock.time())

        with pytest.raises(AlreadyUsed):
            store.answer(new.state, "bob", WRONG, clock.time())

    def test_wrong_answers_are_counted(self, store: ChallengeStore, clock: HandClock) -> None:
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

    def test_a_single_try_is_one_try(self, store: ChallengeStore, clock: HandClock) -> None:
        new = begin(store, challenge(clock, tries=1))

        with pytest.raises(TooManyAttempts):
            store.answer(new.state, "bob", WRONG, clock.time())

    def test_the_last_try_may_be_right(self, store: ChallengeStore, clock: HandClock) -> None:
        new = begin(store, challenge(clock, tries=2))
        with pytest.raises(WrongCode):
            store.answer(new.state, "bob", WRONG, clock.time())

        assert store.answer(new.state, "bob", RIGHT, clock.time()).state == new.state

    @pytest.mark.parametrize("seal", [RIGHT, WRONG])
    def test_no_answer_is_good_from_the_moment_of_expiry_on(
        self, store: ChallengeStore, clock: HandClock, seal: str
    ) -> None:
        new = begin(store, challenge(clock))

        with pytest.raises(Expired):
            store.answer(new.state, "bob", seal, new.expires)

    def test_an_answer_just_before_the_expiry_is_good(self, store: ChallengeStore, clock: HandClock) -> None:
        new = begin(store, challenge(clock))

        assert store.answer(new.state, "bob", RIGHT, new.expires - 0.001) == new

    def test_an_unknown_state_is_unknown(self, store: ChallengeStore, clock: HandClock) -> None:
        new = begin(store, challenge(clock))

        for state in ("", "0" * 32, new.state.upper() + "0", new.state + " ", new.state[:-1]):
            with pytest.raises(UnknownChallenge):
                store.answer(state, "bob", RIGHT, clock.time())
            with pytest.raises(UnknownChallenge):
                store.find(state, "bob")

    @pytest.mark.parametrize("user", ["alice", "BOB", "bob ", "", "bo"])
    def test_anothers_challenge_is_unknown_and_loses_no_try(
        self, store: ChallengeStore, clock: HandClock, user: str
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
        self, store: ChallengeStore, clock: HandClock, user: str
    ) -> None:
        new = begin(store, challenge(clock, user=user))

        assert store.answer(new.state, user, RIGHT, clock.time()).user == user

    def test_the_same_log_in_gets_the_same_challenge(self, store: ChallengeStore, clock: HandClock) -> None:
        first = begin(store, challenge(clock, login="l"))
        clock.advance(WINDOW - 1)

        assert begin(store, challenge(clock, login="l")) == first

    def test_the_window_ends(self, store: ChallengeStore, clock: HandClock) -> None:
        first = begin(store, challenge(clock, login="l"))
        clock.advance(WINDOW)
        second = challenge(clock, login="l")

        assert begin(store, second) == second
        assert store.answer(first.state, "bob", RIGHT, clock.time()) == first

    def test_another_log_in_gets_a_challenge_of_its_own(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        first = begin(store, challenge(clock, login="l"))
        second = begin(store, challenge(clock, login="m"))

        assert first.state != second.state

    def test_a_wrong_answer_does_not_end_the_window(self, store: ChallengeStore, clock: HandClock) -> None:
        first = begin(store, challenge(clock, login="l"))
        with pytest.raises(WrongCode):
            store.answer(first.state, "bob", WRONG, clock.time())

        assert begin(store, challenge(clock, login="l")).state == first.state

    def test_a_challenge_that_was_answered_is_not_given_again(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        first = begin(store, challenge(clock, login="l"))
        store.answer(first.state, "bob", RIGHT, clock.time())
        second = challenge(clock, login="l")

        assert begin(store, second) == second

    def test_a_challenge_without_tries_is_not_given_again(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        first = begin(store, challenge(clock, login="l", tries=1))
        with pytest.raises(TooManyAttempts):
            store.answer(first.state, "bob", WRONG, clock.time())
        second = challenge(clock, login="l")

        assert begin(store, second) == second

    def test_each_that_is_kept_is_told_once_as_it_was_handed_in(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        told: list[Parcel] = []
        store.listen(told.extend)
        parcels = [SomeParcel(challenge(clock, login=login)) for login in "abca"]
        for parcel in parcels:
            store.open_challenge(parcel.challenge, parcel)
        store.flush()
        store.flush()

        assert [id(parcel) for parcel in told] == [id(parcel) for parcel in parcels[:3]]

    def test_each_that_is_kept_is_sealed_once_and_no_later_than_it_is_told(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        happened: list[str] = []

        @dataclass(frozen=True)
        class Noting(SomeParcel):
            def seal(self) -> KeptMessage:
                happened.append("sealed")
                return super().seal()

        def listen(kept: Sequence[Parcel]) -> None:
            happened.extend(["told"] * len(kept))

        store.listen(listen)
        for _ in range(2):
            new = challenge(clock)
            store.open_challenge(new, Noting(new))
            store.flush()

        assert happened == ["sealed", "told"] * 2

    def test_whoever_is_told_of_a_challenge_finds_it_kept(
        self, store: ChallengeStore, other: ChallengeStore, clock: HandClock
    ) -> None:
        new = challenge(clock)
        found: list[Challenge] = []
        store.listen(lambda _: found.append(other.find(new.state, "bob")))
        begin(store, new)
        store.flush()

        assert found == [new]

    def test_what_is_opened_at_one_is_told_there_only(
        self, store: ChallengeStore, other: ChallengeStore, clock: HandClock
    ) -> None:
        here, there = told_by(store), told_by(other)
        new = begin(store, challenge(clock))
        store.flush()
        other.flush()

        assert (here, there) == ([new.state], [])

    def test_many_equal_answers_at_once_are_one_success(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        new = begin(store, challenge(clock))

        ended = at_once(lambda: store.answer(new.state, "bob", RIGHT, clock.time()))

        assert ended == {"accepted": 1, "AlreadyUsed": THREADS - 1}

    def test_many_wrong_answers_at_once_use_up_the_tries(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        new = begin(store, challenge(clock, tries=5))

        ended = at_once(lambda: store.answer(new.state, "bob", WRONG, clock.time()))

        assert ended == {"WrongCode": 4, "TooManyAttempts": THREADS - 4}

    def test_many_equal_log_ins_at_once_are_one_challenge(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        states: set[str] = set()
        told = told_by(store)

        at_once(lambda: states.add(begin(store, challenge(clock, login="l")).state))
        store.flush()

        assert len(states) == 1
        assert told == [*states]

    def test_many_log_ins_at_once_are_all_kept(
        self, store: ChallengeStore, other: ChallengeStore, clock: HandClock
    ) -> None:
        states: list[str] = []

        at_once(lambda: states.append(begin(store, challenge(clock)).state))
        store.flush()

        assert len({other.find(state, "bob").state for state in states}) == THREADS

    def test_two_that_share_a_place_accept_one_answer(
        self, store: ChallengeStore, other: ChallengeStore, clock: HandClock
    ) -> None:
        new = begin(store, challenge(clock))
        store.flush()
        stores = itertools.cycle((store, other))

        ended = at_once(lambda: next(stores).answer(new.state, "bob", RIGHT, clock.time()))

        assert ended == {"accepted": 1, "AlreadyUsed": THREADS - 1}

    def test_two_that_share_a_place_count_the_same_tries(
        self, store: ChallengeStore, other: ChallengeStore, clock: HandClock
    ) -> None:
        new = begin(store, challenge(clock, tries=2))
        with pytest.raises(WrongCode):
            store.answer(new.state, "bob", WRONG, clock.time())

        with pytest.raises(TooManyAttempts):
            other.answer(new.state, "bob", WRONG, clock.time())

    def test_a_code_can_be_sent_again_after_a_while(self, store: ChallengeStore, clock: HandClock) -> None:
        new = begin(store, challenge(clock))
        clock.advance(RESENDS.pace)

        again = store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))

        assert again == replace(new, resends=1)
        assert store.answer(new.state, "bob", RIGHT, clock.time()).resends == 1

    def test_a_code_is_not_sent_again_too_early(self, store: ChallengeStore, clock: HandClock) -> None:
        new = begin(store, challenge(clock))
        clock.advance(RESENDS.pace)
        store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))
        clock.advance(10)

        with pytest.raises(ResendRefused) as refused:
            store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))
        assert refused.value.wait == 20.0

    def test_a_code_is_not_sent_again_too_often(self, store: ChallengeStore, clock: HandClock) -> None:
        new = begin(store, challenge(clock))
        for _ in range(RESENDS.limit):
            clock.advance(RESENDS.pace)
            store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))
        clock.advance(RESENDS.pace)

        with pytest.raises(ResendRefused) as refused:
            store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))
        assert refused.value.wait is None

    def test_many_wishes_at_once_are_one_message(self, store: ChallengeStore, clock: HandClock) -> None:
        new = begin(store, challenge(clock))
        clock.advance(RESENDS.pace)
        sent: list[Challenge] = []

        def wish() -> None:
            with suppress(ResendRefused):
                sent.append(store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new)))

        at_once(wish)

        assert [again.resends for again in sent] == [1]

    def test_nothing_is_sent_again_once_it_is_over(self, store: ChallengeStore, clock: HandClock) -> None:
        used, exhausted, late = (begin(store, challenge(clock, tries=1)) for _ in range(3))
        store.answer(used.state, "bob", RIGHT, clock.time())
        with pytest.raises(TooManyAttempts):
            store.answer(exhausted.state, "bob", WRONG, clock.time())
        clock.advance(RESENDS.pace)

        for state, now in (
            (used.state, clock.time()),
            (exhausted.state, clock.time()),
            (late.state, late.expires),
        ):
            with pytest.raises(Expired):
                store.resend(state, "bob", now, RESENDS, SomeParcel(late))

    def test_nobody_has_anothers_code_sent_again(self, store: ChallengeStore, clock: HandClock) -> None:
        new = begin(store, challenge(clock))
        clock.advance(RESENDS.pace)

        for state, user in ((new.state, "alice"), ("0" * 32, "bob"), ("", "")):
            with pytest.raises(UnknownChallenge):
                store.resend(state, user, clock.time(), RESENDS, SomeParcel(new))

    def test_a_challenge_whose_code_did_not_get_out_is_not_given_again(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        first = begin(store, challenge(clock, login="l"))
        store.flush()
        store.mark_undelivered(first.state, 0, "refused")
        second = challenge(clock, login="l")

        assert store.find(first.state, "bob").undelivered == "refused"
        assert begin(store, second) == second

    def test_a_code_that_is_sent_again_may_get_out(self, store: ChallengeStore, clock: HandClock) -> None:
        new = begin(store, challenge(clock))
        store.flush()
        store.mark_undelivered(new.state, 0, "not sent")
        clock.advance(RESENDS.pace)

        assert store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new)).undelivered == ""
        assert store.find(new.state, "bob").undelivered == ""

    def test_what_was_not_delivered_is_not_given_again_after_a_restart(
        self, tmp_path: Path, clock: HandClock
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

    def test_marking_what_is_not_there_does_nothing(self, store: ChallengeStore) -> None:
        store.mark_undelivered("0" * 32, 0, "refused")

    def test_everything_is_as_it_was_after_a_restart(self, tmp_path: Path, clock: HandClock) -> None:
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

    def test_what_was_opened_last_is_kept_when_the_store_is_closed(
        self, tmp_path: Path, clock: HandClock
    ) -> None:
        before = self.open(tmp_path, WINDOW, clock)
        told = told_by(before)
        new = begin(before, challenge(clock))
        before.close()

        after = self.open(tmp_path, WINDOW, clock)
        found = after.find(new.state, "bob")
        after.close()

        assert (found, told) == (new, [new.state])

    def test_a_late_answer_is_told_why_until_nobody_asks_any_more(
        self, store: ChallengeStore, clock: HandClock
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
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        old = [begin(store, challenge(clock)) for _ in range(1000)]
        store.flush()
        clock.advance(TTL + KEPT_AFTER_EXPIRY + 1)
        young = begin(store, challenge(clock))
        self.keep_house(store, clock)

        assert right_answers(store, clock, old) == {"UnknownChallenge": 1000}
        assert store.answer(young.state, "bob", RIGHT, clock.time()) == young

    def test_a_code_is_good_no_longer_because_the_clock_was_set_back(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        new = begin(store, challenge(clock))
        clock.set_by(-3600)

        assert name_outcome(lambda: store.answer(new.state, "bob", RIGHT, clock.time())) == "Expired"
        assert name_outcome(lambda: store.answer(new.state, "bob", WRONG, clock.time())) == "Expired"
        with pytest.raises(Expired):
            store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))

    @pytest.mark.parametrize(("back", "ended"), [(1, "accepted"), (TTL - 1, "accepted"), (TTL, "Expired")])
    def test_a_code_is_good_for_its_life_before_its_beginning(
        self, store: ChallengeStore, clock: HandClock, back: float, ended: str
    ) -> None:
        new = begin(store, challenge(clock))
        clock.set_by(-back)

        assert name_outcome(lambda: store.answer(new.state, "bob", RIGHT, clock.time())) == ended

    @pytest.mark.parametrize("committed", [False, True])
    @pytest.mark.parametrize("step", [-3600, -1, 3600])
    def test_a_log_in_after_the_clock_was_set_gets_a_challenge_of_its_own(
        self, store: ChallengeStore, clock: HandClock, step: float, *, committed: bool
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
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        begin(store, challenge(clock, login="l"))
        clock.set_by(-1)
        second = begin(store, challenge(clock, login="l"))
        clock.set_by(1)

        assert store.find_same("l", clock.time()) == second

    def test_a_further_sms_is_not_too_early_because_the_clock_was_set_back(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        new = begin(store, challenge(clock))
        clock.set_by(-60)
        assert store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new)).resends == 1
        clock.set_by(-60)
        assert store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new)).resends == 2

    def test_challenges_of_the_future_keep_no_old_one_from_being_removed(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        clock.set_by(7200)
        future = [begin(store, challenge(clock)) for _ in range(300)]
        store.flush()
        clock.set_by(-7200)
        old = [begin(store, challenge(clock)) for _ in range(300)]
        store.flush()
        clock.advance(TTL + KEPT_AFTER_EXPIRY + 1)
        self.keep_house(store, clock)

        assert right_answers(store, clock, old) == {"UnknownChallenge": 300}
        assert right_answers(store, clock, future) == {"Expired": 300}

    def test_challenges_of_a_clock_that_was_years_ahead_are_removed(
        self, store: ChallengeStore, clock: HandClock
    ) -> None:
        clock.set_by(10 * 365 * 86400)
        future = [begin(store, challenge(clock)) for _ in range(300)]
        store.flush()
        clock.set_by(-10 * 365 * 86400)
        young = begin(store, challenge(clock))
        self.keep_house(store, clock)

        assert right_answers(store, clock, future) == {"UnknownChallenge": 300}
        assert store.answer(young.state, "bob", RIGHT, clock.time()) == young

    def test_two_that_share_a_place_give_the_same_log_in_one_challenge(
        self, store: ChallengeStore, other: ChallengeStore, clock: HandClock
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
        self, store: ChallengeStore, clock: HandClock, *, committed: bool
    ) -> None:
        earlier = challenge(clock, login="l")
        clock.advance(0.001)
        later = begin(store, challenge(clock, login="l"))
        if committed:
            store.flush()

        assert store.find_same("l", earlier.created) == later
        assert begin(store, earlier) == later

    def test_a_wish_whose_turn_comes_after_that_of_a_later_one_sends_no_further_sms(
        self, store: ChallengeStore, other: ChallengeStore, clock: HandClock
    ) -> None:
        new = begin(store, challenge(clock))
        clock.advance(RESENDS.pace)
        earlier = clock.time()
        clock.advance(0.5)
        other.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))

        with pytest.raises(ResendRefused) as refused:
            store.resend(new.state, "bob", earlier, RESENDS, SomeParcel(new))
        assert refused.value.wait == RESENDS.pace + 0.5

    def test_what_is_over_at_one_is_not_given_again_by_the_other(
        self, store: ChallengeStore, other: ChallengeStore, clock: HandClock
    ) -> None:
        used, spent, lost = (begin(store, challenge(clock, login=login, tries=1)) for login in "abc")
        assert [other.find_same(login, clock.time()) for login in "abc"] == [used, spent, lost]
        other.answer(used.state, "bob", RIGHT, clock.time())
        with pytest.raises(TooManyAttempts):
            other.answer(spent.state, "bob", WRONG, clock.time())
        other.mark_undelivered(lost.state, 0, "refused")

        assert [store.find_same(login, clock.time()) for login in "abc"] == [None] * 3

    def test_whoever_comes_second_gets_what_is_there_even_if_it_was_made_later(
        self, store: ChallengeStore, other: ChallengeStore, clock: HandClock
    ) -> None:
        slow = [challenge(clock, login=login) for login in "ab"]
        clock.advance(0.5)
        quick = [begin(one, challenge(clock, login=login)) for one, login in ((store, "a"), (other, "b"))]

        assert [store.find_same(each.login, each.created) for each in slow] == quick
        assert [begin(store, each) for each in slow] == quick

    def test_what_was_opened_before_another_came_is_the_same_log_in_for_it(
        self, tmp_path: Path, store: ChallengeStore, clock: HandClock
    ) -> None:
        first = begin(store, challenge(clock, login="l"))
        store.flush()
        other = self.open(tmp_path, WINDOW, clock)
        given = begin(other, challenge(clock, login="l"))
        second = begin(other, challenge(clock, login="m"))
        other.close()

        assert given == first
        assert begin(store, challenge(clock, login="m")) == second

    @pytest.mark.parametrize("shared", [False, True])
    def test_whoever_is_told_may_use_the_store(
        self, tmp_path: Path, store: ChallengeStore, clock: HandClock, *, shared: bool
    ) -> None:
        other = self.open(tmp_path, WINDOW, clock) if shared else None
        new, inner = challenge(clock), challenge(clock)
        done: list[str] = []

        def use(kept: Sequence[Parcel]) -> None:
            if [parcel.seal().state for parcel in kept] == [inner.state]:
                done.append("inner")
                return
            store.flush()
            begin(store, inner)
            store.flush()
            self.keep_house(store, clock)
            store.mark_undelivered(new.state, 0, "refused")
            store.answer(new.state, "bob", RIGHT, clock.time())
            done.append("outer")

        def log_in() -> None:
            store.listen(use)
            begin(store, new)
            store.flush()

        thread = threading.Thread(target=log_in, daemon=True)
        thread.start()
        thread.join(20)
        if other is not None:
            other.close()

        assert not thread.is_alive()
        assert sorted(done) == ["inner", "outer"]
