"""Wrong answers in Redis: what is asked with an answer, and what the returned counts mean."""

import math
from typing import cast

from smsotp_plugin.stores.guesses import Guesser, Standing, Streak, Tally, worst_standing
from smsotp_plugin.stores.redis.foreign import read_moment
from smsotp_plugin.stores.redis.line import Reply, Word

#: A name, its streaks and its wrong answers as they are kept.
_Kept = tuple[bytes, list[bytes], list[bytes]]


def write_guesser(guesser: Guesser | None) -> list[Word | float]:
    """Return what the script of an answer is told about the person who answers; see there."""
    if guesser is None:
        return [""]
    rules = guesser.rules
    numbers = (rules.known_for, rules.most, rules.lock, rules.kept, rules.free, rules.fewest)
    return [*map(float, numbers[:1]), *numbers[1:], len(guesser.places), *guesser.places, *guesser.accounts]


def write_places(guesser: Guesser) -> list[Word | float]:
    """Return what the script that looks for a known place is told; see there."""
    return [
        float(guesser.rules.known_for),
        len(guesser.places),
        *guesser.places,
        *guesser.accounts,
    ]


def read_standing(kept: Reply, guesser: Guesser, turn: float) -> Standing:
    """
    Return what an account may do, judging by what is counted under its names.

    Args:
        kept: As the scripts return it.
        guesser: Who, and from where.
        turn: The moment, in Unix seconds of the clock that the counts go by.
    """
    tallies = [_read_tally(each) for each in cast("list[_Kept]", kept)]
    return worst_standing(tallies, guesser, turn)


def in_our_time(standing: Standing, turn: float, now: float) -> Standing:
    """Return the same by another clock: `now` there is `turn` here."""
    return Standing(
        standing.in_a_row, standing.challenge_from + (now - turn), standing.answer_from + (now - turn)
    )


def _read_tally(kept: _Kept) -> Tally:
    _, row, lines = kept
    numbers: dict[str, dict[str, float]] = {}
    for field, value in zip(row[::2], row[1::2], strict=True):
        what, place = field[:1].decode(), field[2:].decode()
        if what != "o":
            numbers.setdefault(place, {})[what] = read_moment(value)
    streaks = {
        place: Streak(int(each.get("r", 0)), each.get("l", -math.inf), each.get("p", 0.0))
        for place, each in numbers.items()
    }
    wrong = sorted(
        ((place.decode(), read_moment(at)) for at, _, place in (line.partition(b" ") for line in lines)),
        key=lambda each: each[1],
    )
    return Tally(streaks, wrong)
