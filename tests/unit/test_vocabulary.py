"""One word, one thing: a class of each package, a private one too, has a name that no other class of it has."""

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: The same thing in each protocol (HTTP, SMTP, SMPP, RADIUS), or in each kind of load.
SAME_THING = {"Answer", "Closed", "Login", "Reply", "Run"}


def list_classes(package: Path) -> Counter[str]:
    """Count the names of all classes, those of private ones without the underscore."""
    return Counter(
        node.name.lstrip("_")
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )


@pytest.mark.parametrize("package", ["smsotp_plugin", "mocks/smsotp_mocks", "bench"])
def test_no_two_classes_of_a_package_are_called_the_same(package: str) -> None:
    twice = {name for name, count in list_classes(ROOT / package).items() if count > 1}

    assert twice - SAME_THING == set()
