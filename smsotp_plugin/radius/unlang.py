"""What a section of a virtual server calls, in which order, and whether always: unlang is read here, not run."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from smsotp_plugin.radius.config_text import Section, Statement

Item = Statement | Section

#: Sections within a list that are lists of their own, run at another time.
LISTS = frozenset(
    {"Auth-Type", "Autz-Type", "Post-Auth-Type", "Acct-Type", "Session-Type", "Post-Proxy-Type"}
)
#: The lists of a virtual server.
_SERVER_LISTS = frozenset(
    {"authorize", "authenticate", "preacct", "accounting", "session", "pre-proxy", "post-proxy", "post-auth"}
)
#: Names after which nothing more of a section is run: a keyword, and instances of the module `always`.
ENDS = frozenset({"return", "reject", "handled", "fail", "invalid", "userlock"})
#: What a module can return; an assignment to one of these says what follows from it.
RETURN_CODES = frozenset(
    {"reject", "fail", "ok", "handled", "invalid", "userlock", "notfound", "noop", "updated"}
)

#: Those after which a list goes on unless an action says otherwise.
_GOING_ON = ("ok", "updated", "noop", "notfound")

_BLOCKS = frozenset(
    {"if", "elsif", "else", "group", "switch", "case", "foreach"}
    | {"redundant", "load-balance", "redundant-load-balance"}
)
_DATA = frozenset({"update", "map"})
#: Policies that are called more deeply than this call each other in a circle.
_DEEPEST = 20


class Reach(Enum):
    """Whether something is called, whatever the request is."""

    NEVER = 0
    SOMETIMES = 1
    ALWAYS = 2


@dataclass(frozen=True, slots=True)
class Call:
    """
    One module, policy or keyword that a section calls.

    Attributes:
        name: As it is written there.
        item: Where it is; this may be in a policy.
        around: Sections between it and the section that was asked about, the outermost first.
    """

    name: str
    item: Item
    around: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Unlang:
    """
    Reads sections.

    Attributes:
        policies: Sections that can be called by their names, or by the part before the kind of list that they are for, as
            `mine` calls ``mine.post-auth``.
        atoms: Names of policies that are not looked into.
        always_ok: Names of modules that return ok without having asked for anything.
        kind: Which list of a virtual server is read, such as ``authorize``.
    """

    policies: dict[str, Section]
    atoms: frozenset[str]
    always_ok: frozenset[str] = frozenset()
    kind: str = ""

    def within(self, kind: str) -> "Unlang":
        """Return what reads the sections of one list of a virtual server."""
        return replace(self, kind=kind)

    def body(self, item: Item, depth: int = 0) -> Section | None:
        """Return the policy that an item calls, unless it is not to be looked into."""
        if depth > _DEEPEST or is_assignment(item):
            return None
        name = read_called(item)
        if name in self.atoms:
            return None
        policy = self.policies.get(f"{name}.{self.kind}") or self.policies.get(name)
        # What a policy calls by its own name is the module.
        return None if policy and _holds(policy, item) else policy

    def calls(self, items: Sequence[Item], around: tuple[Section, ...] = ()) -> Iterator[Call]:
        """Yield everything that is called, in the order of the text; policies of the site are looked into."""
        for item in items:
            if is_assignment(item) or is_list(item) or _never_true(item):
                continue
            body = self.body(item, len(around))
            if body is not None:
                actions = (item,) if isinstance(item, Section) else ()
                yield from self.calls(body.items, (*around, *actions, body))
            elif isinstance(item, Section) and is_block(item):
                yield from self.calls(item.items, (*around, item))
            elif not (isinstance(item, Section) and item.kind in _DATA):
                yield Call(read_called(item), item, around)

    def list_updates(self, items: Sequence[Item], depth: int = 0) -> Iterator[tuple[Section, Statement]]:
        """Yield every assignment to an attribute, with the ``update`` section around it."""
        for item in items:
            if is_list(item) or _never_true(item):
                continue
            section = self.body(item, depth) or item
            if not isinstance(section, Section):
                continue
            if section.kind == "update":
                assigned = (entry for entry in section.items if isinstance(entry, Statement))
                yield from ((section, entry) for entry in assigned)
            else:
                yield from self.list_updates(section.items, depth + 1)

    def find_reach(self, items: Sequence[Item], name: str, depth: int = 0) -> Reach:
        """Tell whether a name is called by a section that is run to its end."""
        found = Reach.NEVER
        for branches in split_chains(items):
            one = self._find_reach_of(branches, name, depth)
            if one is Reach.ALWAYS:
                return one
            found = max(found, one, key=lambda reach: reach.value)
            if len(branches) == 1 and read_called(branches[0]) in ENDS and not is_assignment(branches[0]):
                break
        return found

    def _find_reach_of(self, branches: Sequence[Item], name: str, depth: int) -> Reach:
        item = branches[0]
        if is_assignment(item) or is_list(item):
            return Reach.NEVER
        if read_called(item) == name:
            return Reach.ALWAYS
        body = self.body(item, depth)
        if body is not None:
            if is_block(body):
                return self._find_reach_of_block(body, name, depth + 1)
            return self.find_reach(body.items, name, depth + 1)
        if isinstance(item, Section) and item.kind == "if":
            return self._find_reach_of_choice(branches, name, depth)
        return self._find_reach_of_block(item, name, depth) if isinstance(item, Section) else Reach.NEVER

    def _find_reach_of_block(self, block: Section, name: str, depth: int) -> Reach:
        inside = [self.find_reach([part], name, depth + 1) for part in block.items if not is_assignment(part)]
        match block.kind:
            case "redundant" if inside and inside[0] is Reach.ALWAYS:
                return Reach.ALWAYS
            case "redundant" | "foreach":
                return _combine_all(inside, complete=False)
            case "load-balance" | "redundant-load-balance":
                return _combine_all(inside, complete=True)
            case "switch":
                default = any(case.kind == "case" and not case.name for case in block.sections)
                return _combine_all(inside, complete=default)
        return self.find_reach(block.items, name, depth + 1) if is_block(block) else Reach.NEVER

    def _find_reach_of_choice(self, branches: Sequence[Item], name: str, depth: int) -> Reach:
        reaches, complete = [], False
        for branch in branches:
            assert isinstance(branch, Section)
            if _never_true(branch):
                continue
            reaches.append(self.find_reach(branch.items, name, depth + 1))
            if branch.kind == "else" or _is_constant(branch.name, "1", "true"):
                complete = True
                break
        return _combine_all(reaches, complete=complete)


def list_all_calls(server: Section, unlang: Unlang) -> Iterator[tuple[str, Call]]:
    """Yield all calls of a virtual server, each with the list that it is in: ``post-auth, Post-Auth-Type REJECT``."""
    for section in server.sections:
        if section.kind in _SERVER_LISTS:
            yield from _list_calls(section, section.kind, unlang.within(section.kind))


def _list_calls(section: Section, kind: str, unlang: Unlang) -> Iterator[tuple[str, Call]]:
    for call in unlang.calls(section.items):
        yield kind, call
    for part in section.sections:
        if is_list(part):
            yield from _list_calls(part, f"{kind}, {part.kind} {part.name}", unlang)


def split_chains(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Yield each item in a list of its own, and an ``if`` together with its ``elsif`` and ``else``."""
    waiting: list[Item] = []
    for item in items:
        if waiting and isinstance(item, Section) and item.kind in ("elsif", "else"):
            waiting.append(item)
            continue
        if waiting:
            yield waiting
        waiting = [item] if isinstance(item, Section) and item.kind == "if" else []
        if not waiting:
            yield [item]
    if waiting:
        yield waiting


