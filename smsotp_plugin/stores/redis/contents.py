"""Everything that Redis holds for us, read and written as a whole, while no server uses it."""

import math
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar, cast

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.base import FURTHEST_END, KEPT_AFTER_EXPIRY, Challenge
from smsotp_plugin.stores.budgets import Count, Spending
from smsotp_plugin.stores.contents import (
    ChallengeStatus,
    Expense,
    StoreContents,
    StoredChallenge,
    StoredMessage,
    StoredStreak,
    WrongAnswer,
)
from smsotp_plugin.stores.guesses import DAY, LONGEST_KNOWN, Streak
from smsotp_plugin.stores.kept import KeptMessage
from smsotp_plugin.stores.redis.answers import list_brakes, read_hour, write_answers, write_brakes
from smsotp_plugin.stores.redis.foreign import read_moment, reads_replies
from smsotp_plugin.stores.redis.line import Reply, Word
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.rows import NAMES, read_challenge, write_challenge, write_message
from smsotp_plugin.stores.redis.scripts import Scripts, check
from smsotp_plugin.stores.redis.steady import AgreedTime, ask_agreed_time
from smsotp_plugin.stores.redis.trace import read_event, write_events

#: How many keys are looked at, and how many commands are sent or lines of the delivery log written, in one go.
_PIECE = 200
_SECONDS = 86400
_SomeT = TypeVar("_SomeT")
#: What a Redis holds if nobody has logged in yet.
_NOTHING = {"version", "owners", "keys", "queue", "workers", "held", "fates", "steady"}


@reads_replies
def read_contents_of_redis(scripts: Scripts) -> StoreContents:
    """
    Read everything.

    Raises:
        StoreError: Redis does not answer, or with an error.
    """
    keys: dict[str, list[str]] = {}
    for name in scripts.scan():
        kind, _, rest = name.partition(":")
        keys.setdefault(kind, []).append(rest)
    rows, ahead = _Rows(scripts, keys), ask_agreed_time(scripts).ahead
    challenges = [
        StoredChallenge(_as_challenge(row), ChallengeStatus(int(row["status"])), read_moment(row["asked"]))
        for _, row in rows.hashes("challenge")
    ]
    events = [read_event(line) for kind in ("events", "receipts") for _, line in rows.lines(kind)]
    return StoreContents(
        challenges=sorted(challenges, key=lambda each: each.challenge.created),
        messages=sorted(
            (_as_message(name, row) for name, row in rows.hashes("message")),
            key=lambda each: each.message.expires,
        ),
        events=sorted(events, key=lambda event: event.at),
        streaks=[each for name, row in rows.hashes("guesses") for each in _as_streaks(name, row)],
        wrong_answers=sorted(
            (_as_wrong_answer(name, line) for name, line in rows.lines("wrong")), key=lambda each: each.at
        ),
        expenses=sorted(
            [
                *(Expense(read_moment(line) - ahead, Spending((key,))) for key, line in rows.lines("spent")),
                *(_as_amount(line, ahead) for _, line in rows.lines("money")),
            ],
            key=lambda each: each.at,
        ),
        counts=sorted(
            (
                Count(datetime.fromtimestamp(int(day) * _SECONDS, UTC).date(), name, int(number))
                for day, row in rows.hashes("counts")
                for name, number in row.items()
            ),
            key=lambda count: (count.day, count.name),
        ),
        answers=[each for hour, row in rows.hashes("answers") for each in read_hour(int(hour), row)],
        brakes=list_brakes(scripts),
    )


