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
#: Modules that return ok without having asked for anything; so do others, under the names that a site gives them.
_ALWAYS_OK = frozenset({"ok", "always", "updated", "noop"})
#: Modules, and sections that set attributes: after them the last return code is another one than that of the first factor.
_OTHERWISE = frozenset({"noop", "updated", "notfound", "update", "map"})
#: What a condition may be made of that holds after an ok, and after nothing that matters.
_IF_OK = frozenset({"ok", "updated", "noop", "||"})
_IF_NOT_OK = re.compile(r"\(*\s*!\s*\(*ok\)*")
#: What a condition may be made of that does not hold for somebody whose first factor is right.
_NOT_OK = (RETURN_CODES - {"ok"}) | {"!ok", "or", "||"}


class Treatment(Enum):
    """What an entry does with somebody whose first factor is right."""

    ASKS = "asks"
    REFUSES = "refuses"
    LETS_PASS = "lets pass"  # noqa: S105  (no password)


_ANYBODY = "whether a code is asked for does not depend on the first factor"
_NOT_ALL = f"some people whose password is right are not asked for a code, and are rejected by {POST_AUTH}"


@dataclass(frozen=True, slots=True)
class Mistake:
    """
    What is wrong with a challenge.

    Attributes:
        what: The second half of a sentence.
        means: What follows from it for the people.
    """

    what: str
    means: str = _ANYBODY


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
        sure: Whether this is inside of an `if (ok)` after a first factor.
        outside: Whether no module has been called since the block that is read began: the first factor is outside of it.
        leaves: What may have ended the entry, though its first factor was right; empty if nothing has.
        hides: What has come after the ok of the first factor and hides it from an `if (ok)`; empty if nothing has.
    """

    factors: list[str] = field(default_factory=list)
    asked: bool = False
    ended: bool = False
    sure: bool = False
    outside: bool = False
    leaves: str = ""
    hides: str = ""
    wrong: list[Mistake] = field(default_factory=list)

    def blame(self, what: str, means: str = _ANYBODY) -> None:
        self.wrong.append(Mistake(what, means))


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
    #: By the place in memory of a section: what `_asks_by_itself` has found, so that deeply nested ones are read once.
    found: dict[int, bool] = field(default_factory=dict)

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
            self._walk_inside(body, walk)
        elif isinstance(item, Section) and is_block(item):
            self._read_block(item, branches, walk)
        elif not is_assignment(item):
            self._call(read_called(item), walk)

    def _read_block(self, section: Section, branches: list[Item], walk: _Walk) -> None:
        if section.kind == "if":
            self._choose(branches, walk)
        elif section.kind == "group":
            self._walk_inside(section, walk)
        else:
            self._read_choice(section, walk)

    def _walk_inside(self, section: Section, walk: _Walk) -> None:
        """Read a block that is always run: in it, the best return code so far counts until something is called."""
        outside, hides = walk.outside, walk.hides
        walk.outside, walk.hides = bool(walk.factors), ""
        self.walk(section.items, walk)
        if walk.outside:
            walk.outside, walk.hides = outside, walk.hides or hides
        else:
            walk.hides = ""

    def _call(self, name: str, walk: _Walk) -> None:
        if name == self.challenge:
            self._ask(walk)
        elif name in ENDS:
            walk.ended = True
        elif name in self.unlang.atoms or (name in _OTHERWISE and walk.factors):
            walk.hides = f"`{name}`"
        elif name not in ("update", "map"):
            walk.factors.append(name.removeprefix("-"))
            walk.outside, walk.hides = False, ""

    def _ask(self, walk: _Walk) -> None:
        if walk.leaves:
            walk.wrong.append(_unreached(walk.leaves))
        always = {*_ALWAYS_OK, *self.unlang.always_ok}
        if walk.outside and walk.hides:
            walk.wrong.append(_hidden(walk.hides))
        if not walk.factors:
            if not walk.asked:
                walk.blame("is called where no first factor has said ok, so nobody can log in")
        elif always.issuperset(walk.factors):
            walk.blame(f"is called after {walk.factors[-1]} only, so no password is asked for")
        elif "eap" in walk.factors:
            walk.blame("is called after eap, which has no place for a code")
        elif len(walk.factors) > 1 and not walk.sure:
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
        if walk.factors and not names and any(self.unlang.list_updates(section.items)):
            walk.hides = f"`update` in `{section.kind}`"
        if names:
            walk.outside, walk.hides = False, ""
            walk.factors.append(f"{section.kind} {{ {' '.join(names)} }}")

    def _choose(self, branches: list[Item], walk: _Walk) -> None:
        sections = [branch for branch in branches if isinstance(branch, Section)]
        reaches = [self.unlang.find_reach(section.items, self.challenge) for section in sections]
        if all(reach is Reach.NEVER for reach in reaches):
            self._read_without_challenge(sections, walk)
            return
        before = walk.factors
        used, inside = False, list[str]()
        for place, (section, reach) in enumerate(zip(sections, reaches, strict=True)):
            sure = _holds_for_ok(section, sections[:place])
            branch = _Walk(leaves=walk.leaves)
            if reach is not Reach.NEVER and (sure or not self._asks_by_itself(section)):
                used = True
                if sure and walk.hides and before and "noop" not in section.name:
                    walk.wrong.append(_hidden(walk.hides))
                elif not sure and not (walk.sure and self._rejects_others(sections, reaches)):
                    self._blame_condition(section, walk)
                branch = _Walk(before[-1:], leaves=walk.leaves, sure=sure or walk.sure, outside=True)
            self.walk(section.items, branch)
            walk.asked |= branch.asked
            walk.wrong += branch.wrong
            inside += branch.factors
        walk.factors = inside if used else [*before, *inside]
        if used and not before and not walk.wrong:
            walk.blame("is called where no first factor has said ok, so nobody can log in")

    def _asks_by_itself(self, section: Section) -> bool:
        """Tell whether a branch has a first factor of its own, and asks for a code after it as it should."""
        if id(section) not in self.found:
            branch = _Walk()
            self.walk(section.items, branch)
            self.found[id(section)] = branch.asked and not branch.wrong
        return self.found[id(section)]

    def _rejects_others(self, sections: list[Section], reaches: list[Reach]) -> bool:
        """Tell whether everybody whom a choice does not ask for a code is rejected by it."""
        return sections[-1].kind == "else" and all(
            reach is not Reach.NEVER or self._ends(section)
            for section, reach in zip(sections, reaches, strict=True)
        )

    def _blame_condition(self, section: Section, walk: _Walk) -> None:
        condition = f"{section.kind} {section.name}".strip()
        for_some = walk.sure or re.search(r"\bok\b[\s)]*&&|&&[\s(]*ok\b", section.name)
        walk.blame(f"is in `{condition}`, but has to be in `if (ok)`", *([_NOT_ALL] if for_some else []))

    def _read_without_challenge(self, sections: list[Section], walk: _Walk) -> None:
        """Read conditions that choose among first factors, or that reject users whose first factor was wrong."""
        rejects_others = any(
            _IF_NOT_OK.fullmatch(section.name) and self._ends(section) for section in sections
        )
        if rejects_others:
            walk.factors = walk.factors[-1:]
            return
        inside = list[str]()
        for section in sections:
            branch = _Walk(walk.factors[-1:], outside=True)
            self.walk(section.items, branch)
            inside += branch.factors[min(len(walk.factors), 1) :]
            if not _excludes_ok(section.name):
                self._note_return(section, walk)
                if branch.hides and not branch.ended:
                    walk.hides = f"{branch.hides} in `{f'{section.kind} {section.name}'.strip()}`"
        if inside:
            walk.outside, walk.hides = False, ""
            walk.factors.append(inside[0] if len(inside) == 1 else f"one of {', '.join(inside)}")

    def _note_return(self, section: Section, walk: _Walk) -> None:
        """Note a `return` that may be run although the first factor is right; it ends the whole entry."""
        if self.unlang.find_reach(section.items, "return") is not Reach.NEVER:
            walk.leaves = f"`return` in `{f'{section.kind} {section.name}'.strip()}`"

    def _ends(self, section: Section) -> bool:
        return any(read_called(item) in ENDS for item in section.items)


def _holds_for_ok(section: Section, before: list[Section]) -> bool:
    """Tell whether a branch is for those whose first factor is right, given the branches before it."""
    if section.kind == "else":
        return any(_IF_NOT_OK.fullmatch(earlier.name) for earlier in before)
    words = _split_words(section.name)
    return "ok" in words and _IF_OK.issuperset(words)


def _excludes_ok(condition: str) -> bool:
    words = _split_words(condition)
    return bool(words) and _NOT_OK.issuperset(words)


def _split_words(condition: str) -> list[str]:
    return re.sub(r"[()\s]+", " ", condition.replace("||", " || ")).split()


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


def _hidden(what: str) -> Mistake:
    return Mistake(
        f"is not reached after {what}, because FreeRADIUS then no longer knows that the first factor said ok",
        "the people whom that concerns are rejected, whether the password is right or not; put it before the first factor",
    )
