"""What `scripts/demo` and `scripts/test` do before there is anything of Python: they judge their arguments, and wait for apt."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from smsotp_mocks.gateways.table import GATEWAYS

PROJECT = Path(__file__).parents[2]
#: All that a bare system has and that the scripts use before they install anything.
_BARE = ("bash", "cat", "dirname", "env", "mktemp", "rm", "sed", "tail", "tr")
_PATIENCE = 100.0


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script in a copy of the project, on a system that has no apt."""
    shutil.copytree(PROJECT / "scripts", tmp_path / "project/scripts")
    shutil.copy(PROJECT / "tox.ini", tmp_path / "project")
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in _BARE:
        (bare / name).symlink_to(str(shutil.which(name)))

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
            cwd=tmp_path / "project",
            env={"PATH": str(bare)},
        )

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("--gateway", "snpp"),
        ("--gateway=snpp",),
        ("--gateway=",),
        ("--gateway",),
        ("--gateway", "--cluster"),
        ("--gateway", "http smtp"),
        ("--cluster", "--gateway", "*"),
        ("--cluster", "--gateway", "--gateway=http"),
    ],
)
def test_a_gateway_that_is_not_there_is_told_before_anything_is_installed(
    run: Callable[..., subprocess.CompletedProcess[str]], arguments: tuple[str, ...]
) -> None:
    done = run("scripts/demo", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    all_of_them = " ".join([*GATEWAYS, "all"])
    assert done.stderr == f"scripts/demo: say which gateway: {all_of_them}; see scripts/demo --help.\n"


@pytest.mark.parametrize("arguments", [("snpp",), ("--clu",), ("--gateway", "all", "--verbose"), ("",)])
def test_what_the_demonstration_does_not_know_is_told_before_anything_is_installed(
    run: Callable[..., subprocess.CompletedProcess[str]], arguments: tuple[str, ...]
) -> None:
    done = run("scripts/demo", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert f'unknown argument "{arguments[-1]}": there are --gateway NAME and --cluster' in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--cluster",),
        *(("--gateway", name) for name in (*GATEWAYS, "all")),
        ("--gateway=http", "--cluster"),
    ],
)
def test_what_the_demonstration_knows_comes_as_far_as_installing(
    run: Callable[..., subprocess.CompletedProcess[str]], arguments: tuple[str, ...]
) -> None:
    done = run("scripts/demo", *arguments)

    assert done.returncode == 1
    assert "this system has no apt" in done.stderr


@pytest.mark.parametrize("arguments", [("-h",), ("--cluster", "--help"), ("--gateway", "http", "-h")])
def test_the_help_of_the_demonstration_names_all_gateways(
    run: Callable[..., subprocess.CompletedProcess[str]], arguments: tuple[str, ...]
) -> None:
    done = run("scripts/demo", *arguments)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"with another one: {', '.join(GATEWAYS)}, or all, one after the other" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("-e", "unti"), ("-e", "unit,unti"), ("-l", "-e", "*"), ("-e",), ("-e", ""), ("-e", "--")]
)
def test_an_environment_that_is_not_there_is_told_before_anything_is_installed(
    run: Callable[..., subprocess.CompletedProcess[str]], arguments: tuple[str, ...]
) -> None:
    done = run("scripts/test", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("scripts/test: say which environment: ")
    assert {"unit", "contracts", "docs", "lint", "package", "long"} <= set(line.replace(";", "").split())


def test_a_word_alone_is_no_environment(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run("scripts/test", "unit")

    assert (done.returncode, done.stdout) == (2, "")
    assert 'unknown argument "unit": there are -e ENVIRONMENT' in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-e", "unit"),
        ("-e", "lint,types"),
        ("-l",),
        ("--", "-k", "resend", "-e", "x"),
        ("-e", "docs", "--", "-h"),
    ],
)
def test_what_the_tests_know_comes_as_far_as_installing(
    run: Callable[..., subprocess.CompletedProcess[str]], arguments: tuple[str, ...]
) -> None:
    done = run("scripts/test", *arguments)

    assert done.returncode == 1
    assert "this system has no apt" in done.stderr


def test_the_environments_are_listed_without_the_packages_that_only_tests_need(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    for name, line in (
        ("apt-get", "exit 1"),
        ("dpkg-query", "exit 1"),
        ("grep", "exit 1"),
        ("id", "echo 1000"),
    ):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)

    done = run("scripts/test", "-l")

    assert (done.returncode, done.stdout) == (1, "")
    assert "these packages are missing: python3 python3-venv.\n" in done.stderr


def test_a_suite_that_is_not_there_is_told(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run("scripts/test-on", "stretch")

    assert (done.returncode, done.stdout) == (2, "")
    assert "say where: scripts/test-on bookworm|trixie|forky|sid" in done.stderr
