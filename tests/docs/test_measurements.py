"""The page of measurements and the programs of `bench/`."""

import ast
from pathlib import Path

from tests.support.markdown import ROOT, blocks

#: Processes of their own that a measurement starts.
PEER = "peer_"
MODULES = {path.stem: path for path in (ROOT / "bench").glob("*.py")}
PROGRAMS = {
    name for name, path in MODULES.items() if "__name__ ==" in path.read_text() and not name.startswith(PEER)
}


def test_the_page_shows_how_to_run_each_program() -> None:
    page = ROOT / "docs/measurements.md"
    shown = "\n".join(block.text for block in blocks("sh", pages=[page]))

    # test_pages.py has each of them read its arguments.
    assert {name for name in PROGRAMS if f"bench/{name}.py" not in shown} == set()


def test_what_two_programs_need_is_in_a_module_that_is_none() -> None:
    assert PROGRAMS
    assert {
        (name, imported)
        for name, path in MODULES.items()
        for imported in _imported(path)
        if imported in PROGRAMS
    } == set()


def _imported(path: Path) -> set[str]:
    return {
        node.module
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    }