def read_called(item: Item) -> str:
    """Return what an item calls: the word by itself, or the word before ``{ ok = return }``."""
    return item.name if isinstance(item, Statement) else item.kind


def is_assignment(item: Item) -> bool:
    """Tell whether it is ``name = value``: in a section of modules, this says what follows from a return code."""
    return isinstance(item, Statement) and bool(item.operator)


def is_list(item: Item) -> bool:
    """Tell whether it is a section that is run at another time."""
    return isinstance(item, Section) and item.kind in LISTS


def is_block(section: Section) -> bool:
    """Tell whether a section holds calls; otherwise it is a module, with actions for its return codes."""
    return section.kind in _BLOCKS


def list_actions(section: Section) -> list[Statement]:
    """Return the assignments that say what follows from return codes; `default` stands for all that nothing is said about."""
    return [
        item
        for item in section.items
        if isinstance(item, Statement)
        and item.operator
        and item.name.casefold() in (*RETURN_CODES, "default")
    ]


def find_action(section: Section, code: str) -> Statement | None:
    """Return the assignment that says what follows from a return code, if there is one."""
    said = {action.name.casefold(): action for action in list_actions(section)}
    # Nothing is left to `default` of a module: all its codes have a meaning before.
    return said.get(code) or (said.get("default") if is_block(section) else None)


def is_return(action: Statement | None) -> bool:
    """Tell whether an action ends the list that it is in."""
    return action is not None and action.value.casefold() in ("return", "break")


def find_return(call: Call) -> tuple[str, Statement] | None:
    """
    Return what ends the list that was asked about although a module has not failed, such as ``ok = return``.

    Returns:
        The name of the module or block, and the action; None if there is none, or if it ends a block at most.
    """
    outermost = call.around[0] if call.around else call.item
    if not isinstance(outermost, Section):
        return None
    actions = (find_action(outermost, code) for code in _GOING_ON)
    return next(((outermost.kind, action) for action in actions if action and is_return(action)), None)


def _holds(section: Section, item: Item) -> bool:
    return any(
        inner is item or (isinstance(inner, Section) and _holds(inner, item)) for inner in section.items
    )


def _combine_all(reaches: list[Reach], *, complete: bool) -> Reach:
    if reaches and complete and all(reach is Reach.ALWAYS for reach in reaches):
        return Reach.ALWAYS
    return Reach.SOMETIMES if any(reach is not Reach.NEVER for reach in reaches) else Reach.NEVER


def _never_true(item: Item) -> bool:
    return (
        isinstance(item, Section) and item.kind in ("if", "elsif") and _is_constant(item.name, "0", "false")
    )


def _is_constant(condition: str, *constants: str) -> bool:
    return re.sub(r"[()\s]", "", condition) in constants
