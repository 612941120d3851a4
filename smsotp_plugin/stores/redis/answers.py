"""Shares of answers and brakes in Redis: a hash for each hour, and one of brakes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import cast

from smsotp_plugin.clock import Clock
from smsotp_plugin.stores.answers import AnswerCount, AnswerStore, Brake, Fate
from smsotp_plugin.stores.redis.fates import Fates
from smsotp_plugin.stores.redis.foreign import read_row, reads_replies
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.scripts import Scripts, check

_BRAKES = "brakes"
_HOUR, _DAY = 3600, 86400
#: Seconds that an hour is kept: as long as anybody looks back, plus a day.
_KEPT = 15 * _DAY


class RedisAnswers(AnswerStore):
    """The part of the store that deals only with these."""

    _scripts: Scripts
    _clock: Clock
    _fates: Fates

    def add_answers(self, counts: Sequence[AnswerCount]) -> None:
        _run(self._scripts, write_answers(self._scripts, counts))

    @reads_replies
    def load_answers(self, since: int) -> Sequence[AnswerCount]:
        hours = range(since, int(self._clock.time() // _HOUR) + 2)
        commands = [Command(("HGETALL", self._scripts.key(f"answers:{hour}"))) for hour in hours]
        found: list[AnswerCount] = []
        for hour, reply in zip(hours, self._scripts.run_all(commands), strict=True):
            words = cast("list[bytes]", check(reply))
            row = {name.decode(): number for name, number in zip(words[::2], words[1::2], strict=True)}
            found += read_hour(hour, row)
        return found

    def put_brakes(self, brakes: Sequence[Brake]) -> None:
        now = self._clock.time()
        over = [brake.key for brake in self.list_brakes() if not brake.since - _DAY <= now < brake.until]
        lift_brakes(self._scripts, over)
        _run(self._scripts, write_brakes(self._scripts, brakes))

    def tell_fate(self, state: str, fate: Fate) -> None:
        self._fates.tell(state, fate)

    def hear_fates(self) -> Sequence[tuple[str, Fate]]:
        return self._fates.hear()

    def list_brakes(self) -> Sequence[Brake]:
        return list_brakes(self._scripts)


def write_answers(scripts: Scripts, counts: Sequence[AnswerCount]) -> list[Command]:
    """Return the commands that add to counts."""
    commands = [
        Command(("HINCRBY", scripts.key(f"answers:{count.hour}"), f"{kind} {count.key}", number))
        for count in counts
        for kind, number in (("a", count.answered), ("u", count.unanswered))
        if number
    ]
    hours = dict.fromkeys(count.hour for count in counts)
    return [*commands, *(Command(("EXPIRE", scripts.key(f"answers:{hour}"), _KEPT)) for hour in hours)]


def read_hour(hour: int, row: Mapping[str, bytes]) -> list[AnswerCount]:
    """Return what was counted in one hour."""
    numbers: dict[str, list[int]] = {}
    for name, number in row.items():
        kind, _, key = name.partition(" ")
        numbers.setdefault(key, [0, 0])[kind == "u"] = int(number)
    return [AnswerCount(key, hour, *each) for key, each in numbers.items()]


def write_brakes(scripts: Scripts, brakes: Sequence[Brake]) -> list[Command]:
    """Return the commands that keep brakes."""
    key = scripts.key(_BRAKES)
    return [Command(("HSET", key, brake.key, json.dumps(asdict(brake)))) for brake in brakes]


def _run(scripts: Scripts, commands: Sequence[Command]) -> None:
    for reply in scripts.run_all(commands) if commands else ():
        check(reply)


@reads_replies
def list_brakes(scripts: Scripts) -> list[Brake]:
    """Return the brakes that are kept."""
    found = cast("list[bytes]", scripts.ask("HVALS", key=_BRAKES))
    return sorted((read_row(Brake, each) for each in found), key=lambda brake: brake.since)


@reads_replies
def lift_brakes(scripts: Scripts, keys: Sequence[str]) -> int:
    """Remove brakes; returns how many."""
    return int(str(scripts.ask("HDEL", *keys, key=_BRAKES))) if keys else 0
