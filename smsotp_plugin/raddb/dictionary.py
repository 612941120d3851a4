"""Our attributes in the local dictionary, under numbers that nothing else uses."""

import re
from dataclasses import dataclass
from pathlib import Path

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.tree import read_file

#: Name and type; none of them ever goes into a packet.
ATTRIBUTES = (
    ("SMSOTP-Phone", "string"),
    ("SMSOTP-Result", "string"),
    ("SMSOTP-Client-Address", "string"),
    ("SMSOTP-Gateway", "string"),
    ("SMSOTP-Language", "string"),
    ("SMSOTP-Notify", "string"),
    ("SMSOTP-Site", "string"),
    ("SMSOTP-Code", "string"),
    ("SMSOTP-Refusal", "string"),
)

#: FreeRADIUS leaves these numbers to the administrator.
_LOCAL_NUMBERS = range(3000, 4000)
#: Where we begin to look: administrators tend to use the first hundreds, as examples do.
_FIRST = 3400

_ATTRIBUTE = re.compile(r"^\s*ATTRIBUTE\s+(\S+)\s+(\d+|0x[0-9A-Fa-f]+)\s+(\w+)", re.MULTILINE | re.IGNORECASE)
_INCLUDE = re.compile(r"^\s*\$INCLUDE-?\s+(\S+)", re.MULTILINE | re.IGNORECASE)

_HEADING = """\
#
#	Attributes of smsotp: they stay inside the server.
#
"""
#: In front of the heading if there was no file at all.
_MADE = "#	This file was made for smsotp.\n"
#: What we have added. An empty line before it is ours too, and so is a line break that the last line did not have.
_BLOCK = re.compile(
    rf"(?:(?<=\n)\n|(?P<end>\n))?{re.escape(_HEADING)}(?P<lines>(?:ATTRIBUTE[ \t]+SMSOTP-[^\n]*\n)*)"
)


@dataclass(frozen=True, slots=True)
class _Known:
    names: dict[str, str]
    numbers: set[int]


def extend_dictionary(path: Path, text: str | None) -> str:
    """
    Return the text of the local dictionary with our attributes in it; unchanged if they are in it already.

    Args:
        path: ``dictionary`` in the raddb.
        text: What it holds; None if it does not exist.

    Raises:
        ConfigError: One of our names is in it with another type, or no number is free.
    """
    known = _read_known(path, text or "", set())
    wrong = [
        f"{path}: the attribute {name} exists with the type {known.names[name.casefold()]}; it must be {kind}"
        for name, kind in ATTRIBUTES
        if known.names.get(name.casefold(), kind) != kind
    ]
    missing = [(name, kind) for name, kind in ATTRIBUTES if name.casefold() not in known.names]
    free = sorted(set(_LOCAL_NUMBERS) - known.numbers, key=lambda number: (number < _FIRST, number))
    if len(free) < len(missing):
        wrong.append(f"{path}: no number from 3000 to 3999 is free for our attributes")
    if wrong:
        raise ConfigError(wrong)
    lines = "".join(
        f"ATTRIBUTE\t{name:<24}{number}\t{kind}\n"
        for (name, kind), number in zip(missing, free, strict=False)
    )
    return _with_lines(text, lines) if missing else text or ""


def reduce_dictionary(text: str) -> str | None:
    """
    Return a dictionary as it was before `extend_dictionary`; None if there was none.

    What others have written stays, even below our lines.
    """
    rest = _BLOCK.sub(lambda block: block["end"] or "" if block.end() < len(text) else "", text)
    return None if rest == _MADE else rest


def empty_dictionary(text: str) -> str:
    """Return a dictionary with empty lines in the place of ours."""
    return _BLOCK.sub(lambda block: "\n" * block[0].count("\n"), text)


def list_added_attributes(text: str) -> list[str]:
    """Return the names of the attributes that `reduce_dictionary` takes out."""
    return [name for block in _BLOCK.finditer(text) for name, _, _ in _ATTRIBUTE.findall(block["lines"])]


def _with_lines(text: str | None, lines: str) -> str:
    blocks = [*_BLOCK.finditer(text or "")]
    if text is None:
        return _MADE + "\n" + _HEADING + lines
    if blocks:
        # An earlier version had fewer.
        end = blocks[-1].end()
        return text[:end] + lines + text[end:]
    return text + ("\n" if text else "") + _HEADING + lines


def _read_known(path: Path, text: str, seen: set[Path]) -> _Known:
    """Return what a dictionary and those that it includes define."""
    names = {name.casefold(): kind.casefold() for name, _, kind in _ATTRIBUTE.findall(text)}
    numbers = {
        int(number, 16 if number[:2].lower() == "0x" else 10) for _, number, _ in _ATTRIBUTE.findall(text)
    }
    for name in _INCLUDE.findall(text):
        included = path.parent / name
        if included not in seen and included.is_file():
            seen.add(included)
            more = _read_known(included, read_file(included), seen)
            names |= more.names
            numbers |= more.numbers
    return _Known(names, numbers)
