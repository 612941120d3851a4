"""What is peculiar about living in FreeRADIUS, tried outside of it."""

import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from smsotp_plugin.radius import host

DIST = "/usr/lib/python3/dist-packages"
LOCAL_DIST = "/usr/local/lib/python3.11/dist-packages"
STDLIB = ["/usr/lib/python311.zip", "/usr/lib/python3.11", "/usr/lib/python3.11/lib-dynload"]


@pytest.mark.parametrize(
    "version", [(3, 2, 0), (3, 2, 1), (3, 2, 5), (3, 2, 7), (3, 2, 8), (3, 2, 10), (3, 3, 0)]
)
def test_versions_that_work_are_taken(version: tuple[int, int, int]) -> None:
    host.refuse_unusable(version)


@pytest.mark.parametrize(
    ("version", "advice"),
    [
        ((3, 2, 9), "FreeRADIUS 3.2.9 drops what a Python module answers"),
        ((3, 0, 26), "FreeRADIUS 3.0.26 is not supported: install 3.2.1 or a later 3.2"),
        ((2, 2, 10), "2.2.10 is not supported"),
        ((4, 0, 0), "4.0.0 is not supported"),
    ],
)
def test_versions_that_do_not_work_are_refused_with_advice(
    version: tuple[int, int, int], advice: str
) -> None:
    with pytest.raises(host.HostError, match=advice):
        host.refuse_unusable(version)


def test_outside_of_freeradius_there_is_no_version() -> None:
    with pytest.raises(host.HostError, match="loaded by FreeRADIUS's module rlm_python3 only"):
        host.server_version()


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
    assert "python" in host.command_line()[0]


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


def test_what_lives_long_is_seldom_collected_and_young_cycles_as_before() -> None:
    before = gc.get_threshold()
    try:
        host.calm_collector()
        calm, frozen = gc.get_threshold(), gc.get_freeze_count()
    finally:
        gc.unfreeze()
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
