"""Each way in which an administrator starts the server: in the foreground, with all its talk, as a daemon."""

import os
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smsotp_mocks.servers.process_log import ProcessLog
from smsotp_mocks.servers.radius_client import Answer

from .system import World, people

FREERADIUS = shutil.which("freeradius", path="/usr/sbin:/usr/bin")
IN_FOREGROUND = [["-X"], ["-f", "-l", "stdout"], ["-f", "-s", "-l", "stdout"]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, sections="[dispatch]\nworkers = 2", users=people(40))
    made.server.prepare()
    yield made
    made.gateway.stop()


@contextmanager
def foreground(world: World, flags: list[str]) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(
        [str(FREERADIUS), *flags, "-d", str(world.server.raddb)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    log = ProcessLog(world.server.directory / "foreground.log")
    log.follow(process)
    try:
        assert log.wait("Ready to process requests", 0, 100), log.text()
        yield process
    finally:
        process.kill()
        process.wait()
        log.close()


def first_legs(world: World, count: int) -> list[Answer]:
    return [world.log_in(world.someone()) for _ in range(count)]


@pytest.mark.parametrize("flags", IN_FOREGROUND, ids=" ".join)
def test_a_log_in_works_in_the_foreground(world: World, flags: list[str]) -> None:
    with foreground(world, flags):
        assert world.log_in_wholly(world.someone()).code == "accept"


@pytest.mark.parametrize("flags", IN_FOREGROUND, ids=" ".join)
def test_a_stop_in_the_foreground_sends_what_is_queued(world: World, flags: list[str]) -> None:
    world.gateway.faults.add("delay 50ms")
    with foreground(world, flags) as process:
        answers = first_legs(world, 30)
        process.terminate()
        process.wait(100)

    assert {answer.code for answer in answers} == {"challenge"}
    assert process.returncode == 0
    assert len(world.gateway.inbox) == 30


def test_a_daemon_serves_logs_and_stops(world: World) -> None:
    world.gateway.faults.add("delay 50ms")
    log = world.server.directory / "log/radius.log"

    done = subprocess.run([str(FREERADIUS), "-d", str(world.server.raddb)], timeout=100, check=True)
    pid = int((world.server.directory / "run/freeradius.pid").read_text())
    descriptor = os.pidfd_open(pid)
    try:
        accepted = world.log_in_wholly(world.someone())
        first_legs(world, 20)
    finally:
        os.kill(pid, signal.SIGTERM)
        gone, _, _ = select.select([descriptor], [], [], 30)
        os.close(descriptor)

    assert (done.returncode, accepted.code, bool(gone)) == (0, "accept", True)
    assert len(world.gateway.inbox) == 21
    assert log.read_text().count("gateway mock took it") == 21
