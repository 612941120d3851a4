"""
A million first legs that nobody answers, and a month of ten thousand people's work, through the watch for pumping.

    python -m tests.support.at_length [--legs 1000000] [--people 10000] [--days 30] [--seed 1]

Ends with 1 if more than 20 SMS went to a block of numbers before its brake, or if one log-in in 10 000 was braked. The suite
does the same with fewer first legs and fewer people.
"""

import argparse
import logging
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from smsotp_plugin.errors import Braked
from smsotp_plugin.sms.kinds import cut_block
from smsotp_plugin.sms.phone import parse_number
from tests.support.replay import Replay
from tests.support.traffic import live, make_people, make_victims

#: The most SMS to one block before its brake, and of how many log-ins one may be braked.
_MOST, _ONE_IN = 20, 10_000
_NUMBERS, _COUNTRIES = 1000, 50
#: Seconds between two first legs: a million of them take less than a brake lasts.
_PAUSE = 0.03


def pump(legs: int, seed: int, place: Path) -> bool:
    """Let somebody begin log-ins with stolen passwords; return whether they were braked in time."""
    chance = random.Random(seed)
    victims = [(each, parse_number(each.number, None)) for each in make_victims(_NUMBERS, _COUNTRIES, chance)]
    site, sent = Replay(place), Counter[str]()
    for leg in range(legs):
        site.advance(leg * _PAUSE)
        who, number = victims[chance.randrange(_NUMBERS)]
        request = who.request(f"10.{leg % 251}.{leg // 251 % 251}.{leg // 63_001}")
        try:
            site.watch.check(request, number)
        except Braked:
            continue
        site.watch.note_sent(str(leg), request, number)
        sent[cut_block(number.e164)] += 1
    site.close()
    blocks = f"at most {max(sent.values())} to one of {len(sent)} blocks"
    print(f"{legs} first legs, {sent.total()} SMS, {blocks}")  # noqa: T201  (this is a program)
    return max(sent.values()) <= _MOST


def work(people: int, days: int, seed: int, place: Path) -> bool:
    """Let people log in; return whether they were left alone."""
    chance = random.Random(seed)
    site = Replay(place)
    site.run(live(make_people(people, chance), days, chance))
    site.close()
    of = f"of {people} people in {days} days"
    print(f"{site.log_ins} log-ins {of}, {site.braked} of them braked")  # noqa: T201  (as above)
    return site.braked * _ONE_IN < site.log_ins


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("legs", 1_000_000), ("people", 10_000), ("days", 30), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    logging.disable()
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        results = (
            pump(options.legs, options.seed, Path(first)),
            work(options.people, options.days, options.seed, Path(second)),
        )
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
