"""What every store promises about places that are known to an account, written once. `StoreContract` binds it."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from smsotp_plugin.errors import (
    TooManyGuesses,
    WrongCode,
)
from smsotp_plugin.stores.base import Challenge, ChallengeStore
from smsotp_plugin.stores.guesses import client_place, station_place
from smsotp_plugin.stores.schemes import unlock_account
from tests.contracts.guess_steps import (
    ANOTHER_NUMBER,
    CAFE,
    DAY,
    HOME,
    NUMBER,
    RULES,
    WRONG,
    GuessSteps,
    who,
)
from tests.support.clock import FakeClock


class KnownPlaceContract(GuessSteps):
    """The promises about places."""

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

    @pytest.mark.parametrize("back", [3600.0, 10 * DAY])
    def test_a_place_stays_known_when_the_clock_is_set_back(
        self,
        wrong: Callable[..., WrongCode],
        right: Callable[..., Challenge],
        wait: Callable[..., float],
        clock: FakeClock,
        *,
        back: float,
    ) -> None:
        right(who(place=HOME))
        clock.set_by(-back)
        wrong(20, who(place=CAFE))

        assert (wait(who(place=CAFE)), wait(who(place=HOME))) == (DAY, 0)
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
