"""The walk-through of docs/adding-a-provider.md, walked through: its files are written, installed and used."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.programs import SPARE_PLUGINS

PAGE = (Path(__file__).parents[2] / "docs" / "adding-a-provider.md").read_text()
FILES = dict(re.findall(r"^`([\w.]+)`\n\n```\w+\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))

CONTRACT = "test_telegraph_contract.py"
#: The page's ``smsotp check --config smsotp.toml``, whether or not the command is on the path.
CHECK = ("-m", "smsotp_plugin", "check", "--config", "smsotp.toml")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package, installed as pip would leave it: modules and metadata in one folder on the path."""
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    metadata = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    (metadata / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
            for group, points in project["entry-points"].items()
        )
    )
    return tmp_path


def run(package: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | SPARE_PLUGINS | {"PYTHONPATH": str(package), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *command], cwd=package, env=environment, capture_output=True, text=True, check=False
    )


def test_the_page_has_every_file_that_it_speaks_of() -> None:
    assert list(FILES) == [
        *("pyproject.toml", "smsotp_telegraph.py", "test_telegraph.py", "smsotp.toml"),
        *("smsotp_acme.py", "test_telegraph_contract.py"),
    ]


def test_the_tests_of_the_page_pass(package: Path) -> None:
    ran = run(
        package,
        *("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"),
        "test_telegraph.py",
        CONTRACT,
    )

    assert ran.returncode == 0, ran.stdout
    assert "4 skipped" in ran.stdout, "what is not tried is TLS, and nothing else"


def test_the_configuration_is_accepted_and_shows_the_gateway(package: Path) -> None:
    ran = run(package, *CHECK)

    (shown,) = re.findall(r"^```text\n(.*)\n```", PAGE, re.MULTILINE)
    assert ran.returncode == 0, ran.stderr
    assert shown.split() in [line.split() for line in ran.stdout.splitlines()]


def test_a_missing_parameter_is_told_with_its_place(package: Path) -> None:
    config = package / "smsotp.toml"
    config.write_text(re.sub(r"PORT = .*\n", "", config.read_text()))

    ran = run(package, *CHECK)

    assert ran.returncode == 2
    assert "gateways.wire.PORT" in ran.stderr


def test_a_package_that_cannot_be_loaded_is_a_problem_without_a_traceback(package: Path) -> None:
    (package / "smsotp_telegraph.py").write_text("import does_not_exist\n")

    ran = run(package, *CHECK)

    assert ran.returncode == 2
    assert "cannot be loaded" in ran.stderr
    assert "Traceback" not in ran.stderr
