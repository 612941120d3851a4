"""Two scripts that need `.venv` at the same time: one of them makes it, the other one waits and says so."""

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.scripts import Script

WAITS = "scripts/some: waiting for another run that installs into .venv, 600 s at most: "
#: Stands in for pip, which needs the network: it says that it begins, and waits until somebody lets it go on.
_PIP = """
import os, sys
if "--version" in sys.argv:
    sys.exit(os.path.exists("half-made"))
try:
    os.mkdir("busy")
except FileExistsError:
    sys.exit("two at once")
print(sys.argv[-1], file=open("calls", "a"))
open("begun", "w").close()
open("go-on").read()
os.rmdir("busy")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip/__init__.py").touch()
    (tmp_path / "pip/__main__.py").write_text(_PIP)
    (tmp_path / "pyproject.toml").touch()
    for pipe in ("begun", "go-on"):
        os.mkfifo(tmp_path / pipe)
    return tmp_path


def start(project: Path, script: str) -> Script:
    return Script(script, project, PYTHONPATH=str(project), PIP_NO_INDEX="1")


def make_venv(project: Path) -> None:
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", project / ".venv"], check=True)


def wait_for_pip(project: Path) -> None:
    (project / "begun").read_bytes()


def let_pip_go_on(project: Path) -> None:
    (project / "go-on").write_bytes(b"")


def test_what_one_run_installs_another_one_waits_for_and_does_not_install_again(project: Path) -> None:
    first = start(project, "need_venv demo thing")
    first.read_until("making .venv")
    second = start(project, "need_venv demo thing")
    second.read_until(" most: ")
    for _ in range(2):  # pip itself, and the thing
        wait_for_pip(project)
        let_pip_go_on(project)

    assert (first.end(), second.end()) == (0, 0)
    assert "waiting" not in first.said
    assert second.said.startswith(WAITS)
    assert second.said.count("scripts/some: ") == 1
    assert (project / "calls").read_text().splitlines() == ["pip>=25.1", "thing"]


def test_runs_that_need_different_things_install_them_one_after_the_other(project: Path) -> None:
    make_venv(project)
    first = start(project, "need_venv demo thing")
    wait_for_pip(project)
    second = start(project, "need_venv test another")
    second.read_until(" most: ")
    let_pip_go_on(project)
    for _ in range(3):
        wait_for_pip(project)
        let_pip_go_on(project)

    assert (first.end(), second.end()) == (0, 0)
    assert second.said.startswith(WAITS)
    assert (project / "calls").read_text().splitlines() == ["pip>=25.1", "thing", "pip>=25.1", "another"]


def test_a_run_that_is_killed_makes_nobody_wait(project: Path) -> None:
    first = start(project, "exec() { builtin exec \"$@\"; }; alone eval 'echo has it; read -r never <go-on'")
    first.read_until("has it")
    first.kill()

    assert start(project, "alone echo has it too").end() == 0


def test_what_a_killed_run_has_left_half_made_is_made_anew(project: Path) -> None:
    make_venv(project)
    (project / "half-made").touch()
    script = start(project, "need_venv demo thing")
    for _ in range(2):
        wait_for_pip(project)
        let_pip_go_on(project)

    assert script.end() == 0
    assert "making .venv" in script.said


def test_whoever_keeps_the_lock_for_ever_is_not_waited_for_without_end(project: Path) -> None:
    with (project / ".venv.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        script = start(project, "PATIENCE=0; alone echo never")
        code = script.end()

    assert code == 1
    assert "never" not in script.said
    assert script.said.endswith(
        "\nscripts/some: another run has kept .venv locked for 0 s. Let it end, then run scripts/some again.\n"
    )


def test_nothing_is_locked_where_nothing_is_missing(project: Path) -> None:
    make_venv(project)
    script = start(project, "need_venv demo thing")
    for _ in range(2):
        wait_for_pip(project)
        let_pip_go_on(project)
    assert script.end() == 0

    with (project / ".venv.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        again = start(project, "need_venv demo thing")
        assert (again.end(), again.said) == (0, "")
