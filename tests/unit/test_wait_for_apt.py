"""The scripts wait where another program holds a lock of apt or dpkg: of a real apt, which looks after a folder of the test's own."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.scripts import Script

LISTS, DOWNLOADS, FRONTEND, DPKG = (
    "var/lib/apt/lists/lock",
    "var/cache/apt/archives/lock",
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/lock",
)


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A system without packages and without sources of them."""
    for lock in (LISTS, DOWNLOADS, FRONTEND):
        (tmp_path / lock).parent.joinpath("partial").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").touch()
    (tmp_path / "apt.conf").write_text(
        f'Dir "{tmp_path}";\nDir::State::status "{tmp_path}/var/lib/dpkg/status";\nAPT::Sandbox::User "root";\n'
    )
    return tmp_path


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Hold a lock as apt and dpkg do."""
    with lock.open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def start(system: Path, script: str) -> Script:
    # As root where that is needed, which it is not for a folder of one's own. A message in another language would not be understood.
    return Script(
        f'as_root() {{ "$@"; }}; {script}',
        APT_CONFIG=str(system / "apt.conf"),
        LANG="de_DE.UTF-8",
        LANGUAGE="de",
    )


@pytest.mark.parametrize(
    ("lock", "command"),
    [(LISTS, "update"), (DOWNLOADS, "clean"), (FRONTEND, "install"), (DPKG, "install")],
)
def test_whoever_holds_a_lock_is_named_and_waited_for(system: Path, lock: str, command: str) -> None:
    with held(system / lock):
        script = start(system, f'step "doing something" when_free apt_get {command}')
        script.read_until(f"process {os.getpid()} (")
    code = script.end()

    assert code == 0
    assert script.said.startswith("scripts/some: doing something ")
    assert (
        "\nscripts/some: waiting for another program that installs packages, 600 s at most: "
        f"{system / lock}. It is held by process {os.getpid()} (" in script.said
    )
    assert script.said.endswith(" s\n")


@pytest.mark.parametrize(
    ("lock", "command"),
    [
        (LISTS, "install_packages nonsense"),
        (FRONTEND, 'step "doing it" when_free apt_get install || die "$LOCKED"'),
    ],
)
def test_whoever_holds_a_lock_for_ever_is_named_in_the_end_with_what_to_do(
    system: Path, lock: str, command: str
) -> None:
    with held(system / lock):
        script = start(system, f"PATIENCE=0; {command}")
        code = script.end()

    assert code == 1
    assert "some: waiting for" not in script.said
    assert script.said.splitlines()[-1].startswith(
        f"scripts/some: another program has kept apt waiting for 0 s: {system / lock}. It is held by process {os.getpid()} ("
    )
    assert script.said.endswith("). Let it end, then run scripts/some again.\n")


def test_what_fails_for_another_reason_is_not_waited_for(system: Path) -> None:
    script = start(system, 'step "doing it" when_free apt_get install nonsense || die "${LOCKED:-no lock}"')

    assert script.end() == 1
    assert "E: Unable to locate package nonsense" in script.said
    assert script.said.endswith("scripts/some: no lock\n")
