"""Programs that are started: whoever is interrupted meanwhile knows of them."""

import os
import signal
from typing import TYPE_CHECKING

import pytest

from smsotp_mocks.servers.spawn import spawn

if TYPE_CHECKING:
    import subprocess


def test_whoever_is_interrupted_while_a_program_starts_knows_of_it() -> None:
    kept: list[subprocess.Popen[str]] = []

    def keep(process: "subprocess.Popen[str]") -> None:
        os.kill(os.getpid(), signal.SIGINT)
        kept.append(process)

    with pytest.raises(KeyboardInterrupt):
        spawn(["cat", "/dev/zero"], keep)
    (process,) = kept
    process.kill()
    process.communicate()

    assert process.returncode == -signal.SIGKILL


def test_a_program_that_cannot_be_started_is_an_error_of_whoever_starts_it() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        spawn(["/no-such-program"], lambda process: process.kill())