def write_contents_to_redis(scripts: Scripts, contents: StoreContents, events_kept: float) -> None:
    """
    Fill a Redis.

    Args:
        scripts: The way to it.
        contents: What is written.
        events_kept: Seconds that the delivery log goes back.

    Raises:
        StoreError: Redis does not answer, or holds something already.
    """
    if any(name.partition(":")[0] not in _NOTHING for name in scripts.scan()):
        raise StoreError(
            "this Redis holds something under this prefix already: stop its servers and remove its keys first"
        )
    owner, agreed = secrets.token_hex(8), ask_agreed_time(scripts)
    commands = [
        *(each for stored in contents.challenges for each in _write_challenge(scripts, stored)),
        *(each for stored in contents.messages for each in _write_message(scripts, stored, owner)),
        *_write_counts_of_wrong(scripts, contents),
        *(each for expense in contents.expenses for each in _write_expense(scripts, expense, agreed)),
        *(_write_count(scripts, count) for count in contents.counts),
        *write_answers(scripts, contents.answers),
        *write_brakes(scripts, contents.brakes),
    ]
    for piece in (
        *_cut(commands),
        *([write_events(scripts, events_kept, lines)] for lines in _cut(contents.events)),
    ):
        for reply in scripts.run_all(piece):
            check(reply)


def _cut(some: Sequence[_SomeT]) -> Iterator[Sequence[_SomeT]]:
    """Yield what is done in one go."""
    for start in range(0, len(some), _PIECE):
        yield some[start : start + _PIECE]


class _Rows:
    """The contents of keys, by what the keys are about."""

    def __init__(self, scripts: Scripts, keys: dict[str, list[str]]) -> None:
        self._scripts = scripts
        self._keys = keys

    def hashes(self, kind: str) -> Iterator[tuple[str, dict[str, bytes]]]:
        for name, reply in self._read("HGETALL", (), kind):
            row = cast("list[bytes]", reply)
            yield name, {field.decode(): value for field, value in zip(row[::2], row[1::2], strict=True)}

    def lines(self, kind: str) -> Iterator[tuple[str, bytes]]:
        for name, reply in self._read("LRANGE", (0, -1), kind):
            for line in cast("list[bytes]", reply):
                yield name, line

    def _read(self, command: str, rest: tuple[Word, ...], kind: str) -> Iterator[tuple[str, Reply]]:
        for piece in _cut(self._keys.get(kind, [])):
            whole = [self._scripts.key(f"{kind}:{name}" if name else kind) for name in piece]
            replies = self._scripts.run_all([Command((command, key, *rest)) for key in whole])
            yield from zip(piece, map(check, replies), strict=True)


def _as_challenge(row: dict[str, bytes]) -> Challenge:
    return read_challenge([row[name] for name in NAMES])


def _as_message(name: str, row: dict[str, bytes]) -> StoredMessage:
    state, _, resends = name.rpartition(":")
    kept = KeptMessage(state, row["site"].decode(), read_moment(row["expires"]), row["sealed"], int(resends))
    return StoredMessage(kept, frozenset(field[2:] for field in row if field.startswith("g ")))


def _as_streaks(name: str, row: dict[str, bytes]) -> Iterator[StoredStreak]:
    other = next((field[2:] for field in row if field.startswith("o ")), "")
    for place in dict.fromkeys(field[2:] for field in row if not field.startswith("o ")):
        in_a_row, latest, proven = (read_moment(row.get(f"{what} {place}", 0)) for what in "rlp")
        yield StoredStreak(name, place, other, Streak(int(in_a_row), latest, proven))


def _as_wrong_answer(name: str, line: bytes) -> WrongAnswer:
    at, _, place = line.decode().partition(" ")
    return WrongAnswer(name, place, read_moment(at))


def _as_amount(line: bytes, ahead: float) -> Expense:
    at, _, amount = line.decode().partition(" ")
    return Expense(read_moment(at) - ahead, Spending((), int(amount)))


def _write_challenge(scripts: Scripts, stored: StoredChallenge) -> Iterator[Command]:
    challenge = stored.challenge
    key, login = scripts.key(f"challenge:{challenge.state}"), scripts.key(f"login:{challenge.login}")
    end = int((challenge.expires + KEPT_AFTER_EXPIRY) * 1000)
    row = [word for pair in zip(NAMES, write_challenge(challenge), strict=True) for word in pair]
    extra = ("status", int(stored.status), "made", repr(challenge.created), "asked", repr(stored.asked))
    yield Command(("HSET", key, *map(_as_word, row), *extra))
    yield Command(("PEXPIREAT", key, end))
    yield Command(("LPUSH", login, challenge.state))
    yield Command(("PEXPIREAT", login, end))


