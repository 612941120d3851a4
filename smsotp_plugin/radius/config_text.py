"""
Reading FreeRADIUS's configuration language: ``name = value``, ``kind name {``, ``}``, and bare words.

Read as FreeRADIUS 3 does: line by line, a backslash at the end joins the next one, a line may hold several
statements, a comment begins where a word could. Files that a file includes are not followed (see
`radius.config_tree`), and conditions are sections like any other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_SPACE = re.compile(r"[\s,]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'')
_OPERATOR = re.compile(r"\s*(:=|\+=|-=|==|=~|!=|!~|<=|>=|=\*|!\*|=|<|>)\s*")
_WORD = re.compile(r"""[^\s{}=,"'](?:(?![:+!<>-]?=|=[~*]|![~*])[^\s{},<>])*""")
_BARE_VALUE = re.compile(r"[^\s,]+")
_REST = re.compile(r"(\S+)")
#: Quoted text, a regular expression after its operator, or an expansion: brackets inside these do not count.
_OPAQUE = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[=!]~\s*/(?:[^/\\]|\\.)*/|[%$]\{[^{}]*\}')
_VARIABLE = re.compile(r"\$\{([\w.-]+)\}")

_INCLUDES = ("$include", "$-include", "$template")


@dataclass(frozen=True, slots=True)
class Statement:
    """
    A word by itself, or an assignment.

    Attributes:
        name: The word, or what is assigned to.
        operator: Such as ``:=``; empty for a word by itself.
        value: Empty for a word by itself.
        file: The file that it is in; None for text that is not from a file.
        line: Of that file, from 1.
    """

    name: str
    operator: str
    value: str
    file: Path | None
    line: int


@dataclass(slots=True, eq=False)
class Section:
    """
    One ``kind name { ... }``, or a whole file.

    Attributes:
        kind: First word, empty for a file.
        name: What is between the first word and the bracket: a name or a condition; empty if nothing is.
        file: Where it begins; None for text that is not from a file.
        line: Of that file, from 1.
        end: Line of its closing bracket, 0 while it has none.
        items: What is directly in it, in order.
    """

    kind: str = ""
    name: str = ""
    file: Path | None = None
    line: int = 0
    end: int = 0
    items: "list[Statement | Section]" = field(default_factory=list)

    @property
    def values(self) -> dict[str, str]:
        """What is assigned directly in it; the first of several counts, as for the server."""
        pairs = (item for item in reversed(self.items) if isinstance(item, Statement) and item.operator)
        return {pair.name: pair.value for pair in pairs}

    @property
    def sections(self) -> "list[Section]":
        """Those directly in it, in order."""
        return [item for item in self.items if isinstance(item, Section)]

    def find(self, kind: str) -> Iterator["Section"]:
        """Yield all sections of a kind, at any depth."""
        for section in self.sections:
            if section.kind == kind:
                yield section
            yield from section.find(kind)


def read_text(text: str, file: Path | None = None) -> Section:
    """
    Read configuration text; what makes no sense is skipped.

    Args:
        text: The text of a whole file.
        file: The file, for messages that say where something is.
    """
    top = Section(file=file)
    stack = [top]
    for line, statement in _join_lines(text):
        _read_line(statement, stack, line)
    return top


def expand(value: str, variables: dict[str, str]) -> str:
    """Put variables of the same file into a value; unknown ones stay as they are."""
    for _ in range(10):
        expanded = _VARIABLE.sub(lambda match: variables.get(match[1], match[0]), value)
        if expanded == value:
            break
        value = expanded
    return value


def _join_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with their numbers, continued ones joined under the number of the first."""
    begun, first = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")  # noqa: PLW2901  (the line without its end is the line)
        if not begun and line.lstrip().startswith("#"):
            continue
        first = first or number
        if line.endswith("\\"):
            begun += line[:-1]
            continue
        yield first, begun + line
        begun, first = "", 0
    if begun:
        yield first, begun


def _read_line(text: str, stack: list[Section], line: int) -> None:
    place = 0
    while (place := _end_of(_SPACE, text, place)) < len(text) and text[place] != "#":
        if text[place] == "}":
            if len(stack) > 1:
                stack.pop().end = line
            place += 1
        else:
            place = _read_item(text, place, stack, line)


def _read_item(text: str, place: int, stack: list[Section], line: int) -> int:
    """Read one statement or the head of one section; return where the next one may begin."""
    file = stack[0].file
    word, after = _read_word(text, place)
    if not word or text.startswith("%{", place):
        stack[-1].items.append(Statement(text[place:].strip(), "", "", file, line))
        return len(text)
    if word.casefold() in _INCLUDES:
        target = _REST.search(text, after)
        stack[-1].items.append(Statement(word, "=", target[1].strip("\"'") if target else "", file, line))
        return len(text)
    if word not in ("if", "elsif") and (operator := _OPERATOR.match(text, after)):
        value, after = _read_value(text, operator.end())
        stack[-1].items.append(Statement(word, operator[1], value, file, line))
        return after
    head = _find_head(text, after)
    if head is None:
        stack[-1].items.append(Statement(word, "", "", file, line))
        return len(text) if re.match(r"\s*[^\s,#}]", text[after:]) else after
    section = Section(word, _unquote(text[after:head].strip()), file, line)
    stack[-1].items.append(section)
    stack.append(section)
    return head + 1


def _read_word(text: str, place: int) -> tuple[str, int]:
    if quoted := _QUOTED.match(text, place):
        return quoted[1] or quoted[2] or "", quoted.end()
    found = _WORD.match(text, place)
    return (found[0], found.end()) if found else ("", place)


def _read_value(text: str, place: int) -> tuple[str, int]:
    if quoted := _QUOTED.match(text, place):
        return quoted[1] if quoted[1] is not None else quoted[2], quoted.end()
    found = _BARE_VALUE.match(text, place)
    return (found[0], found.end()) if found and found[0] != "#" else ("", place)


def _find_head(text: str, place: int) -> int | None:
    """Return the position of the bracket that opens the section which a line begins, or None."""
    depth = 0
    while place < len(text):
        if opaque := _OPAQUE.match(text, place):
            place = opaque.end()
            continue
        if not depth and text[place] in "#},":
            return None
        if not depth and text[place] == "{":
            return place
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        place += 1
    return None


def _unquote(name: str) -> str:
    quoted = _QUOTED.fullmatch(name)
    return quoted[1] or quoted[2] or "" if quoted else name


def _end_of(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place
