"""What is peculiar about living in FreeRADIUS, tried outside of it."""

import codecs
import ctypes
import gc
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from smsotp_plugin.radius import host

DIST = "/usr/lib/python3/dist-packages"
LOCAL_DIST = "/usr/local/lib/python3.11/dist-packages"
STDLIB = ["/usr/lib/python311.zip", "/usr/lib/python3.11", "/usr/lib/python3.11/lib-dynload"]


#: As `freeradius -v` of Debian 12, of Debian 13 and of a build from git begin.
PRINTED = {
    (
        3,
        2,
        1,
    ): "radiusd: FreeRADIUS Version 3.2.1, for host x86_64-pc-linux-gnu, built on Aug 18 2023 at 22:26:34",
    (
        3,
        2,
        7,
    ): "freeradius: FreeRADIUS Version 3.2.7, for host aarch64-redhat-linux-gnu\nFreeRADIUS Version 3.2.7",
    (3, 2, 11): "radiusd: FreeRADIUS Version 3.2.11 (git #5f4d3c2), for host x86_64-alpine-linux-musl",
}


def stand_in(folder: Path, script: str) -> Path:
    """Make a program that is started as the server is started for its version, and does something else."""
    program = folder / "radiusd"
    program.write_text(f'#!/bin/sh\n[ "$*" = -v ] || exit 9\n{script}\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("version", PRINTED)
def test_the_version_is_what_the_server_prints(tmp_path: Path, version: tuple[int, int, int]) -> None:
    program = stand_in(tmp_path, f"cat <<'END'\n{PRINTED[version]}\nCopyright (C) 1999-2023 1.2.3\nEND")

    assert host.find_server_version(program) == version


def test_the_version_of_the_installed_server_is_that_of_its_package() -> None:
    program = shutil.which("freeradius", path="/usr/sbin") or ""
    package = subprocess.check_output(["dpkg-query", "-W", "-f", "${Version}", "freeradius"], text=True)

    assert package.startswith(".".join(map(str, host.find_server_version(Path(program)))))


def test_the_version_of_a_server_without_any_symbol_is_known(tmp_path: Path) -> None:
    program = stand_in(tmp_path, f"echo '{PRINTED[3, 2, 7]}'")
    with pytest.raises(ValueError, match="undefined symbol"):
        ctypes.c_char_p.in_dll(ctypes.CDLL(None), "radiusd_version_short")

    assert host.find_server_version(program) == (3, 2, 7)


def test_the_server_finds_its_own_environment_when_it_is_asked_for_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/freeradius/lib")
    program = stand_in(tmp_path, f'[ "$LD_LIBRARY_PATH" = /opt/freeradius/lib ] && echo "{PRINTED[3, 2, 1]}"')

    assert host.find_server_version(program) == (3, 2, 1)


@pytest.mark.parametrize(
    "script", ["exec sleep 1000", "sleep 1000 & sleep 1000", "yes FreeRADIUS", "exec yes >&2"]
)
def test_a_program_that_does_not_end_is_left_in_time(tmp_path: Path, script: str) -> None:
    with pytest.raises(host.HostError, match=r"radiusd -v did not end within 0\.5 s"):
        host.find_server_version(stand_in(tmp_path, script), limit=0.5)


@pytest.mark.parametrize(
    "script",
    [
        "head -c 20000000 /dev/urandom",
        "head -c 20000000 /dev/zero; echo FreeRADIUS Version 3.2.1",
        "echo FreeRADIUS Version three",
        "echo FreeRADIUS Version 3.2",
        "echo FreeRADIUS Version $(seq -s 9 5000).2.1",
        "printf '\\377\\000'",
        "exit 0",
        "kill -SEGV $$",
    ],
)
def test_a_program_that_does_not_tell_its_version_is_named(tmp_path: Path, script: str) -> None:
    with pytest.raises(host.HostError, match="radiusd -v does not say its version"):
        host.find_server_version(stand_in(tmp_path, script), limit=60.0)


def test_a_program_that_cannot_be_run_is_named_with_the_reason(tmp_path: Path) -> None:
    program = stand_in(tmp_path, "")
    program.chmod(0o644)

    with pytest.raises(host.HostError, match="missing -v cannot be run: No such file or directory"):
        host.find_server_version(tmp_path / "missing")
    with pytest.raises(host.HostError, match="radiusd -v cannot be run: Permission denied"):
        host.find_server_version(program)


def test_a_program_around_us_that_is_no_freeradius_has_no_version() -> None:
    with pytest.raises(host.HostError, match="/proc/self/exe -v does not say its version"):
        host.find_server_version()


@pytest.mark.parametrize(
    "odd",
    [
        "os.closerange(0, 64)",
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))",
        "os.chdir(gone); os.rmdir(gone)",
    ],
    ids=["descriptors closed", "children not waited for", "signals blocked", "directory gone"],
)
def test_the_version_is_found_in_the_surroundings_of_a_server(tmp_path: Path, odd: str) -> None:
    program = stand_in(tmp_path, f"echo '{PRINTED[3, 2, 7]}'")
    script = f"""
import os, signal, sys
from pathlib import Path
from smsotp_plugin.radius import host
gone = {str(tmp_path / "gone")!r}
os.mkdir(gone)
{odd}
Path({str(tmp_path / "found")!r}).write_text(repr(host.find_server_version(Path({str(program)!r}))))
"""

    subprocess.run([sys.executable, "-c", script], check=True)

    assert (tmp_path / "found").read_text() == "(3, 2, 7)"


