"""Whether an entry of ``authenticate`` asks for a code after its first factor, and only then."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from smsotp_plugin.radius.config_text import Section, Statement
from smsotp_plugin.radius.findings import POST_AUTH
from smsotp_plugin.radius.unlang import (
    ENDS,
    RETURN_CODES,
    Item,
    Reach,
    Unlang,
    find_action,
    is_assignment,
    is_block,
    is_return,
    read_called,
    split_chains,
)

#: What cannot carry a code; without a challenge after them, `smsotp_post_auth` keeps their users out, as it should.
_WITHOUT_CODE = frozenset({"chap", "mschap", "digest", "eap", "ms-chap"})
#: Modules that return ok without having asked for anything.
_ALWAYS_OK = frozenset({"ok", "always", "updated", "noop"})
_OK = re.compile(r"\(*\s*ok\s*(\|\|\s*(updated|noop)\s*)*\)*")


class Treatment(Enum):
    """What an entry does with somebody whose first factor is right."""

    ASKS = "asks"
    REFUSES = "refuses"
    LETS_PASS = "lets pass"  # noqa: S105  (no password)


#: What conditions are made of that do not hold for somebody whose first factor is right.
_NOT_OK = (RETURN_CODES - {"ok"}) | {"!ok", "or", "||"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """
    What is wrong with a challenge.

    Attributes:
        what: The second half of a sentence.
        means: What follows from it for the people.
    """

    what: str
    means: str = "whether a code is asked for does not depend on the first factor"


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One way to be authenticated.

    Attributes:
        name: The Auth-Type, or the module's name.
        item: Where it is.
        treatment: What it does.
        factors: Modules whose ok leads to no challenge.
        wrong: What is wrong with its challenge.
    """

    name: str
    item: Item
    treatment: Treatment
    factors: tuple[str, ...]
    wrong: tuple[Mistake, ...]

    @property
    def carries_no_code(self) -> bool:
        """Tell whether it is for protocols that have no place for a code."""
        return bool(self.factors) and {factor.lower() for factor in self.factors} <= _WITHOUT_CODE


@dataclass(slots=True)
class _Walk:
    """
    How far an entry has been read: `factors` have returned ok, and no code has been asked for since.

    Attributes:
        leaves: What may have ended the entry, though its first factor was right; empty if nothing has.
    """

    factors: list[str] = field(default_factory=list)
    asked: bool = False
    ended: bool = False
    leaves: str = ""
    wrong: list[Mistake] = field(default_factory=list)

    def blame(self, what: str) -> None:
        self.wrong.append(Mistake(what))


def read_entries(authenticate: Section, unlang: Unlang, challenge: str) -> list[Entry]:
    """
    Judge every entry of an ``authenticate`` section.

    Args:
        authenticate: The section.
        unlang: Reads it.
        challenge: Name of the policy that asks for a code.
    """
    within = unlang.within("authenticate")
    entries: dict[str, Entry] = {}
    for item in authenticate.items:
        if not is_assignment(item):
            entry = _read(item, within, challenge)
            # Of several for the same Auth-Type, in capitals or not, the first one counts.
            entries.setdefault(entry.name.casefold(), entry)
    return list(entries.values())


def _read(item: Item, unlang: Unlang, challenge: str) -> Entry:
    listed = isinstance(item, Section) and item.kind == "Auth-Type"
    walk = _Walk()
    _Reader(unlang, challenge).walk(item.items if listed and isinstance(item, Section) else [item], walk)
    name = item.name if listed else read_called(item)
    if not listed and unlang.find_reach([item], challenge) is not Reach.NEVER:
        walk.wrong = [
            Mistake("is outside any Auth-Type, where FreeRADIUS does not call it after a first factor")
        ]
    treatment = Treatment.LETS_PASS if walk.factors else Treatment.ASKS if walk.asked else Treatment.REFUSES
    return Entry(name, item, treatment, tuple(walk.factors), tuple(walk.wrong))