def _write_message(scripts: Scripts, stored: StoredMessage, owner: str) -> Iterator[Command]:
    message = stored.message
    name = f"{message.state}:{message.resends}"
    key, own = scripts.key(f"message:{name}"), scripts.key(f"messages:{owner}")
    end = int((message.expires + FURTHEST_END) * 1000)
    site, expires, sealed = map(_as_word, write_message(message))
    tried: list[Word] = [word for gateway in sorted(stored.may_have_it) for word in (f"g {gateway}", "0")]
    fields: tuple[Word, ...] = ("site", site, "expires", expires, "sealed", sealed)
    yield Command(("HSET", key, *fields, "owner", owner, "from", "", *tried))
    yield Command(("PEXPIREAT", key, end))
    yield Command(("SADD", own, name))
    yield Command(("PEXPIREAT", own, end))
    # The owner is one that no longer lives.
    yield Command(("ZADD", scripts.key("owners"), 0, owner))


def _write_counts_of_wrong(scripts: Scripts, contents: StoreContents) -> Iterator[Command]:
    watched: dict[str, bool] = {}
    for each in contents.streaks:
        key, streak = scripts.key(f"guesses:{each.name}"), each.streak
        numbers: dict[str, Word] = {"r": streak.in_a_row, "p": repr(streak.proven)}
        if math.isfinite(streak.latest) and streak.latest:
            numbers["l"] = repr(streak.latest)
        row: list[Word] = []
        for what, number in numbers.items():
            row += [f"{what} {each.place}", number]
        yield Command(("HSET", key, *row, f"o {each.other_name}", "1"))
        watched[each.name] = watched.get(each.name, False) or streak.in_a_row > 0
    for wrong in contents.wrong_answers:
        key = scripts.key(f"wrong:{wrong.name}")
        yield Command(("RPUSH", key, f"{wrong.at!r} {wrong.place}"))
        yield Command(("PEXPIREAT", key, int((wrong.at + DAY) * 1000)))
        watched[wrong.name] = True
    for name, may_wait in watched.items():
        key = scripts.key(f"guesses:{name}")
        yield Command(
            ("SADD", scripts.key("watched"), name)
            if may_wait
            else ("PEXPIRE", key, int(LONGEST_KNOWN * 1000))
        )


def _write_expense(scripts: Scripts, expense: Expense, agreed: AgreedTime) -> Iterator[Command]:
    spending, longest = expense.spending, 33 * _SECONDS
    at = min(expense.at + agreed.ahead, agreed.moment)
    for key in (scripts.key(f"spent:{name}") for name in spending.keys):
        if spending.messages == 0:
            yield Command(("DEL", key))
        for _ in range(spending.messages):
            yield Command(("RPUSH", key, repr(at)))
        for _ in range(-spending.messages):
            yield Command(("RPOP", key))
        yield Command(("PEXPIRE", key, longest * 1000))
    amount = spending.money * spending.messages
    if amount and at > agreed.moment - DAY:
        for name, command in (
            ("money", ("RPUSH", f"{at!r} {amount}")),
            ("money-sum", ("INCRBY", amount)),
        ):
            yield Command((command[0], scripts.key(name), *command[1:]))
            yield Command(("PEXPIRE", scripts.key(name), 3 * _SECONDS * 1000))


def _write_count(scripts: Scripts, count: Count) -> Command:
    day = int(datetime(count.day.year, count.day.month, count.day.day, tzinfo=UTC).timestamp()) // _SECONDS
    return scripts.command("count", [f"counts:{day}"], count.name, count.number)


def _as_word(value: Word | float) -> Word:
    return repr(value) if isinstance(value, float) else value
