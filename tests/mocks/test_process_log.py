"""The log of a program is read to its end, whatever the program prints and leaves behind."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smsotp_mocks.servers.process_log import ProcessLog


@pytest.fixture
def log(tmp_path: Path) -> ProcessLog:
    return ProcessLog(tmp_path / "log")


def start(log: ProcessLog, *command: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    log.follow(process)
    return process


@contextmanager
def one_left_behind(log: ProcessLog) -> Iterator[None]:
    """Let a program end that has started another one, which goes on with its output."""
    mark = log.mark()
    process = start(log, "sh", "-c", "sleep 1000 & echo left $!; printf end")
    process.wait()
    assert log.wait("left", mark, 10)
    child = int(log.text().splitlines()[mark].removeprefix("left "))
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)


def test_whoever_goes_on_with_the_output_of_a_program_keeps_nobody_waiting_at_its_end(
    log: ProcessLog, tmp_path: Path
) -> None:
    with one_left_behind(log):
        log.close()
        text = log.text()

    assert text.endswith("\nend\n")
    assert (tmp_path / "log").read_text() == text


def test_a_program_is_followed_that_takes_the_place_of_one_with_a_child_that_lives_on(
    log: ProcessLog,
) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with one_left_behind(log):
        mark = log.mark()
        process = start(log, "echo", "again")
        assert log.wait("again", mark, 10)
        process.wait()
        log.close()

    assert log.text().splitlines()[1:] == ["end", "again"]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_program_that_never_stops_printing_keeps_nobody_waiting_longer_than_wanted(log: ProcessLog) -> None:
    process = start(log, "yes")
    came = log.wait("never", 0, 0.05)
    process.kill()
    process.wait()
    log.close()

    assert not came
    assert set(log.text().splitlines()[:-1]) == {"y"}


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        (b"\xff" * 3_000_000, "\N{REPLACEMENT CHARACTER}" * 3_000_000 + "\n"),
        ("\N{EURO SIGN}".encode() * 100_001, "\N{EURO SIGN}" * 100_001 + "\n"),
        (b"\xe2\x82", "\N{REPLACEMENT CHARACTER}\n"),
        (b"line\n" * 500_000, "line\n" * 500_000),
    ],
    ids=["not-utf-8", "cut-between-pieces", "cut-at-the-end", "lines"],
)
def test_everything_is_read_that_is_printed_at_once(
    log: ProcessLog, tmp_path: Path, printed: bytes, read: str
) -> None:
    (tmp_path / "printed").write_bytes(printed)
    process = start(log, "cat", str(tmp_path / "printed"))
    process.wait()
    log.close()

    assert log.text() == read
    assert (tmp_path / "log").read_text(encoding="utf-8") == read