@dataclass(frozen=True, slots=True)
class _Reader:
    unlang: Unlang
    challenge: str

    def walk(self, items: Sequence[Item], walk: _Walk) -> None:
        chains = list(split_chains(items))
        for place, branches in enumerate(chains):
            if walk.ended:
                return
            item = branches[0]
            self._read_item(item, branches, walk)
            if (ending := _find_ending(item)) is not None:
                rest = [branch for chain in chains[place + 1 :] for branch in chain]
                self._end(f"`{ending.name} = {ending.value}` of {read_called(item)}", rest, walk)
                # What is around goes on after `return`.
                walk.ended |= _rejects(ending)
                return

    def _end(self, why: str, rest: Sequence[Item], walk: _Walk) -> None:
        """Note that nothing of `rest` is run if the first factor is right."""
        if self.unlang.find_reach(rest, self.challenge) is not Reach.NEVER:
            walk.asked = True
            walk.wrong.append(_unreached(why))

    def _read_item(self, item: Item, branches: list[Item], walk: _Walk) -> None:
        body = self.unlang.body(item)
        if body is not None and is_block(body):
            self._read_block(body, [body], walk)
        elif body is not None:
            self.walk(body.items, walk)
        elif isinstance(item, Section) and is_block(item):
            self._read_block(item, branches, walk)
        elif not is_assignment(item):
            self._call(read_called(item), walk)

    def _read_block(self, section: Section, branches: list[Item], walk: _Walk) -> None:
        if section.kind == "if":
            self._choose(branches, walk)
        elif section.kind == "group":
            self.walk(section.items, walk)
        else:
            self._read_choice(section, walk)

    def _call(self, name: str, walk: _Walk) -> None:
        if name == self.challenge:
            self._ask(walk)
        elif name in ENDS:
            walk.ended = True
        elif name not in ("update", "map", *self.unlang.atoms):
            walk.factors.append(name.removeprefix("-"))

    def _ask(self, walk: _Walk) -> None:
        if walk.leaves:
            walk.wrong.append(_unreached(walk.leaves))
        if not walk.factors:
            walk.blame("is called where no first factor has said ok, so nobody can log in")
        elif set(walk.factors) <= _ALWAYS_OK:
            walk.blame(f"is called after {walk.factors[-1]} only, so no password is asked for")
        elif "eap" in walk.factors:
            walk.blame("is called after eap, which has no place for a code")
        elif len(walk.factors) > 1:
            names = ", ".join(walk.factors)
            walk.blame(f"is called when any one of {names} says ok, because no `if (ok)` is around it")
        walk.factors, walk.asked, walk.ended = [], True, True

    def _read_choice(self, section: Section, walk: _Walk) -> None:
        self._note_return(section, walk)
        reach = self.unlang.find_reach([section], self.challenge)
        names = [call.name for call in self.unlang.calls(section.items) if call.name not in self.unlang.atoms]
        if reach is not Reach.NEVER:
            walk.blame(f"is in `{section.kind}`, which does not always call it")
            walk.asked = True
        names = [name for name in names if name not in ENDS]
        if names:
            walk.factors.append(f"{section.kind} {{ {' '.join(names)} }}")

    def _choose(self, branches: list[Item], walk: _Walk) -> None:
        sections = [branch for branch in branches if isinstance(branch, Section)]
        reaches = [self.unlang.find_reach(section.items, self.challenge) for section in sections]
        if all(reach is Reach.NEVER for reach in reaches):
            self._read_without_challenge(sections, walk)
            return
        before, walk.factors = walk.factors, []
        for section, reach in zip(sections, reaches, strict=True):
            asks_for_ok = section.kind == "if" and bool(_OK.fullmatch(section.name))
            if reach is not Reach.NEVER and not asks_for_ok:
                condition = f"{section.kind} {section.name}".strip()
                walk.blame(f"is in `{condition}`, but has to be in `if (ok)`")
            branch = _Walk(before[-1:] if reach is not Reach.NEVER else [], leaves=walk.leaves)
            self.walk(section.items, branch)
            walk.asked |= branch.asked
            walk.wrong += branch.wrong
            walk.factors += branch.factors
        if not before and not walk.wrong:
            walk.blame("is called where no first factor has said ok, so nobody can log in")

    def _read_without_challenge(self, sections: list[Section], walk: _Walk) -> None:
        """Read conditions that choose among first factors, or that reject users whose first factor was wrong."""
        rejects_others = any(
            re.fullmatch(r"\(*\s*!\s*\(*ok\)*", section.name) and self._ends(section) for section in sections
        )
        if rejects_others:
            walk.factors = walk.factors[-1:]
            return
        inside = list[str]()
        for section in sections:
            if not _excludes_ok(section.name):
                self._note_return(section, walk)
            branch = _Walk()
            self.walk(section.items, branch)
            inside += branch.factors
        if inside:
            walk.factors.append(inside[0] if len(inside) == 1 else f"one of {', '.join(inside)}")

    def _note_return(self, section: Section, walk: _Walk) -> None:
        """Note a `return` that may be run although the first factor is right; it ends the whole entry."""
        if self.unlang.find_reach(section.items, "return") is not Reach.NEVER:
            walk.leaves = f"`return` in `{f'{section.kind} {section.name}'.strip()}`"

    def _ends(self, section: Section) -> bool:
        return any(read_called(item) in ENDS for item in section.items)


def _excludes_ok(condition: str) -> bool:
    words = re.sub(r"[()\s]+", " ", condition.replace("||", " || ")).split()
    return bool(words) and _NOT_OK.issuperset(words)


def _find_ending(item: Item) -> Statement | None:
    """Return what keeps the rest of the list around an item from being run after its ok: an action `return` or `reject`."""
    action = find_action(item, "ok") if isinstance(item, Section) else None
    return action if action and (is_return(action) or _rejects(action)) else None


def _rejects(action: Statement) -> bool:
    return action.value.casefold() == "reject"


def _unreached(why: str) -> Mistake:
    return Mistake(
        f"is not reached after {why}",
        f"the people whom that concerns are not asked for a code, and are rejected by {POST_AUTH}, whether the password is right "
        "or not; take it away",
    )
