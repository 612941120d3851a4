"""What a program prints: kept, copied to a file, and waited for."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import subprocess

_SHOWN = 40  # lines in an error


class ProcessLog:
    """
    The lines of one program, over all its runs.

    Args:
        path: The file that gets them as well.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = True
        self._thread: threading.Thread | None = None

    def follow(self, process: "subprocess.Popen[str]") -> None:
        """Read a new run's output until it ends."""
        self._ended = False
        self._thread = threading.Thread(target=self._read, args=(process,), name="radius-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait until everything of the last run has been read."""
        if self._thread is not None:
            self._thread.join()

    def mark(self) -> int:
        """Return how many lines there are."""
        with self._changed:
            return len(self._lines)

    def text(self) -> str:
        """Return everything."""
        with self._changed:
            return "".join(self._lines)

    def tail(self, after: int = 0) -> str:
        """Return the last lines, for an error."""
        with self._changed:
            lines = self._lines[after:][-_SHOWN:]
        return "The end of its log:\n" + "".join(f"  {line}" for line in lines)

    def wait(self, text: str, after: int, timeout: float, times: int = 1) -> bool:
        """Return False when so many lines with the text did not come in time, or the program ended without them."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._holds(text, after, times), timeout)
            return self._holds(text, after, times)

    def _holds(self, text: str, after: int, times: int) -> bool:
        return sum(text in line for line in self._lines[after:]) >= times

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout as stream, self._path.open("a") as file:
            for line in stream:
                file.write(line)
                file.flush()
                with self._changed:
                    self._lines.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class Logged:
    """
    A program whose log can be read and waited for.

    Args:
        log: What it prints.
    """

    #: What it is called in an error.
    name: ClassVar[str]

    def __init__(self, log: ProcessLog) -> None:
        self._log = log

    def log_text(self) -> str:
        """Return everything that all runs of it have logged."""
        return self._log.text()

    def log_mark(self) -> int:
        """Return how much has been logged, for `wait_for_log`."""
        return self._log.mark()

    def wait_for_log(self, text: str, *, after: int = 0, timeout: float = 10.0, times: int = 1) -> None:
        """
        Wait until a line with this text is logged, at once if it has been.

        Args:
            after: A mark; only lines that came after it.
            timeout: Seconds.
            times: How many such lines.

        Raises:
            AssertionError: They did not come, or the program ended without them; with the last lines of the log.
        """
        if not self._log.wait(text, after, timeout, times):
            wanted = repr(text) if times == 1 else f"{text!r} {times} times"
            raise AssertionError(
                f"{self.name} did not log {wanted} within {timeout:g} s.\n{self._log.tail(after)}"
            )
