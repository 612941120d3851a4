"""One word, one thing: a class of each package has a name that no other class of it has."""

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What a peer answered, in HTTP, SMTP or RADIUS: each protocol has its own.
SAME_THING = {"Answer"}


def list_classes(package: Path) -> Counter[str]:
    return Counter(
        node.name
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )


@pytest.mark.parametrize("package", ["smsotp_plugin", "mocks/smsotp_mocks", "bench"])
def test_no_two_classes_of_a_package_are_called_the_same(package: str) -> None:
    twice = {name for name, count in list_classes(ROOT / package).items() if count > 1}

    assert twice - SAME_THING == set()
