"""What every store promises about wrong answers, written once. `StoreContract` binds it."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from smsotp_plugin.errors import (
    ChallengeError,
    TooManyAttempts,
    TooManyGuesses,
    UnknownChallenge,
    WrongCode,
)
from smsotp_plugin.stores.base import Challenge, ChallengeStore
from smsotp_plugin.stores.guesses import CLEAN, Guesser, GuessRules, client_place, station_place
from smsotp_plugin.stores.schemes import unlock_account
from tests.contracts.binding import Binding
from tests.support.clock import FakeClock
from tests.support.parcels import begin as open_at

HOUR, DAY = 3600.0, 86_400.0
RULES = GuessRules(free=5, most=20, first_wait=30.0, longest_wait=HOUR, lock=DAY, known_for=30 * DAY)
#: The fingerprint of a number that a challenge has in the tests, and of another one.
NUMBER, ANOTHER_NUMBER = "d" * 32, "9" * 32
HOME, CAFE = station_place("home"), station_place("cafe")
RIGHT, WRONG = "a" * 32, "b" * 32

_states = itertools.count(10**6)


def who(account: str = "bob", place: str = CAFE, *, rules: GuessRules = RULES) -> Guesser:
    """Return who answers, and from where."""
    return Guesser((account,), (place,), rules)


class GuessContract(Binding):
    """The promises about wrong answers."""

    @pytest.fixture
    def begin(self, store: ChallengeStore, clock: FakeClock) -> Callable[..., Challenge]:
        """Open a challenge of its own."""

        def begin(number_hash: str = NUMBER, tries: int = 5) -> Challenge:
            state, now = f"{next(_states):032x}", clock.time()
            new = Challenge(
                *(state, "bob", state, "c" * 32, RIGHT, "+49 *** **67", number_hash, now, now + 300.0, tries)
            )
            open_at(store, new)
            store.flush()
            return new

        return begin

    @pytest.fixture
    def wrong(
        self, store: ChallengeStore, clock: FakeClock, begin: Callable[..., Challenge]
    ) -> Callable[..., WrongCode]:
        """Give so many wrong answers, each to a challenge of its own; returns what the last one raised."""

        def wrong(count: int, guesser: Guesser | None = None, number_hash: str = NUMBER) -> WrongCode:
            raised: WrongCode | None = None
            for _ in range(count):
                new = begin(number_hash)
                with pytest.raises(WrongCode) as exc:
                    store.answer(new.state, "bob", WRONG, clock.time(), guesser or who())
                raised = exc.value
            assert raised is not None
            return raised

        return wrong

    @pytest.fixture
    def right(
        self, store: ChallengeStore, clock: FakeClock, begin: Callable[..., Challenge]
    ) -> Callable[..., Challenge]:
        """Give a right answer to a challenge of its own."""

        def right(guesser: Guesser | None = None, number_hash: str = NUMBER) -> Challenge:
            return store.answer(begin(number_hash).state, "bob", RIGHT, clock.time(), guesser or who())

        return right

    @pytest.fixture
    def wait(self, store: ChallengeStore, clock: FakeClock) -> Callable[..., float]:
        """Return the seconds until the next challenge, 0 for none."""

        def wait(guesser: Guesser | None = None, number_hash: str = NUMBER) -> float:
            standing = store.standing(guesser or who(), number_hash)
            return max(0.0, standing.challenge_from - clock.time())

        return wait

    def test_nobody_waits_at_first(self, store: ChallengeStore) -> None:
        assert not store.may_wait(RULES)
        assert store.standing(who(), NUMBER) == CLEAN

    def test_a_place_is_known_by_a_right_answer_to_its_own_account_and_not_for_ever(
        self, store: ChallengeStore, right: Callable[..., Challenge], clock: FakeClock
    ) -> None:
        right(who(place=HOME))
        at_once = [
            store.known_place(who(*whose), NUMBER) for whose in (("bob", HOME), ("bob", CAFE), ("eve", HOME))
        ]
        clock.advance(RULES.known_for)

        assert at_once == [HOME, "", ""]
        assert store.known_place(who(place=HOME), NUMBER) == ""

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

    def test_a_right_answer_from_a_known_place_ends_only_the_row_of_that_place(
        self,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
    ) -> None:
        right(who(place=HOME))
        wrong(6, who(place=CAFE))
        wrong(2, who(place=HOME))

        right(who(place=HOME))

        assert wait(who(place=CAFE)) == 60
        assert wrong(1, who(place=HOME)).guesses == 1

    def test_a_known_place_does_not_wait_for_what_others_do(
        self,
        store: ChallengeStore,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
    ) -> None:
        right(who(place=HOME))
        wrong(20, who(place=CAFE))

        assert wait(who(place=CAFE)) == DAY
        assert wait(who(place=HOME)) == 0
        assert store.standing(who(place=HOME), NUMBER).in_a_row == 0
        right(who(place=HOME))

    @pytest.mark.parametrize("place", [HOME, client_place("vpn")])
    def test_a_known_place_has_a_count_of_its_own(
        self,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
        place: str,
    ) -> None:
        right(who(place=place))

        assert wrong(5, who(place=place)).guesses == 5
        assert wait(who(place=place)) == 30
        assert wait(who(place=CAFE)) == 0

    @pytest.mark.parametrize(("after", "waits"), [(30 * DAY - 60, 0.0), (30 * DAY, 30.0)])
    def test_a_place_is_known_for_as_long_as_the_rules_say(
        self,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
        clock: FakeClock,
        *,
        after: float,
        waits: float,
    ) -> None:
        right(who(place=HOME))
        clock.advance(after)
        wrong(5, who(place=CAFE))

        assert wait(who(place=HOME)) == waits

    def test_a_place_is_known_to_the_account_alone(
        self, wrong: Callable[..., WrongCode], right: Callable[..., Challenge], wait: Callable[..., float]
    ) -> None:
        right(who("mallory", HOME), ANOTHER_NUMBER)
        wrong(5, who(place=CAFE))

        assert wait(who("bob", HOME)) == 30

    def test_a_name_that_another_account_has_too_opens_no_way_round_the_number(
        self,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
    ) -> None:
        wrong(5, who(place=CAFE))
        right(who("bob", CAFE), ANOTHER_NUMBER)

        assert wait(who("bob", CAFE), NUMBER) == 30

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

    def test_clients_that_send_no_station_share_the_day_with_all_unknown_places(
        self,
        store: ChallengeStore,
        right: Callable[..., Challenge],
        begin: Callable[..., Challenge],
        clock: FakeClock,
    ) -> None:
        clients = [client_place(f"vpn {number}") for number in range(3)]
        for client in clients:
            right(who(place=client))
        places = itertools.cycle((CAFE, *clients))

        looked_at = 0
        for _ in range(200):
            clock.advance(1)
            try:
                store.answer(begin().state, "bob", WRONG, clock.time(), who(place=next(places)))
            except WrongCode:
                looked_at += 1
            except TooManyGuesses:
                continue

        assert looked_at == RULES.most

    def test_some_of_the_day_is_kept_for_known_clients(
        self,
        store: ChallengeStore,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        begin: Callable[..., Challenge],
        clock: FakeClock,
    ) -> None:
        vpn = who(place=client_place("vpn"))
        right(vpn)
        wrong(15, who(place=CAFE))
        with pytest.raises(TooManyGuesses):
            store.answer(begin().state, "bob", WRONG, clock.time(), who(place=CAFE))

        assert wrong(4, vpn).guesses == 4
        right(vpn)

    def test_no_more_places_are_known_than_ten(
        self,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
        clock: FakeClock,
    ) -> None:
        for number in range(12):
            clock.advance(1)
            right(who(place=station_place(str(number))))
        wrong(5, who(place=CAFE))

        assert [wait(who(place=station_place(str(number)))) == 0 for number in range(12)] == [
            *([False] * 2),
            *([True] * 10),
        ]

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

    @pytest.mark.parametrize("name", ["bob", NUMBER])
    def test_unlocking_one_name_unlocks_the_other_and_leaves_known_places(
        self,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
        tmp_path: Path,
        name: str,
    ) -> None:
        right(who(place=HOME))
        wrong(20, who(place=CAFE))

        assert unlock_account(self.settings(tmp_path), ("nobody", name)) == 20
        assert wait(who(place=CAFE)) == 0
        wrong(20, who(place=CAFE))
        assert wait(who(place=HOME)) == 0

    def test_unlocking_whom_nobody_knows_changes_nothing(
        self, wrong: Callable[..., WrongCode], wait: Callable[..., float], tmp_path: Path
    ) -> None:
        wrong(6)

        assert unlock_account(self.settings(tmp_path), ("alice",)) == 0
        assert wait() == 60

    def test_names_of_an_older_key_are_counted_as_well(
        self, wrong: Callable[..., WrongCode], right: Callable[..., Challenge], wait: Callable[..., float]
    ) -> None:
        right(Guesser(("old",), (HOME,), RULES))
        wrong(5, Guesser(("old",), (CAFE,), RULES))
        both = (("new", "old"), ANOTHER_NUMBER)

        assert wait(Guesser(both[0], ("cafe anew", CAFE), RULES), both[1]) == 30
        assert wait(Guesser(both[0], ("home anew", HOME), RULES), both[1]) == 0

    def test_a_clock_that_is_set_back_makes_nobody_wait_longer(
        self, wrong: Callable[..., WrongCode], wait: Callable[..., float], clock: FakeClock
    ) -> None:
        wrong(6)
        clock.set_by(-HOUR)

        assert wait() == 0
        assert wrong(1).guesses == 7

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
