"""Every row of the page about security is held by tests that exist, or says why it cannot be."""

import re
from functools import cache

import pytest

from tests.support.markdown import ROOT

PAGE = ROOT / "docs/security.md"
_ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)
_TEST = re.compile(r"`(test_\w+)`")
#: What the standard's rows may say of themselves.
MET = {"by default", "by setting", "not"}


def rows(columns: int) -> list[list[str]]:
    """Return the cells of each row of the tables with so many columns, without their heads."""
    table = [[cell.strip() for cell in row.split("|")] for row in _ROW.findall(PAGE.read_text())]
    return [
        cells for cells in table if len(cells) == columns and "tests" not in cells and set(cells[0]) != {"-"}
    ]


@cache
def names_of_tests() -> frozenset[str]:
    return frozenset(
        name
        for path in ROOT.glob("tests/**/*.py")
        for name in re.findall(r"^ *def (test_\w+)\(", path.read_text(), re.MULTILINE)
    )


def test_there_are_rows() -> None:
    assert len(rows(5)) > 35


@pytest.mark.parametrize("row", rows(5), ids=lambda row: f"{row[0]}, {row[1]}"[:60])
def test_every_row_names_tests_that_exist_or_says_why_there_is_none(row: list[str]) -> None:
    named = _TEST.findall(row[-1])

    assert [name for name in named if name not in names_of_tests()] == []
    assert named or re.fullmatch(r"none: \w.+", row[-1])
    assert not re.sub(_TEST, "", row[-1]).strip() or not named


def test_every_row_of_the_standard_says_whether_it_is_met() -> None:
    of_the_standard = [row for row in rows(5) if re.match(r"3\.", row[0])]

    assert len(of_the_standard) > 15
    assert {row[2] for row in of_the_standard} <= MET


def test_no_row_was_lost_to_its_form() -> None:
    text = PAGE.read_text()

    # Two tables, each with a head and the line below it.
    assert len(_ROW.findall(text)) == len(rows(5)) + 4


def test_the_page_of_mails_says_what_the_standard_forbids() -> None:
    page = " ".join((ROOT / "docs/providers-smtp.md").read_text().split())

    assert "NIST SP 800-63B-4" in page
    assert "SHALL NOT be used for out-of-band authentication" in page
