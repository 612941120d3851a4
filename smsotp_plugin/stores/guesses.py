"""
What a store promises about wrong answers, and the arithmetic of waits and locks. Pure functions, apart from the contract.

Wrong answers are counted for an account, under two names: a fingerprint of the folded User-Name and one of the telephone number.
Under each, wrong answers in a row are counted in streaks: one for each place from which a right answer came recently, and one
for all other places. The name with the longer wait decides.

A right answer ends only its own streak: otherwise somebody who knows the password could try again after each log-in of the
user. It does not end the count of a day. All streaks whose place an attacker can share without guessing it have one such count
in common: the general streak, and those of clients that send no station. A few answers of that count are kept for known
clients, so that nobody else can use up their day.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

#: The streak of all places that are not known.
GENERAL = ""
#: Seconds.
DAY = 86400.0
#: No more answers in a row are ever looked at (NIST SP 800-63B-4 section 3.2.2); only the administrator can end that.
LAST = 100
#: The most known places that an account has; the one that has not been seen for the longest time is forgotten first.
MOST_PLACES = 10
#: Seconds after which a proof is worth nothing, whatever the rules say.
LONGEST_KNOWN = 366 * DAY
#: What the place of a station begins with, and that of a client that sends none.
_STATION = "station "
_CLIENT = "client "


@dataclass(frozen=True, slots=True)
class GuessRules:
    """
    How long an account waits.

    Attributes:
        free: Wrong answers in a row without a wait, 1 to `most`.
        most: Wrong answers in a row and in a day, at most `LAST`.
        first_wait: Seconds before the next challenge after `free` of them; each further one doubles this.
        longest_wait: Seconds.
        lock: Seconds without challenges and answers after `most` of them.
        known_for: Seconds for which a place is known after a right answer.
    """

    free: int
    most: int
    first_wait: float
    longest_wait: float
    lock: float
    known_for: float

    def wait_after(self, in_a_row: int) -> float:
        """Return the seconds before the next challenge after this many wrong answers in a row."""
        if in_a_row < self.free:
            return 0.0
        if in_a_row >= self.most:
            return self.lock_after(in_a_row)
        return min(math.ldexp(self.first_wait, in_a_row - self.free), self.longest_wait)

    @property
    def kept(self) -> int:
        """How many answers of a day are kept for known clients that send no station."""
        return min(self.free, self.most // 2)

    @property
    def fewest(self) -> int:
        """The fewest wrong answers of a day that can make anybody wait."""
        return max(1, self.most - self.kept)

    def longest_after(self, in_a_row: int) -> float:
        """Return for how many seconds at most anybody waits after this many wrong ones in a row, below `LAST`; often it is less."""
        if in_a_row < self.free:
            return 0.0
        return max(DAY, self.lock_after(in_a_row))

    def lock_after(self, in_a_row: int) -> float:
        """Return the seconds in which no answer is looked at after this many wrong ones in a row."""
        if in_a_row >= LAST:
            return math.inf
        return self.lock if in_a_row >= self.most else 0.0


@dataclass(frozen=True, slots=True)
class Guesser:
    """
    The account whose answers count together, and where they come from.

    Attributes:
        accounts: Fingerprints of the folded User-Name, the present one first: one for each key.
        places: Fingerprints of the station, or of the client if that sends no station; see `station_place` and `client_place`.
        rules: What follows from wrong ones.
    """

    accounts: tuple[str, ...]
    places: tuple[str, ...]
    rules: GuessRules


def station_place(fingerprint: str) -> str:
    """Return the place of a station."""
    return f"{_STATION}{fingerprint}"


def is_station_place(place: str) -> bool:
    """Tell whether a place is a station: others who come through the same client do not share it."""
    return place.startswith(_STATION)


def client_place(fingerprint: str) -> str:
    """Return the place of a client that sends no station."""
    return f"{_CLIENT}{fingerprint}"


@dataclass(frozen=True, slots=True)
class Streak:
    """
    One count.

    Attributes:
        in_a_row: Wrong answers since the last right one.
        latest: When the last of them came, in Unix seconds.
        proven: When the last right answer came from this place, in Unix seconds; 0 for never.
    """

    in_a_row: int = 0
    latest: float = -math.inf
    proven: float = 0.0

    def is_known(self, rules: GuessRules, now: float) -> bool:
        """Tell whether a right answer came from this place recently; one in the future was given before the clock was set back, and counts."""
        return now - rules.known_for < self.proven

    def after(self, seconds: float, now: float) -> float:
        """Return the moment this many seconds after the last wrong answer, in Unix seconds; long ago if they are zero."""
        if math.isinf(seconds):
            return math.inf
        # A moment in the future was written before the clock was set back, and makes nobody wait.
        return self.latest + seconds if seconds and self.latest <= now else -math.inf


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What an account may do at a place.

    Attributes:
        in_a_row: Wrong answers in a row.
        challenge_from: Unix seconds from which it gets a challenge; infinite if only an administrator can end the wait.
        answer_from: Unix seconds from which an answer is looked at; infinite in the same case.
    """

    in_a_row: int = 0
    challenge_from: float = -math.inf
    answer_from: float = -math.inf

    def worse(self, other: "Standing") -> "Standing":
        """Return the longer waits and the higher count of the two."""
        return Standing(
            max(self.in_a_row, other.in_a_row),
            max(self.challenge_from, other.challenge_from),
            max(self.answer_from, other.answer_from),
        )


