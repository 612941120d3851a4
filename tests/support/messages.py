"""Everything that the program can say: the texts in its source, with gaps where something is filled in."""

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.markdown import ROOT

#: Several in a row count as one: otherwise a quotation could be cut there anywhere.
_PLACEHOLDER = re.compile(r"(?:%(?:\.\d+)?[sdrfgx]|\{[\w.!:,]*\}|\$?%\{[^{}]*\})+")
_UNLANG_TEXT = re.compile(r"'([^'\n]+)'|\"([^\"\n]+)\"")
_LETTERS = re.compile(r"[A-Za-z]{2}")
#: What may stand for something filled in: one word, or something in quotes or brackets.
_VALUE = re.compile(r"\S+|[\"'(].*[\"')]|")


@dataclass(frozen=True, slots=True)
class Message:
    """
    One text of the source.

    Attributes:
        pieces: The parts that are always the same; something is filled in between two of them.
    """

    pieces: tuple[str, ...]

    @property
    def begins(self) -> Iterator[tuple[int, int]]:
        """Yield where a quotation of the text may begin: a piece, and the beginning of the piece or of a word in it."""
        for index, piece in enumerate(self.pieces):
            for found in re.finditer(r"^|(?<!\w)(?=\w)", piece):
                yield index, found.start()


@cache
def says(quotation: str, *, depth: int = 2) -> bool:
    """
    Return whether the program can say this, as a part of one text.

    What is filled in may be a text of the program itself, such as the reason at the end of a log line.
    """
    starts = _starts()
    some = starts.get(quotation[:2], ()) if len(quotation) > 1 else itertools.chain(*starts.values())
    return any(_goes_on(quotation, message, index, start, depth) for message, index, start in some) or any(
        len(message.pieces) > 1
        and len(message.pieces[1]) > 1
        and message.pieces[1][:12] in quotation
        and _after_a_value(quotation, message, depth)
        for message in messages()
        if not message.pieces[0]
    )


@cache
def _starts() -> dict[str, list[tuple[Message, int, int]]]:
    """Return where a quotation may begin, by its first two characters."""
    found: dict[str, list[tuple[Message, int, int]]] = {}
    for message in messages():
        for index, start in message.begins:
            tail = message.pieces[index][start:]
            if _LETTERS.search(tail):
                found.setdefault(tail[:2], []).append((message, index, start))
    return found


def _after_a_value(quotation: str, message: Message, depth: int) -> bool:
    return any(
        _fits(quotation[:end], 0) and _goes_on(quotation[end:], message, 1, 0, depth)
        for end in _ends(quotation, message.pieces[1])
    )


def _goes_on(rest: str, message: Message, index: int, start: int, depth: int) -> bool:
    piece = message.pieces[index][start:]
    if len(rest) <= len(piece):
        return piece.startswith(rest)
    if not rest.startswith(piece):
        return False
    rest = rest[len(piece) :]
    if index + 1 == len(message.pieces):
        return False
    ends = [len(rest), *(_ends(rest, message.pieces[index + 1]))]
    return any(
        _fits(rest[:end], depth) and (end == len(rest) or _goes_on(rest[end:], message, index + 1, 0, depth))
        for end in ends
    )


def _ends(rest: str, piece: str) -> Iterator[int]:
    for position in range(len(rest)):
        tail = rest[position:]
        if tail.startswith(piece) or (piece and piece.startswith(tail)):
            yield position


def _fits(value: str, depth: int) -> bool:
    return bool(_VALUE.fullmatch(value)) or (depth > 0 and says(value, depth=depth - 1))


@cache
def messages() -> tuple[Message, ...]:
    """Return all texts of the plugin: of its Python, and of the policies that it installs."""
    found = {pieces for path in ROOT.glob("smsotp_plugin/**/*.py") for pieces in _of_python(path)}
    found |= {pieces for path in ROOT.glob("smsotp_plugin/raddb/templates/*") for pieces in _of_unlang(path)}
    return tuple(Message(pieces) for pieces in found if any(map(_LETTERS.search, pieces)))


def _of_python(path: Path) -> Iterator[tuple[str, ...]]:
    tree = ast.parse(path.read_text())
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant() if node in docstrings:
                pass
            case ast.JoinedStr(values=values):
                parts = [value.value if isinstance(value, ast.Constant) else "%s" for value in values]
                yield _pieces("".join(map(str, parts)))
            case ast.Constant(value=str(text)):
                yield _pieces(text)


def _of_unlang(path: Path) -> Iterator[tuple[str, ...]]:
    for single, double in _UNLANG_TEXT.findall(path.read_text()):
        yield _pieces(single or double)


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(_PLACEHOLDER.split(text))
