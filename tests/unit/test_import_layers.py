"""Imports point down: what may import what."""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import smsotp_mocks
import smsotp_plugin

PLUGIN, MOCKS = (Path(str(package.__file__)).parent for package in (smsotp_plugin, smsotp_mocks))

#: From the doors down: modules and folders at the top of the package. A folder is in one layer with all that is in it.
LAYERS = {
    "doors": ("freeradius", "cli", "commands", "worker", "__main__"),
    "installation": ("raddb",),
    "assembly": ("assembly",),
    "server": ("radius",),
    "flow": ("login",),
    "dispatch": ("dispatch",),
    "settings": ("settings",),
    "stores": ("stores",),
    "public": ("api",),
    "providers": ("providers",),
    "codes": ("codes",),
    "fields": ("fields",),
    "message": ("sms",),
    "wire": ("wire",),
    "ground": ("clock", "errors", "grammar", "log", "news", "plain_file", "rounds", "threads"),
}
#: The same of the mocks.
MOCK_LAYERS = {
    "doors": ("__main__", "demo", "pytest_plugin"),
    "page": ("page",),
    "servers": ("servers",),
    "gateways": ("gateways",),
    "faults": ("faults",),
    "inbox": ("inbox",),
    "net": ("net",),
}


def sources(package: Path) -> dict[str, Path]:
    """Return the modules of a package by their dotted names, without the package's own."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        names[".".join(part for part in parts if part != "__init__")] = path
    return names


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Return the dotted name of all that a module imports, wherever it does so."""
    return tuple(name for node in ast.walk(ast.parse(path.read_text())) for name in named(node))


def named(node: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a statement imports, if it is an import."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"a relative import: {ast.unparse(node)}"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(name: str, package: str, modules: Mapping[str, Path]) -> str | None:
    """Return which of a package's modules an imported name stands for, or None."""
    top, _, inner = name.partition(".")
    if top != package:
        return None
    while inner not in modules:
        inner = inner.rpartition(".")[0]
    return inner


def graph(package: str, modules: Mapping[str, Path]) -> dict[str, set[str]]:
    """Return what each module imports of its own package; what only a type checker sees counts as well."""
    return {
        module: {target for name in imported(path) if (target := own(name, package, modules))}
        for module, path in modules.items()
    }


def upwards(layers: Mapping[str, tuple[str, ...]], imports: Mapping[str, set[str]], module: str) -> set[str]:
    """Return what a module imports from layers above its own."""
    depth = {room: depth for depth, rooms in enumerate(layers.values()) for room in rooms}
    mine = depth[module.partition(".")[0]]
    return {target for target in imports[module] if depth[target.partition(".")[0]] < mine}


MODULES, MOCK_MODULES = sources(PLUGIN), sources(MOCKS)


@cache
def plugin_graph() -> dict[str, set[str]]:
    # Read by the tests: each process of the test run imports this file, and one of them runs it.
    return graph("smsotp_plugin", MODULES)


@cache
def mock_graph() -> dict[str, set[str]]:
    return graph("smsotp_mocks", MOCK_MODULES)


@cache
def used() -> dict[str, set[str]]:
    """Return the packages that each module of the plugin imports, by the first part of their names."""
    return {module: {name.partition(".")[0] for name in imported(path)} for module, path in MODULES.items()}


def reachable(*modules: str) -> set[str]:
    """Return everything that is loaded with some modules; the ``__init__`` of each folder on the way is."""
    seen, waiting = set[str](), list(modules)
    while waiting:
        if (here := waiting.pop()) not in seen:
            seen.add(here)
            waiting.extend((*plugin_graph()[here], here.rpartition(".")[0]))
    return seen


@pytest.mark.parametrize(("layers", "modules"), [(LAYERS, MODULES), (MOCK_LAYERS, MOCK_MODULES)])
def test_every_folder_and_module_at_the_top_has_a_layer(
    layers: Mapping[str, tuple[str, ...]], modules: Mapping[str, Path]
) -> None:
    rooms = {room for rooms in layers.values() for room in rooms}

    assert {name.partition(".")[0] for name in modules if name} == rooms


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_a_module_imports_from_its_own_layer_and_those_below(module: str) -> None:
    assert upwards(LAYERS, plugin_graph(), module) == set()


@pytest.mark.parametrize("module", [name for name in MOCK_MODULES if name])
def test_a_module_of_the_mocks_imports_from_its_own_layer_and_those_below(module: str) -> None:
    assert upwards(MOCK_LAYERS, mock_graph(), module) == set()


@pytest.mark.parametrize("read_imports", [plugin_graph, mock_graph])
def test_no_module_needs_itself(read_imports: Callable[[], dict[str, set[str]]]) -> None:
    TopologicalSorter(read_imports()).prepare()


def test_what_no_import_statement_names_is_imported_by_two_modules_only() -> None:
    """A provider by the name in the settings, and parts of the standard library: both from below."""
    found = {
        module
        for modules in (MODULES, MOCK_MODULES)
        for module, path in modules.items()
        if re.search(r"import_module\(|__import__\(|run_module\(", path.read_text())
    }

    assert found == {"providers", "radius.preload"}


def test_only_the_door_knows_freeradius() -> None:
    assert [module for module, names in used().items() if "radiusd" in names] == ["freeradius"]


def test_only_the_clock_asks_for_the_time() -> None:
    assert [module for module, names in used().items() if "time" in names] == ["clock"]


def test_only_those_who_send_or_judge_codes_get_what_derives_them() -> None:
    users = [module for module, targets in plugin_graph().items() if "codes.onetime" in targets]

    assert users == ["assembly", "login.composing", "login.flow"]


def test_the_errors_import_nothing_of_ours() -> None:
    assert used()["errors"] == {"enum"}


def test_the_server_loads_nothing_of_the_command() -> None:
    loaded = reachable("freeradius")

    assert loaded & {"cli", "commands", "raddb"} == set()
    assert [module for module in loaded if {"typer", "rich"} & used()[module]] == []


def test_the_door_loads_no_package_of_others_before_it_has_put_its_own_ones_first() -> None:
    statements = ast.parse(MODULES["freeradius"].read_text()).body
    [turn] = (at for at, each in enumerate(statements) if ast.unparse(each) == "host.prefer_own_packages()")
    names = [name for statement in statements[:turn] for name in named(statement)]
    loaded = reachable(*(module for name in names if (module := own(name, "smsotp_plugin", MODULES))))

    packages = {name.partition(".")[0] for name in names}.union(*(used()[module] for module in loaded))

    assert "radius.host" in loaded
    assert packages - sys.stdlib_module_names == {"smsotp_plugin", "radiusd"}


def test_plugin_and_mocks_do_not_know_each_other() -> None:
    assert [
        module for module, names in used().items() if {"smsotp_mocks", "smsotp_conformance"} & names
    ] == []
    assert [
        path
        for path in MOCK_MODULES.values()
        if any(name.startswith(("smsotp_plugin", "smsotp_conformance")) for name in imported(path))
    ] == []


def test_the_public_names_are_for_others_only() -> None:
    assert [module for module, targets in plugin_graph().items() if "api" in targets] == []


@pytest.mark.parametrize(("heading", "layers"), [("Layers", LAYERS), ("Layers of the mocks", MOCK_LAYERS)])
def test_the_architecture_page_has_the_same_layers(
    heading: str, layers: Mapping[str, tuple[str, ...]]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\w+) \| (`[^|]*`) \| [^|]+ \|$", section, re.MULTILINE)

    assert {layer: tuple(re.findall(r"`(\w+)`", rooms)) for layer, rooms in rows} == layers
