"""What is installed with the package, and what is not."""

import configparser
import re
import subprocess
import sys
import tomllib
from importlib import metadata, resources
from pathlib import Path

import pytest

PROJECT = tomllib.loads(Path("pyproject.toml").read_text())["project"]
DISTRIBUTION = metadata.distribution("smsotp-plugin")
PACKAGES = {
    "smsotp_plugin": Path("smsotp_plugin"),
    "smsotp_conformance": Path("smsotp_conformance"),
    "smsotp_mocks": Path("mocks/smsotp_mocks"),
}


@pytest.fixture
def installed() -> set[str]:
    files = {str(path) for path in DISTRIBUTION.files or ()}
    if not any(name.startswith("smsotp_plugin/") for name in files):
        pytest.skip("it is installed from the checkout")
    return files


def test_the_packages_are_installed_and_nothing_else(installed: set[str]) -> None:
    tops = {name.split("/")[0] for name in installed if not name.startswith("..")}

    assert {top for top in tops if ".dist-info" not in top} == set(PACKAGES)


def test_every_file_of_the_packages_is_installed(installed: set[str]) -> None:
    wanted = {
        str(path.relative_to(folder.parent))
        for folder in PACKAGES.values()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert wanted - installed == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_of_other_projects_see_the_types(package: str) -> None:
    assert resources.files(package).joinpath("py.typed").is_file()


def test_server_and_commands_are_loaded_without_the_packages_of_an_extra() -> None:
    extras = ["redis", "hiredis", "smsotp_mocks"]
    used = [
        "smsotp_plugin.assembly",
        "smsotp_plugin.cli",
        "smsotp_plugin.worker",
        "smsotp_plugin.radius.preload",
    ]
    used += [
        f"smsotp_plugin.commands.{path.stem}" for path in Path("smsotp_plugin/commands").glob("[a-z]*.py")
    ]
    code = f"import sys, importlib; sys.modules.update(dict.fromkeys({extras})); [*map(importlib.import_module, {used})]"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=100
    )

    assert done.stderr == ""
    assert done.returncode == 0


def test_the_licence_comes_along(installed: set[str]) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in installed)
    assert DISTRIBUTION.metadata["License-Expression"] == "Apache-2.0"


def test_the_version_is_the_packages_own() -> None:
    from smsotp_plugin import __version__

    assert DISTRIBUTION.version == __version__


def test_the_command_and_the_fixtures_are_registered() -> None:
    registered = {point.name: point.value for point in DISTRIBUTION.entry_points}

    assert registered["smsotp"] == "smsotp_plugin.__main__:main"
    assert registered["smsotp_mocks.pytest_plugin"] == "smsotp_mocks.pytest_plugin"


def test_the_readme_is_what_the_index_shows() -> None:
    assert DISTRIBUTION.metadata["Description-Content-Type"] == "text/markdown"
    assert PROJECT["readme"] == "README.md"


def test_every_environment_of_tox_says_what_it_is_for_and_contributing_has_those_for_hours() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read("tox.ini")
    in_every_run = set(tox["tox"]["env_list"].split(", "))
    described, folders = dict[str, str](), set[str]()
    for section in tox.sections():
        names = re.fullmatch(r"testenv:\{?([\w,]+)\}?", section)
        if names and "," in names[1]:
            folders |= set(names[1].split(","))
            described |= re.findall(r"^(\w+): (.+)$", tox[section]["description"], re.MULTILINE)
        elif names:
            described[names[1]] = tox[section]["description"]
    shown = re.findall(r"^\| `(\w+)` \|", Path("CONTRIBUTING.md").read_text(), re.MULTILINE)

    assert folders | in_every_run <= described.keys()
    assert set(shown) == described.keys() - folders - in_every_run
