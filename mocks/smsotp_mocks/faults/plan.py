"""
What a mock gateway was told to do wrong: a small, deterministic language. Nothing here happens by chance.

Grammar of the one-line form, rules separated by ``;``::

    rule   = ["then"] action [argument [text]] {"at" stage | "for" number | "nth" N | N "times" | "once"}

A rule has each of these clauses at most once.

Examples: ``delay 2s for +49170*`` · ``throttle 3 times; then delay 250ms`` · ``status 503 "busy" nth 2`` ·
``smtp-reply 450 at rcpt`` · ``smpp-status 0x14 at submit once``. The actions are listed in `faults.words`.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from smsotp_mocks.faults.magic_numbers import find_magic_fault
from smsotp_mocks.faults.one_line import parse_rules, write_rule
from smsotp_mocks.faults.words import ACTIONS, COMMON, HANDSHAKE, MESSAGE, TLS, BadFault, Fault, Rule
from smsotp_mocks.inbox.numbers import normalise_number
from smsotp_mocks.net.certificates import Certificates, Kind, Tls

__all__ = [
    "ACTIONS",
    "COMMON",
    "MESSAGE",
    "BadFault",
    "Fault",
    "FaultPlan",
    "NumberedRule",
    "Rule",
    "list_possible",
]

_LONGEST_HANG = 600.0  # seconds; a forgotten hang must not hold a connection for ever
_MOST_RULES = 1000


@dataclass(frozen=True, slots=True)
class NumberedRule:
    """
    A rule that is in force.

    Attributes:
        id: To remove it with.
        taken: How many messages it has struck.
    """

    id: int
    rule: Rule
    taken: int

    def as_dict(self) -> dict[str, Any]:
        """Return the rule and its state as JSON types."""
        return {"id": self.id, "rule": write_rule(self.rule), "taken": self.taken} | (self.rule.as_dict())


@dataclass(slots=True)
class _RuleInForce:
    id: int
    rule: Rule
    seen: int = 0
    taken: int = 0

    def strike(self) -> bool:
        """Count one message that the rule matches; return whether it is struck."""
        self.seen += 1
        if self.rule.nth is not None and self.seen != self.rule.nth:
            return False
        if self.rule.times is not None and self.taken >= self.rule.times:
            return False
        self.taken += 1
        return True

    @property
    def spent(self) -> bool:
        if self.rule.nth is not None:
            return self.seen >= self.rule.nth
        return self.rule.times is not None and self.taken >= self.rule.times


class FaultPlan:
    """
    The faults of one gateway, in order: the first rule that matches strikes, and is removed once it is used up.

    Where no rule matches, the magic numbers do (see `magic_numbers`).

    Args:
        words: Actions that this gateway can do; others are refused with a clear message.
        stages: Moments that a rule may name with ``at``.
        early: Those of them that come before a message is taken.
        numbered: Those of `early` at which the number is known.
        magic: The magic numbers strike.
        on_release: Called by `release`, for a gateway that waits in its own way.
    """

    def __init__(  # noqa: PLR0913  (every one is an option with a default)
        self,
        words: Iterable[str] = COMMON,
        stages: Iterable[str] = (MESSAGE,),
        *,
        early: Iterable[str] = (),
        numbered: Iterable[str] = (),
        magic: bool = True,
        on_release: Callable[[], None] = lambda: None,
    ) -> None:
        self.words = frozenset(words)
        self.stages = tuple(stages)
        self._early = frozenset(early)
        self._nameless = self._early.difference(numbered)
        self._magic = magic
        self._on_release = on_release
        self._lock = threading.Lock()
        self._entries: list[_RuleInForce] = []
        self._next_id = 1
        self._waits = threading.Event()
        #: For each thread, what ends the wait of the fault that it took last.
        self._own = threading.local()

    def add(self, *rules: Rule | Fault | str | Mapping[str, Any]) -> tuple[int, ...]:
        """
        Put rules in force, after those that are.

        Args:
            rules: Rules, bare faults (they strike always), the one-line text form, or the dict form.

        Returns:
            The ids of the new rules.

        Raises:
            BadFault: One of them is wrong; none of them is in force then.
        """
        new = [rule for given in rules for rule in _read_rules(given)]
        for rule in new:
            self._check(rule)
        with self._lock:
            if len(self._entries) + len(new) > _MOST_RULES:
                message = f"A gateway holds at most {_MOST_RULES} fault rules; clear some first."
                raise BadFault(message)
            ids = tuple(range(self._next_id, self._next_id + len(new)))
            self._entries += [_RuleInForce(id_, rule) for id_, rule in zip(ids, new, strict=True)]
            self._next_id += len(new)
        return ids

    def remove(self, rule_id: int) -> bool:
        """Take one rule out; return False when there is none of that id."""
        with self._lock:
            before = len(self._entries)
            self._entries = [entry for entry in self._entries if entry.id != rule_id]
            return len(self._entries) < before

    def clear(self) -> None:
        """Take all rules out and end every wait that is under way."""
        with self._lock:
            self._entries.clear()
        self.release()

    def list(self) -> tuple[NumberedRule, ...]:
        """Return the rules in force; one that is used up is not."""
        with self._lock:
            return tuple(NumberedRule(entry.id, entry.rule, entry.taken) for entry in self._entries)

    def take(self, number: str | None, *stages: str) -> Fault | None:
        """
        Return the fault for this message at this moment, and count it.

        Args:
            number: As the request had it; None where it is not known yet.
            stages: All the names of this moment; none: ``message``, where rules without a stage strike.
        """
        self._own.waits = self._waits
        stages = stages or (MESSAGE,)
        normal = None if number is None else normalise_number(number)
        if self._entries:
            with self._lock:
                for entry in self._entries:
                    if entry.rule.matches(normal, stages) and entry.strike():
                        self._entries = [it for it in self._entries if not it.spent]
                        return entry.rule.fault
        if self._magic and MESSAGE in stages and normal is not None:
            return find_magic_fault(normal)
        return None

    def certificate(self) -> Kind:
        """Return which certificate a client that connects now is shown, and count it."""
        fault = self.take(None, HANDSHAKE)
        return cast("Kind", fault.text) if fault else "good"

    def pause(self, seconds: float) -> None:
        """Wait, as the action ``delay`` does; `release` ends it early, also one that came before this and after `take`."""
        self._end_of_wait().wait(min(seconds, _LONGEST_HANG))

    def is_released(self) -> bool:
        """Tell whether `release` was called since the calling thread took its last fault."""
        return self._end_of_wait().is_set()

    def hang(self) -> None:
        """Wait until `release`, at most ten minutes."""
        self.pause(_LONGEST_HANG)

    def release(self) -> None:
        """End every delay and hang that is under way: of all faults that have been taken."""
        waits, self._waits = self._waits, threading.Event()
        waits.set()
        self._on_release()

    def _end_of_wait(self) -> threading.Event:
        waits: threading.Event = getattr(self._own, "waits", self._waits)
        return waits

    def _check(self, rule: Rule) -> None:
        if rule.fault.action not in self.words:
            message = f"This gateway cannot {rule.fault.action!r}. It knows: {', '.join(sorted(self.words))}."
            raise BadFault(message)
        if rule.stage is not None and rule.stage not in self.stages:
            message = f"This gateway has no stage {rule.stage!r}. It knows: {', '.join(self.stages)}."
            raise BadFault(message)
        if rule.stage in self._early and ACTIONS[rule.fault.action].of_message:
            message = f"No message is taken at {rule.stage!r}: {rule.fault.action!r} does nothing there. Leave 'at' out."
            raise BadFault(message)
        if rule.stage in self._nameless and rule.number is not None:
            message = f"No number is known at {rule.stage!r}: a rule for that stage cannot have 'for'."
            raise BadFault(message)


def list_possible(words: frozenset[str], tls: Tls | None) -> frozenset[str]:
    """Return the actions of a gateway: those of its protocol, and those that its certificates make possible."""
    return words | TLS if isinstance(tls, Certificates) else words


def _read_rules(given: Rule | Fault | str | Mapping[str, Any]) -> list[Rule]:
    if isinstance(given, Rule):
        return [given]
    if isinstance(given, Fault):
        return [Rule(given)]
    if isinstance(given, str):
        return parse_rules(given)
    return [Rule.from_dict(given)]
