"""Imports point down: what may import what."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import smsotp_mocks
import smsotp_plugin

PLUGIN, MOCKS = (Path(str(package.__file__)).parent for package in (smsotp_plugin, smsotp_mocks))

#: From the doors down; a package stands for everything in it. A new module has to be given its place here.
LAYERS = {
    "doors": ("freeradius", "cli", "commands.*"),
    "assembly": ("assembly", "radius_legs", "raddb.*"),
    "flow": ("login", "resend", "notify", "code_sender", "decisions", "housekeeping"),
    "dispatch": ("dispatch.*",),
    "stores": ("stores.*", "store_key"),
    "settings": ("settings.*",),
    "providers": ("providers.*", "http_*", "smpp_*", "smtp_servers"),
    "means": (
        *("wire.*", "onetime", "sms_text", "gsm0338", "template", "phone", "message"),
        *("setting_types", "radius_attributes", "freeradius_host", "log"),
    ),
    "ground": ("clock", "errors"),
}
DEPTH = {name: depth for depth, name in enumerate(LAYERS)}


def sources(package: Path) -> dict[str, Path]:
    """Return the modules of a package by their dotted names, without the package's own."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        names[".".join(part for part in parts if part != "__init__")] = path
    return names


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted name of all that a module imports, wherever it does so."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = sources(PLUGIN)


def own(name: str) -> str | None:
    """Return which of the plugin's modules an imported name stands for, or None."""
    package, _, inner = name.partition(".")
    if package != "smsotp_plugin":
        return None
    while inner not in MODULES:
        inner = inner.rpartition(".")[0]
    return inner


GRAPH = {
    module: {target for name in imported(path) if (target := own(name))} for module, path in MODULES.items()
}
USED = {module: {name.partition(".")[0] for name in imported(path)} for module, path in MODULES.items()}


def layer(module: str) -> str:
    """Return the name of a module's layer; the pattern that is written out wins over one with a star."""
    named = [
        (pattern.count("*"), name)
        for name, patterns in LAYERS.items()
        for pattern in patterns
        if fnmatchcase(module, pattern) or fnmatchcase(f"{module}.", pattern)
    ]
    assert named, f"{module} is in none of the layers of {Path(__file__).name}"
    return min(named)[1]


def reachable(module: str) -> set[str]:
    """Return everything that is loaded with a module."""
    seen, waiting = set[str](), [module]
    while waiting:
        if (here := waiting.pop()) not in seen:
            seen.add(here)
            waiting.extend(GRAPH[here])
    return seen


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_a_module_imports_from_its_own_layer_and_those_below(module: str) -> None:
    upwards = {target for target in GRAPH[module] if target and DEPTH[layer(target)] < DEPTH[layer(module)]}

    assert upwards == set()


def test_no_module_needs_itself() -> None:
    TopologicalSorter(GRAPH).prepare()


def test_only_the_door_knows_freeradius() -> None:
    assert [module for module, names in USED.items() if "radiusd" in names] == ["freeradius"]


def test_only_the_clock_asks_for_the_time() -> None:
    assert [module for module, names in USED.items() if "time" in names] == ["clock"]


def test_the_errors_import_nothing() -> None:
    assert USED["errors"] == set()


def test_the_server_loads_nothing_of_the_command() -> None:
    loaded = reachable("freeradius")

    assert loaded & {"cli", "commands", "raddb"} == set()
    assert [module for module in loaded if {"typer", "rich"} & USED[module]] == []


def test_plugin_and_mocks_do_not_know_each_other() -> None:
    assert [module for module, names in USED.items() if {"smsotp_mocks", "smsotp_conformance"} & names] == []
    assert [
        path
        for path in sources(MOCKS).values()
        if any(name.startswith(("smsotp_plugin", "smsotp_conformance")) for name in imported(path))
    ] == []
