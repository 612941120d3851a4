"""Replies of Redis as the bytes of a case: whatever the bytes, there are some, so that no case is spent on their form."""

import json
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from pydantic import SecretStr

from smsotp_plugin.codes.fingerprints import Fingerprints
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.sms.sealed import Letter, MessageSealer
from smsotp_plugin.stores.answers import Brake
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind
from smsotp_plugin.stores.queue import GatewayReport
from smsotp_plugin.stores.redis.line import ReplyError
from smsotp_plugin.stores.redis.rows import NAMES, write_challenge

#: Between the parts of a case; a part that is a bracket begins or ends a list.
PART = b"\x1e"
STATE, _SEAL = "0" * 32, "a" * 32
SEALER = MessageSealer(b"s" * 32, lambda count: b"n" * count)
_DEEPEST = 50
TOKENS = (
    *(
        PART,
        PART + b"[" + PART,
        PART + b"]" + PART,
        PART + b"_" + PART,
        PART + b":0" + PART,
        PART + b":-1" + PART,
    ),
    *(
        PART + b":18446744073709551616" + PART,
        PART + b"$" + PART,
        PART + b"-NOGROUP x" + PART,
        PART + b"-BUSY" + PART,
    ),
    *(
        b"$nan",
        b"$inf",
        b"$-inf",
        b"$1e308",
        b"$-1",
        b"$0x1",
        b"$\xff",
        b"$null",
        b"$[]",
        b"${}",
        b'$"a"',
        b"$1_0",
        b"$\xd9\xa1",
    ),
    *(
        b"kept",
        b"same",
        b"right",
        b"wrong",
        b"last",
        b"locked",
        b"ever",
        b"over",
        b"begun",
        b"alive",
        b"\x1b[2J",
        b"\\u001b",
    ),
    *(b"true", b"NaN", b"1e999", b"station ", b"client ", b"r ", b"l ", b"p ", b"o "),
)


def make_challenge(names: Fingerprints, now: float) -> Challenge:
    """Return the challenge that all is about; it bears its mark."""
    new = Challenge(
        state=STATE,
        user="bob",
        login="5" * 32,
        seed="6" * 32,
        seal=_SEAL,
        number="+49 *** **67",
        number_hash="4" * 32,
        created=now,
        expires=now + 86400,
        tries_left=5,
    )
    return replace(new, mark=names.mark(*new.sealed()))


def parse(data: bytes) -> list[Any]:
    """Read the replies of a case, each a part or a list; whatever the bytes, there are some."""
    stack: list[list[Any]] = [[]]
    for part in data.split(PART):
        if part == b"[" and len(stack) < _DEEPEST:
            stack.append([])
        elif part == b"]" and len(stack) > 1:
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(_parse_one(part))
    while len(stack) > 1:
        done = stack.pop()
        stack[-1].append(done)
    return stack[0]


def _parse_one(part: bytes) -> Any:
    kind, rest = part[:1], part[1:]
    if kind == b"_":
        return None
    if kind == b"-":
        return ReplyError(rest.decode(errors="replace"))
    if kind == b":":
        with suppress(ValueError):
            return int(rest)
    return rest


def _write(reply: Any) -> bytes:
    match reply:
        case None:
            return b"_"
        case list() | tuple():
            return PART.join([b"[", *map(_write, reply), b"]"])
        case int():
            return b":%d" % reply
        case float():
            return f"${reply!r}".encode()
        case str():
            return b"$" + reply.encode()
        case _:
            return b"$" + bytes(reply)


def examples(new: Challenge) -> tuple[bytes, ...]:
    """Return cases in which Redis answers as it should."""
    cases = [*_log_in_replies(new), *_message_replies(new), *_command_replies(new)]
    return tuple(PART.join([name.encode(), *map(_write, replies)]) for name, replies in cases)


