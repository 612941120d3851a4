"""The words of the fault language: which actions there are, what they take, and when a rule matches."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from smsotp_mocks.inbox.numbers import normalise_number

Argument = Literal["none", "seconds", "bytes", "code", "word"]

#: Where a rule without ``at`` strikes: when the gateway takes the message, or before anything is said.
MESSAGE, HANDSHAKE = "message", "handshake"
_PART_OF_NUMBER = re.compile(r"[0-9 ()/.+-]*")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BadFault(ValueError):
    """A fault rule that makes no sense. The text says what is wrong and what is possible."""


@dataclass(frozen=True, slots=True)
class Action:
    """
    One documented word.

    Attributes:
        meaning: What the gateway does, and whether the message still arrives in the inbox.
        copies: How often the message arrives.
        well: The client is answered as if nothing were wrong.
        argument: What follows the word.
        optional: The argument may be left out.
        choices: For the argument ``word``: what it may be.
        stage: Where it strikes unless the rule says otherwise.
        of_message: It changes what becomes of a message, and is nothing where none is taken.
    """

    meaning: str
    argument: Argument = "none"
    copies: int = 0
    well: bool = False
    optional: bool = False
    choices: tuple[str, ...] = ()
    stage: str = MESSAGE
    of_message: bool = False


ACTIONS: dict[str, Action] = {
    "delay": Action(
        "answers only after this time, then goes on; the message arrives", "seconds", copies=1, well=True
    ),
    "hang": Action("reads the message and never answers; the message does not arrive"),
    "mute": Action("never answers; the message arrives", copies=1),
    "reset-before": Action("resets the connection instead of answering; the message does not arrive"),
    "reset-after": Action("resets the connection instead of answering; the message arrives", copies=1),
    "half": Action(
        "sends half of the answer (or so many bytes), then closes; arrives", "bytes", optional=True, copies=1
    ),
    "garbage": Action(
        "answers with bytes that are not an answer, then closes; the message arrives", copies=1
    ),
    "lose": Action("answers that all is well; the message does not arrive", well=True, of_message=True),
    "duplicate": Action("answers once; the message arrives twice", copies=2, well=True, of_message=True),
    "throttle": Action("answers 'too many messages, later', as the gateway says it; does not arrive"),
    "refuse": Action("answers 'never to this number', as the gateway says it; does not arrive"),
    "unavailable": Action("answers 'out of order, try again', as the gateway says it; does not arrive"),
    "status": Action("answers with this HTTP status and body; the message does not arrive", "code"),
    "answer": Action("answers with this HTTP status and body; the message arrives", "code", copies=1),
    "xml-fault": Action("answers with an XML-RPC fault of this number and text; does not arrive", "code"),
    "smtp-reply": Action("answers with this SMTP reply at the stage; the message does not arrive", "code"),
    "smpp-status": Action("answers with this command_status at the stage; does not arrive", "code"),
    "receipt-ids": Action(
        "takes the message; its delivery receipts spell its id so",
        "word",
        choices=("decimal", "hex"),
        copies=1,
        well=True,
        of_message=True,
    ),
    "certificate": Action(
        "shows this certificate to a client that connects",
        "word",
        choices=("expired", "wrong-name"),
        stage=HANDSHAKE,
    ),
}
COMMON = frozenset(list(ACTIONS)[:12])
HTTP = COMMON | {"status", "answer"}
XML_RPC = HTTP | {"xml-fault"}
SMTP = COMMON | {"smtp-reply"}
SMPP = COMMON | {"smpp-status", "receipt-ids"}
#: Further ones of a gateway that was given `Certificates`.
TLS = frozenset({"certificate"})
#: What may follow an action, by its kind of argument.
_TAKES: dict[Argument, frozenset[str]] = {
    "none": frozenset(),
    "seconds": frozenset({"seconds"}),
    "bytes": frozenset({"bytes"}),
    "code": frozenset({"code", "text"}),
    "word": frozenset({"text"}),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing to do wrong.

    Attributes:
        action: A word of `ACTIONS`.
        seconds: For ``delay``; 0 to 600.
        bytes: For ``half``: how many bytes of the answer leave; None: half of them.
        code: For ``status``, ``answer``, ``xml-fault``, ``smtp-reply``, ``smpp-status``.
        text: Body, fault string or reply text that goes with the code; for ``certificate`` and ``receipt-ids`` their word.
    """

    action: str
    seconds: float = 0.0
    bytes: int | None = None
    code: int | None = None
    text: str | None = None

    @property
    def copies(self) -> int:
        """How often a message that it strikes arrives."""
        return ACTIONS[self.action].copies

    @property
    def well(self) -> bool:
        """Whether the client is answered as if nothing were wrong."""
        return ACTIONS[self.action].well

    def __post_init__(self) -> None:
        action = ACTIONS.get(self.action)
        if action is None:
            message = f"There is no fault {self.action!r}. The words are: {', '.join(ACTIONS)}."
            raise BadFault(message)
        for name in ("seconds", "bytes", "code", "text"):
            given = self.seconds > 0 if name == "seconds" else getattr(self, name) is not None
            if given and name not in _TAKES[action.argument]:
                raise BadFault(f"{self.action!r} takes no {name!r}.")
        if action.argument == "code" and self.code is None:
            raise BadFault(
                f"{self.action!r} needs a number, such as `{self.action} {_give_example(self.action)}`."
            )
        if action.choices and self.text not in action.choices:
            raise BadFault(
                f"{self.action!r} needs one of {', '.join(action.choices)}, such as `{self.action} {action.choices[0]}`."
            )
        self._check_values()

    def _check_values(self) -> None:
        if self.action == "delay" and not 0 <= self.seconds <= 600:
            raise BadFault(f"A delay lasts from 0 to 600 seconds, not {self.seconds:g}.")
        if self.action in ("status", "answer") and not 200 <= (self.code or 0) <= 599:
            raise BadFault(f"An HTTP status goes from 200 to 599, not {self.code}.")
        if self.action == "smtp-reply" and not 200 <= (self.code or 0) <= 599:
            raise BadFault(f"An SMTP reply goes from 200 to 599, not {self.code}.")
        if self.action == "smpp-status" and not 0 <= (self.code or 0) <= 0xFFFFFFFF:
            raise BadFault("An SMPP command_status goes from 0 to 0xffffffff.")
        if self.bytes is not None and self.bytes < 0:
            raise BadFault(f"'bytes' is 0 or more, not {self.bytes}.")
        if self.action == "xml-fault" and not -(2**31) <= (self.code or 0) < 2**31:
            raise BadFault("The number of an XML-RPC fault goes from -2147483648 to 2147483647.")
        if wrong := re.search("[\ud800-\udfff]", self.text or ""):
            raise BadFault(f"A text with U+{ord(wrong[0]):04X}, half of a surrogate pair, cannot be sent.")
        if self.action == "xml-fault" and (wrong := _NOT_IN_XML.search(self.text or "")):
            raise BadFault(f"The text of an XML-RPC fault cannot hold U+{ord(wrong[0]):04X}.")


