"""What a program prints: kept, copied to a file, and waited for."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

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

    def wait(self, text: str, after: int, timeout: float) -> bool:
        """Return False when the text did not come in time, or the server ended without it."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._holds(text, after), timeout)
            return self._holds(text, after)

    def _holds(self, text: str, after: int) -> bool:
        return any(text in line for line in self._lines[after:])

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
