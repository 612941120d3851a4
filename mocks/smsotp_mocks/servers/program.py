"""A program that a test runs, which says in its log when it is ready."""

import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self

from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.process_log import Logged, ProcessLog
from smsotp_mocks.servers.spawn import spawn

if TYPE_CHECKING:
    import subprocess

_LIMIT = 60.0  # seconds; a start takes a tenth of one, on a machine that is not busy


class Program(Logged, ABC):
    """
    Can be stopped, killed, frozen and started again.

    Args:
        directory: Where its log goes; made when it is missing.
        log_name: The name of that file.
        run_by: Words to put before the program, such as those of ``ip netns exec``; what they name has to become the program.
    """

    #: What its log says when it can be used.
    ready: ClassVar[str]

    def __init__(self, directory: Path, log_name: str, run_by: Sequence[str] = ()) -> None:
        super().__init__(ProcessLog(directory / log_name))
        self.directory = directory
        self._run_by = tuple(run_by)
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int | None:
        """Of the running program; None when it is not running."""
        return None if self._process is None else self._process.pid

    @abstractmethod
    def command(self) -> list[str]:
        """Return the program and its arguments; raises HarnessError when it is not installed."""

    def start(self) -> Self:
        """
        Start and wait until it can be used. Does nothing while it runs.

        Raises:
            HarnessError: It is not installed, or did not start; with the last lines of its log.
        """
        if self._process is not None and self._process.poll() is None:
            return self
        self.directory.mkdir(parents=True, exist_ok=True)
        mark = self._log.mark()
        try:
            spawn([*self._run_by, *self.command()], self._keep)
            is_ready = self._log.wait(self.ready, mark, _LIMIT)
        except BaseException:  # whoever is interrupted here knows of no program to end
            self._end(signal.SIGKILL)
            raise
        if not is_ready:
            self._end(signal.SIGKILL)
            raise HarnessError(f"{self.name} did not start.\n{self._log.tail(mark)}")
        return self

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang (SIGSTOP): connections stay open and get no answer. Returns when all its threads have stopped."""
        self._signal(signal.SIGSTOP)
        if self._process is not None and self._process.returncode is None:
            # A busy machine lets a thread run on for a while, and it may do what was to be left undone.
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        """End a `freeze`."""
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _keep(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._log.follow(process)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(number)
        self._process.wait(_LIMIT)
        self._log.close()
        self._process = None
