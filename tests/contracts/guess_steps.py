"""What the promises about wrong answers are told with: wrong and right answers, and how long somebody waits."""

import itertools
from collections.abc import Callable

import pytest

from smsotp_plugin.errors import (
    WrongCode,
)
from smsotp_plugin.stores.base import Challenge, ChallengeStore
from smsotp_plugin.stores.guesses import Guesser, GuessRules, station_place
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


class GuessSteps(Binding):
    """Steps, each a fixture."""

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
