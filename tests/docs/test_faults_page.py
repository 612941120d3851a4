"""Each row of the page of faults names a test that is there."""

import ast
import re

import pytest

from tests.support.markdown import ROOT

PAGE = ROOT / "docs/faults.md"
HEAD = ["fault", "the person sees", "the log says", "lost", "test"]


def rows() -> list[list[str]]:
    """Return the cells of each row of each table, the heads left out."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return [row for row in cells if row[0] not in ("fault", "---")]


def functions(path: str) -> set[str]:
    """Return the names of all functions in a file of the project."""
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_page_has_tables() -> None:
    assert len(rows()) > 20
    assert f"| {' | '.join(HEAD)} |" in PAGE.read_text()


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_each_fault_names_its_tests(row: list[str]) -> None:
    assert len(row) == len(HEAD)
    named = re.findall(r"`(\S+)::(\w+)`", row[-1])

    assert named
    assert re.sub(r"`\S+`", "", row[-1]).strip() == ""
    assert [name for path, name in named if name not in functions(path)] == []


def test_each_fault_of_the_machine_is_on_the_page() -> None:
    path = "tests/e2e/test_machine_trouble.py"
    tests = {name for name in functions(path) if name.startswith("test_")}

    assert [name for name in tests if f"`{path}::{name}`" not in PAGE.read_text()] == []