@pytest.mark.parametrize("version", [(3, 2, 1), (3, 2, 7), (3, 2, 9), (3, 2, 10), (3, 3, 0), host.IF_UNKNOWN])
def test_no_version_is_refused_for_more_than_its_age(version: tuple[int, int, int]) -> None:
    host.refuse_unusable(version)


@pytest.mark.parametrize("version", [(3, 0, 26), (2, 2, 10), (3, 1, 0), (3, 2, 0)])
def test_a_version_that_is_too_old_is_refused_with_advice(version: tuple[int, int, int]) -> None:
    with pytest.raises(host.HostError, match=r"is too old: install a 3\.2, not older than 3\.2\.1"):
        host.refuse_unusable(version)


def test_only_the_host_reads_bytes_that_are_not_utf_8() -> None:
    host.read_any_text()
    try:
        with pytest.raises(UnicodeDecodeError):
            b"m\xfcller".decode()
        with pytest.raises(UnicodeEncodeError):
            "m\udcfcller".encode()
        with pytest.raises(UnicodeDecodeError):
            str(b"\xff", "utf-8", "strict")
    finally:
        codecs.register_error("strict", codecs.strict_errors)


def test_the_plugin_can_be_loaded_by_freeradius_only() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import smsotp_plugin.freeradius"], capture_output=True, text=True, check=False
    )

    assert "No module named 'radiusd'" in loaded.stderr


@pytest.mark.parametrize(
    "line",
    [
        "freeradius -C",
        "freeradius -XC",
        "freeradius -CX",
        "freeradius -Cx",
        "freeradius -Cxm",
        "freeradius -d /etc/freeradius -C",
        "freeradius -C -d /etc/freeradius",
        "freeradius -lstdout -C",
        "freeradius -fxx -l stdout -C -n radiusd",
    ],
)
def test_a_check_of_the_configuration_is_known(line: str) -> None:
    assert host.is_config_check(line.split())


@pytest.mark.parametrize(
    "line",
    [
        "freeradius",
        "freeradius -f",
        "freeradius -X",
        "freeradius -d C",
        "freeradius -dC",
        "freeradius -lC -f",
        "freeradius -d -C",
        "freeradius -n -C",
        "freeradius -D -C",
        "freeradius --unknown",
        "",
    ],
)
def test_a_real_start_is_known(line: str) -> None:
    assert not host.is_config_check(line.split())


def test_the_command_line_is_that_of_the_process() -> None:
    assert "python" in host.read_command_line()[0]


@pytest.mark.parametrize(
    "path", ["/venv/lib/python3.{minor}/site-packages/smsotp_plugin/freeradius.py", "/src/smsotp_plugin/x.py"]
)
def test_packages_for_this_python_are_taken(path: str) -> None:
    host.refuse_foreign_python(Path(path.format(minor=sys.version_info.minor)))


def test_packages_for_another_python_are_refused_with_advice() -> None:
    with pytest.raises(host.HostError, match="make the virtual environment with /usr/bin/python3"):
        host.refuse_foreign_python(Path("/venv/lib/python3.99/site-packages/smsotp_plugin/freeradius.py"))


def test_own_packages_come_before_those_of_the_distribution(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own, extra = str(tmp_path / "site-packages"), str(tmp_path / "extra")
    monkeypatch.setattr(sys, "path", [*STDLIB, LOCAL_DIST, DIST, own, extra])

    host.prefer_own_packages()

    assert sys.path == [*STDLIB, own, extra, LOCAL_DIST, DIST]


def test_editable_installs_are_found_and_come_first_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own, source = tmp_path / "site-packages", tmp_path / "src"
    own.mkdir()
    source.mkdir()
    (own / "smsotp.pth").write_text(f"{source}\n")
    monkeypatch.setattr(sys, "path", [*STDLIB, DIST, str(own)])

    host.prefer_own_packages()

    assert sys.path == [*STDLIB, str(own), str(source), DIST]


@pytest.mark.parametrize(
    "path", [[*STDLIB], [*STDLIB, "/venv/lib/python3.11/site-packages"], [*STDLIB, DIST]]
)
def test_a_search_path_that_is_right_is_left_alone(monkeypatch: pytest.MonkeyPatch, path: list[str]) -> None:
    monkeypatch.setattr(sys, "path", path.copy())

    host.prefer_own_packages()

    assert sys.path == path


def test_nothing_is_collected_during_a_start_and_everything_as_before_after_it() -> None:
    with host.collector_at_rest():
        during = gc.isenabled()

    assert not during
    assert gc.isenabled()


def test_a_start_that_fails_gives_the_collector_back() -> None:
    with pytest.raises(RuntimeError), host.collector_at_rest():
        raise RuntimeError

    assert gc.isenabled()


def test_what_lives_long_is_seldom_collected_and_young_cycles_as_before() -> None:
    before = gc.get_threshold()
    gc.unfreeze()
    try:
        host.calm_collector()
        calm, frozen = gc.get_threshold(), gc.get_freeze_count()
    finally:
        gc.set_threshold(*before)

    assert calm[:2] == before[:2]
    assert calm[2] >= 10 * before[2]
    assert frozen > 1000


@pytest.mark.parametrize(
    ("version", "times"), [((3, 2, 1), 1), ((3, 2, 6), 1), ((3, 2, 7), 0), ((3, 2, 10), 0)]
)
def test_the_exit_is_guarded_where_the_server_needs_it(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], times: int
) -> None:
    registered: list[object] = []
    monkeypatch.setattr(threading, "_register_atexit", registered.append)

    host.guard_exit(version)

    assert len(registered) == times
