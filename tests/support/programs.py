"""Other people's programs, each run for one test in a directory of its own and ended by its process id."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from smsotp_mocks.servers.process_log import ProcessLog

_START_LIMIT = 60.0  # seconds; the slowest takes 1
# Waiting longer would not help: Kannel 1.4.5 sometimes never ends by itself.
_STOP_LIMIT = 1.0
#: Lets pytest run without the plugins of packages that only our own tests use: they take two seconds to load.
SPARE_PLUGINS = {"PYTEST_ADDOPTS": "-p no:schemathesis -p no:hypothesispytest -p no:pytest_httpserver"}


def program(name: str, package: str) -> str:
    """
    Return the full path of a program.

    Args:
        name: The program's name, or its full path if it is not on the path.
        package: The Debian package that has it.
    """
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.fail(f"{name} is not installed: apt-get install --no-install-recommends {package}")
    return found


def run_pytest(project: Path, *arguments: str) -> str:
    """Let pytest run a project other than this one; return what it prints."""
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    done = subprocess.run(
        command,
        cwd=project,
        env=os.environ | SPARE_PLUGINS,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout


class Running:
    """
    A program that runs.

    Args:
        command: Its full path and arguments.
        log: The file that its output is appended to.
        environment: Further variables.
    """

    def __init__(self, command: Sequence[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self._name = Path(command[0]).name
        self._log = ProcessLog(log)
        # A process group of its own: whatever it starts and leaves behind is ended with it.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
            cwd=log.parent,
            env=os.environ | (environment or {}),
        )
        self._log.follow(self._process)

    @property
    def log(self) -> str:
        """Everything that it has printed."""
        return self._log.text()

    def mark(self) -> int:
        """Return a place in its output for `wait_for`."""
        return self._log.mark()

    def wait_for(self, text: str, after: int = 0) -> None:
        """Wait until it prints a line with this text."""
        if not self._log.wait(text, after, _START_LIMIT):
            self.stop()
            pytest.fail(f"{self._name} did not say {text!r}.\n{self._log.tail(after)}")

    def end(self, limit: float) -> int:
        """Ask it to end (SIGTERM) and return its exit code; it has `limit` seconds."""
        self._process.terminate()
        return self.wait(limit)

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self, limit: float) -> int:
        """Wait until it has ended, for `limit` seconds, and return its exit code."""
        code = self._process.wait(limit)
        self._log.close()
        return code

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        self._process.kill()
        self._process.wait()
        self._log.close()

    def stop(self) -> None:
        """End it, and everything that it has started."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_LIMIT)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()
