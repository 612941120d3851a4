"""What the provider of a third party may rely on: the names of one module, all of them on the page about it."""

import ast
import re
from pathlib import Path

import pytest

import smsotp_conformance
from smsotp_plugin import api

PAGE = (Path(__file__).parents[2] / "docs" / "adding-a-provider.md").read_text()
EXAMPLES = dict(re.findall(r"^`(\w+\.py)`\n\n```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
CONFORMANCE = {path.name: path.read_text() for path in Path(smsotp_conformance.__path__[0]).glob("*.py")}


def imported(source: str) -> set[str]:
    """Return the modules of the plugin that a source imports."""
    names = set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
    return {name for name in names if name.partition(".")[0] == "smsotp_plugin"}


def test_the_page_has_every_public_name_and_no_other() -> None:
    rows = re.findall(r"^\| [^|]+ \| ((?:`\w+` ?)+)\|$", PAGE, re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`(\w+)`", row)]

    assert sorted(names) == sorted(api.__all__)


def test_every_error_of_an_attempt_is_public() -> None:
    kinds, waiting = set[str](), [api.DeliveryError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__ == "smsotp_plugin.errors":
            kinds.add(kind.__name__)

    assert kinds <= set(api.__all__)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_provider_of_somebody_else_imports_only_the_public_names(name: str) -> None:
    assert imported(EXAMPLES[name]) <= {"smsotp_plugin.api"}


@pytest.mark.parametrize("name", CONFORMANCE)
def test_the_conformance_tests_import_only_the_public_names(name: str) -> None:
    assert imported(CONFORMANCE[name]) <= {"smsotp_plugin.api"}


def test_all_examples_are_read() -> None:
    assert list(EXAMPLES) == [
        *("smsotp_telegraph.py", "test_telegraph.py", "smsotp_acme.py"),
        "test_telegraph_contract.py",
    ]
