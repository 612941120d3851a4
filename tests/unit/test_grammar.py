"""Whatever is counted for people reads right for none, one and more."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_plugin.grammar import agree

ROOT = Path(__file__).parents[2]
_PLURAL = re.compile(
    r" (?:different |further |more |wrong |waiting |unanswered |unknown |stray |first |free |the )*"
    r"(?:attempts|bytes|challenges|characters|codes|copies|days|digits|directories|errors|failures|files|gateways|guesses|headers"
    r"|hours|keys|lines|log-ins|messages|minutes|months|numbers|octets|parts|people|places|problems|processes|requests|routes|rules"
    r"|seconds|segments|servers|settings|stations|threads|times|tries|users|warnings|weeks|words|workers|years)\b"
)
#: A number that is written once for all: a constant, or one computed from constants.
_FIXED = re.compile(r"[A-Z_\d /*+.-]+|(?:\w+\.)+[A-Z_\d]+")
#: Numbers that are never 1, by the text that stands for them, and why.
MORE = {
    "self.codes": "a code has at least 4 characters, of at least 2",
    "otp.codes": "the same",
    "len(otp.alphabet) ** otp.length": "the same",
    "codes": "the same",
    "SHORTEST_KEY": "a constant",
    "longest": "of each field of SMPP, and more than 1",
    "room": "the same",
    "times": "only asked where there are more than 1",
    "each.deaths": "only said from the second one",
    "len(keys)": "only said where there are too many",
    "len(filled)": "the characters of a text that is longer than one SMS",
    "len(value)": "only said where there are more than 1",
    "count": "only said where there are none or more than 1",
    "len(payload)": "only said where they are too many for an SMS",
    "len(address)": "only said where they are too many for a name",
    "finding.unanswered": "at least as many as `shares.FLOOR`",
    "kind": "of numbers, and no number itself",
    "most": "the size of each field of SMPP, and more than 1",
}


def joined(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield where something that is filled in stands before a noun in the plural: the line, the thing, the noun."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    calls = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "agree"]
    agreed = {argument for call in calls for argument in call.args}
    for node in nodes:
        if node in agreed:
            continue
        if isinstance(node, ast.JoinedStr):
            for thing, words in zip(node.values, node.values[1:], strict=False):
                if isinstance(thing, ast.FormattedValue) and isinstance(words, ast.Constant):
                    noun = _PLURAL.match(str(words.value))
                    if noun:
                        yield node.lineno, ast.unparse(thing.value), noun[0]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            for noun in re.finditer(r"(%\S*[dgs])(" + _PLURAL.pattern + ")", node.value):
                yield node.lineno, noun[1], noun[2]


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 lines"), (1, "1 line"), (2, "2 lines"), (1.0, "1.0 line"), (0.5, "0.5 lines")]
)
def test_a_noun_agrees_with_its_number(number: float, said: str) -> None:
    assert f"{number} {agree(number, 'line')}" == said


@pytest.mark.parametrize(("number", "said"), [(0, "tries are"), (1, "try is"), (2, "tries are")])
def test_so_does_a_verb(number: int, said: str) -> None:
    assert agree(number, "try is", "tries are") == said


@pytest.mark.parametrize("package", ["smsotp_plugin", "mocks/smsotp_mocks"])
def test_no_number_that_may_be_one_stands_before_a_plural(package: str) -> None:
    wrong = [
        (path.name, *found)
        for path in sorted((ROOT / package).rglob("*.py"))
        for found in joined(path)
        if found[1] not in MORE and not _FIXED.fullmatch(found[1])
    ]

    assert wrong == []


def test_neither_does_one_on_the_page() -> None:
    scripts = (ROOT / "mocks/smsotp_mocks/page/static").glob("*.js")

    assert [re.findall(r"\$\{[^{}]*\}" + _PLURAL.pattern, path.read_text()) for path in scripts] == [[]] * 7