def _log_in_replies(new: Challenge) -> list[tuple[str, list[Any]]]:
    words, tally, now = _words(new), _tally(new.created), repr(new.created)
    over = ["u" + "1" * 16, 1, "300.5"]
    scripts: list[tuple[Any, ...]] = [
        ("open", "kept", None),
        ("open", "kept", over),
        ("open", "same", words),
        ("open", "over", over),
        ("open", "full"),
        ("resend", "kept", words, None),
        ("resend", "early", "12.5"),
        ("resend", "ended"),
        ("spend", "spent", None),
        ("answer", "right", words),
        ("answer", "wrong", words, 4, now, [tally, tally]),
        ("answer", "last", words, 0, now, [tally]),
        ("answer", "locked", "ever"),
        ("answer", "locked", "86400"),
        ("answer", "used"),
        ("answer", "expired", words),
        ("answer", "spent", words),
    ]
    return [
        *((name, [replies]) for name, *replies in scripts),
        ("find_same", [words]),
        ("find", [words]),
        ("find", [None]),
        ("known_place", ["station 2"]),
        ("standing", [[now, [tally, tally]]]),
        ("standing", [[]]),
    ]


def _message_replies(new: Challenge) -> list[tuple[str, list[Any]]]:
    now = repr(new.created)
    left = [STATE, "0", "default", repr(new.expires), _seal_message(new), 1, ["gtx"], 0]
    report = json.dumps(
        {"gtx": asdict(GatewayReport("alive")), "other": asdict(GatewayReport("dead", 3.5, may_hope=True))}
    )
    return [
        ("fates", [[["1-0", ["answered", STATE]], ["2-0", ["unsent", STATE]]]]),
        ("begin_attempts", [["begun"]]),
        ("live", [[now, []]]),
        ("take_over", [[now, [left, left]]]),
        ("take", [[["queue", [["1-0", ["m", STATE + ":0"]]]]], [left]]),
        ("take_lost", [["0-0", [["1-0", ["m", STATE + ":0"]], None], []], [left]]),
        ("look", [[3, [report, report]]]),
    ]


def _command_replies(new: Challenge) -> list[tuple[str, list[Any]]]:
    now = new.created
    event = json.dumps(
        asdict(DeliveryEvent("1a2b3c4d", now, EventKind.ASKED, "gtx", "7", "route x", "bob", "+49 *** **67"))
    )
    brake = json.dumps(asdict(Brake("p1", "+38766555", now, now + 43200, "of 20", enforced=True)))
    hashed = [word for pair in zip(NAMES, _words(new), strict=True) for word in pair]
    message = ["site", "default", "expires", repr(now), "sealed", _seal_message(new), "g gtx", "0"]
    return [
        ("answers", [["a p1", "3", "u p1", "4"], []]),
        ("brakes", [[brake, brake]]),
        ("trace", [[["1a2b3c4d", event]]]),
        (
            "limits",
            [[str(int(now)), "0"], *[["per_user refused", "3"]] * 35, [repr(now), repr(now - 1)], [brake]],
        ),
        (
            "contents",
            [
                [*hashed, "status", "0", "asked", "0"],
                message,
                message,
                [event],
                [event],
                _tally(now)[1],
                [f"{now!r} "],
                [repr(now)],
                [f"{now!r} 75000"],
                ["per_user refused", "3"],
                ["a p1", "3"],
                [brake],
            ],
        ),
        (
            "erase",
            [
                ["bob", "4"],
                "user:5 number:6",
                ["1a2b3c4d"],
                [],
                [1, 1, 1, 1, 1],
                "aof_enabled:0",
                ["save", ""],
            ],
        ),
    ]


def _words(new: Challenge) -> list[str]:
    return [repr(value) if isinstance(value, float) else str(value) for value in write_challenge(new)]


def _tally(now: float) -> list[Any]:
    return [
        "1" * 32,
        ["r ", "5", "l ", repr(now), "r station 2", "0", "p station 2", repr(now), "o 4", "1"],
        [f"{now!r} "],
    ]


def _seal_message(new: Challenge) -> bytes:
    message = Message(
        reference="1a2b3c4d",
        user="bob",
        number=parse_number("+491701234567", None),
        otp=SecretStr("x"),
        sentence=SecretStr("x"),
        expires=new.expires,
        state=STATE,
        login=new.login,
    )
    return SEALER.seal(Letter(message, "default", ("gtx",)), "default")