_TEXT, _WHOLE, _NUMBER = ((str,), "a text"), ((int,), "a whole number"), ((int, float), "a number")
#: What each key of a rule written as a dictionary may be.
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "action": _TEXT,
    "seconds": _NUMBER,
    "bytes": _WHOLE,
    "code": _WHOLE,
    "text": _TEXT,
    "for": _TEXT,
    "nth": _WHOLE,
    "times": _WHOLE,
    "at": _TEXT,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """
    A fault and the messages that it strikes.

    Attributes:
        number: Only this number, in any spelling; a trailing ``*`` stands for any digits. None: every number. It is
            kept in the inbox's form.
        nth: Only the nth message (from 1) that the rest of the rule matches.
        times: Only this many of the first messages that the rest of the rule matches.
        stage: Only at this moment of the protocol; None: when the message is taken.
    """

    fault: Fault
    number: str | None = None
    nth: int | None = None
    times: int | None = None
    stage: str | None = None

    def __post_init__(self) -> None:
        if self.number is not None:
            object.__setattr__(self, "number", _read_number(self.number))
        for name, value in (("nth", self.nth), ("times", self.times)):
            if value is not None and value < 1:
                raise BadFault(f"{name!r} counts from 1, not from {value}.")
        if self.nth is not None and self.times is not None:
            raise BadFault("A rule has either 'nth' or 'times', not both.")
        if self._usual_stage == HANDSHAKE and (self.number is not None or self.stage is not None):
            raise BadFault(
                f"{self.fault.action!r} strikes before a number is known: it cannot have 'for' or 'at'."
            )

    @property
    def _usual_stage(self) -> str:
        return ACTIONS[self.fault.action].stage

    def matches(self, number: str | None, stages: Collection[str]) -> bool:
        """Return whether the rule speaks of this number (in the inbox's form) at one of these stages."""
        if (self.stage or self._usual_stage) not in stages:
            return False
        if self.number is None:
            return True
        if number is None:
            return False
        if self.number.endswith("*"):
            return number.startswith(self.number[:-1])
        return number == self.number

    def as_dict(self) -> dict[str, Any]:
        """Return the rule as JSON types; `from_dict` reads it again."""
        values = {
            "action": self.fault.action,
            "seconds": self.fault.seconds if self.fault.action == "delay" else None,
            "bytes": self.fault.bytes,
            "code": self.fault.code,
            "text": self.fault.text,
            "for": self.number,
            "nth": self.nth,
            "times": self.times,
            "at": self.stage,
        }
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Rule":
        """
        Read the dict form: `action` and any of ``seconds bytes code text for nth times at``.

        Raises:
            BadFault: A key is unknown or a value has the wrong type.
        """
        for name, value in values.items():
            if name not in _KINDS:
                raise BadFault(f"A fault rule has no {name!r}. It may have: {', '.join(_KINDS)}.")
            types, kind = _KINDS[name]
            if value is not None and (not isinstance(value, types) or isinstance(value, bool)):
                raise BadFault(f"{name!r} of a fault rule must be {kind}, not {value!r}.")
        if values.get("action") is None:
            raise BadFault(f"A fault rule needs an 'action'. The words are: {', '.join(ACTIONS)}.")
        if values["action"] == "delay" and values.get("seconds") is None:
            raise BadFault("'delay' needs 'seconds'.")
        fault = Fault(
            values["action"],
            seconds=_read_seconds(values.get("seconds") or 0),
            bytes=values.get("bytes"),
            code=values.get("code"),
            text=values.get("text"),
        )
        return cls(fault, values.get("for"), values.get("nth"), values.get("times"), values.get("at"))


def _read_number(written: str) -> str:
    start, star = (written[:-1], "*") if written.endswith("*") else (written, "")
    number = normalise_number(start)
    if not _PART_OF_NUMBER.fullmatch(start) or not (star or number.strip("+")):
        raise BadFault(f"'for' needs a phone number, such as +491701234567 or +49170*, not {written[:40]!r}.")
    return number + star


def _read_seconds(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise BadFault("A delay lasts from 0 to 600 seconds.") from None


def _give_example(action: str) -> str:
    return {"smtp-reply": "450", "smpp-status": "0x58", "xml-fault": "405"}.get(action, "503")
