"""What a program prints: kept, copied to a file, and waited for."""

import codecs
import os
import select
import threading
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import subprocess

_SHOWN = 40  # lines in an error
_READ_LATER = 0.02  # seconds
_PIECE = 65536  # bytes
#: Bytes that are read at once: as many as any pipe holds, and no more of a program that never stops printing.
_MOST = 16 * _PIECE


class ProcessLog:
    """
    The lines of one program, over all its runs.

    Who prints thousands of lines a second must not be slowed down by a reader that wakes for each of them: what nobody waits for
    or asks for is read some milliseconds later.

    Args:
        path: The file that gets them as well.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[str] = []
        #: The end of what was read, without the end of its line.
        self._rest = ""
        #: Guards all of this.
        self._changed = threading.Condition()
        self._waiting = 0
        self._output: _Output | None = None
        self._thread: threading.Thread | None = None

    def follow(self, process: "subprocess.Popen[str]") -> None:
        """Read a new run's output until it ends; the run before has ended."""
        self.close()
        output = self._output = _Output(process)
        self._thread = threading.Thread(target=self._read, args=(output,), name="program-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Read everything of the last run, which has ended; what it has started and left behind is not listened to any longer."""
        with self._changed:
            self._take(is_last=True)
        if self._thread is not None:
            self._thread.join()

    def mark(self) -> int:
        """Return how many lines there are."""
        with self._changed:
            self._take()
            return len(self._lines)

    def text(self) -> str:
        """Return everything."""
        with self._changed:
            self._take()
            return "".join(self._lines)

    def tail(self, after: int = 0) -> str:
        """Return the last lines, for an error."""
        with self._changed:
            self._take()
            lines = self._lines[after:][-_SHOWN:]
        return "The end of its log:\n" + "".join(f"  {line}" for line in lines)

    def wait(self, text: str, after: int, timeout: float, times: int = 1) -> bool:
        """Return False when so many lines with the text did not come in time, or the program ended without them."""
        with self._changed:
            self._waiting += 1
            try:
                self._take()
                self._changed.notify_all()
                self._changed.wait_for(
                    lambda: self._output is None or self._holds(text, after, times), timeout
                )
                return self._holds(text, after, times)
            finally:
                self._waiting -= 1

    def _holds(self, text: str, after: int, times: int) -> bool:
        return sum(text in line for line in self._lines[after:]) >= times

    def _read(self, output: "_Output") -> None:
        much = False
        while self._output is output:
            output.wait()
            with self._changed:
                if not much:
                    self._changed.wait_for(lambda: self._waiting, _READ_LATER)
                much = self._take() >= _PIECE
        output.close()

    def _take(self, *, is_last: bool = False) -> int:
        """Read what has been printed by now, or much of it; returns how many characters."""
        output = self._output
        if output is None:
            return 0
        printed = output.read()
        if is_last:
            output.stop()
        *lines, self._rest = (self._rest + printed).split("\n")
        if output.ended and self._rest:
            lines.append(self._rest)
            self._rest = ""
        if lines:
            self._lines += [f"{line}\n" for line in lines]
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(self._lines[-len(lines) :])
        if output.ended:
            self._output = None
        self._changed.notify_all()
        return len(printed)


class _Output:
    """
    What one run prints, read without waiting.

    Args:
        process: Prints into a pipe.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self._stream = process.stdout
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        #: Everything has been read, or nobody wants to read on.
        self.ended = False
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._stream.fileno(), False)

    def wait(self) -> None:
        """Wait until there is something to read, or `stop` is called."""
        poll = select.poll()
        for each in (self._stream.fileno(), self._woken):
            poll.register(each, select.POLLIN)
        poll.poll()

    def stop(self) -> None:
        """Read no more."""
        self.ended = True
        os.write(self._wake, b"!")

    def read(self) -> str:
        """Return what has been printed since the last call, or much of it."""
        pieces: list[str] = []
        while not self.ended and len(pieces) < _MOST // _PIECE:
            try:
                piece = os.read(self._stream.fileno(), _PIECE)
            except BlockingIOError:
                break
            pieces.append(self._decoder.decode(piece, not piece))
            if not piece:
                self.ended = True
        return "".join(pieces)

    def close(self) -> None:
        """Close it, when nobody waits for it or reads it any more."""
        self._stream.close()
        os.close(self._woken)
        os.close(self._wake)


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

    def wait_for_log(self, text: str, *, after: int = 0, timeout: float = 30.0, times: int = 1) -> None:
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