#: What an account without wrong answers may do.
CLEAN = Standing()


@dataclass(frozen=True, slots=True)
class Tally:
    """
    Everything that is counted under one name.

    Attributes:
        streaks: By place.
        wrong: Place and Unix seconds of each wrong answer of the last day, the oldest first.
    """

    streaks: Mapping[str, Streak] = field(default_factory=dict)
    wrong: Sequence[tuple[str, float]] = ()

    def streak_of(self, guesser: Guesser, now: float) -> str:
        """Return the streak that answers from a place are counted in."""
        for place in guesser.places:
            streak = self.streaks.get(place)
            if streak is not None and streak.is_known(guesser.rules, now):
                return place
        return GENERAL

    def standing(self, guesser: Guesser, now: float) -> Standing:
        """Return what the account may do, judging by this name alone."""
        rules, place = guesser.rules, self.streak_of(guesser, now)
        streak = self.streaks.get(place, Streak())
        locked = max(streak.after(rules.lock_after(streak.in_a_row), now), self._day_over(place, rules, now))
        waits = streak.after(rules.wait_after(streak.in_a_row), now)
        return Standing(streak.in_a_row, max(locked, waits), locked)

    def may_wait(self, rules: GuessRules, now: float) -> bool:
        """Tell whether anybody may have to wait now, at any place; False only if nobody has to."""
        return len(self.wrong) >= rules.fewest or any(
            streak.in_a_row >= LAST or now < streak.latest + rules.longest_after(streak.in_a_row)
            for streak in self.streaks.values()
        )

    def _day_over(self, place: str, rules: GuessRules, now: float) -> float:
        """Return when the count of a day allows an answer in a streak; in the past if it does now."""
        today = [(where, at) for where, at in self.wrong if now - DAY < at <= now]
        if place != GENERAL and not place.startswith(_CLIENT):
            counted = [at for where, at in today if where == place]
            return counted[-rules.most] + DAY if len(counted) >= rules.most else -math.inf
        counted = [at for where, at in today if where == GENERAL or where.startswith(_CLIENT)]
        most = rules.most
        if place == GENERAL:
            used = sum(where.startswith(_CLIENT) for where, _ in today)
            most -= max(0, self._kept_for_clients(rules, now) - used)
        return counted[-most] + DAY if len(counted) >= most else -math.inf

    def _kept_for_clients(self, rules: GuessRules, now: float) -> int:
        has_clients = any(
            place.startswith(_CLIENT) and streak.is_known(rules, now)
            for place, streak in self.streaks.items()
        )
        return rules.kept if has_clients else 0


def worst_standing(tallies: Iterable[Tally], guesser: Guesser, now: float) -> Standing:
    """Return what an account may do, judging by all of its names."""
    result = CLEAN
    for tally in tallies:
        result = result.worse(tally.standing(guesser, now))
    return result


class GuessStore(ABC):
    """
    Keeps the counts; the answers themselves are counted by `ChallengeStore.answer`.

    Raises:
        StoreError: From every method, when the store does not answer or answers with an error.
    """

    @abstractmethod
    def may_wait(self, rules: GuessRules) -> bool:
        """
        Tell whether anybody at all may have to wait; quick, so that an ordinary first leg asks nothing more.

        False only if nobody has to, as far as this process can know; answers are counted in either case.
        """

    @abstractmethod
    def known_place(self, guesser: Guesser, number_hash: str) -> str:
        """
        Return which of a guesser's places is known under the name of its account; empty if none is.

        Args:
            guesser: Who, and from where.
            number_hash: Fingerprint of the telephone number, with the present key.
        """

    @abstractmethod
    def standing(self, guesser: Guesser, number_hash: str) -> Standing:
        """
        Return what an account may do now.

        Args:
            guesser: Who, and from where.
            number_hash: Fingerprint of the telephone number, with the present key.
        """
