"""
Log lines: one sentence each, one way out, nothing secret.

Everything logs through `logging.getLogger("smsotp...")`. The door sends the records to FreeRADIUS's own log, the
commands to standard error. Tracebacks become one line without values, because a value may be a code.
"""

import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

ROOT = "smsotp"
#: Below this, a gateway logs under its name.
GATEWAYS = f"{ROOT}.gateway."
#: How each line begins.
LINE_START = "smsotp: "

#: Characters of a name or an answer; more would not help anybody who reads a log.
_LONGEST_QUOTE = 64


class SinkHandler(logging.Handler):
    """
    Hands each record to a function as one printable line.

    Args:
        sink: Called from any thread with the level (as in `logging`) and the line.
    """

    def __init__(self, sink: Callable[[int, str], None]) -> None:
        super().__init__()
        self._sink = sink
        self.setFormatter(_OneLine("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = make_printable(self.format(record))
        except Exception as exc:  # noqa: BLE001  (a thread must not end because of what it has to say)
            line = f"{LINE_START}a line of the log could not be written: {type(exc).__name__} at {record.pathname}"
        with suppress(Exception):
            self._sink(record.levelno, line)


class _OneLine(logging.Formatter):
    """Names the gateway that logs. Of an exception it shows the class and the place, not the text, which may repeat input."""

    def format(self, record: logging.LogRecord) -> str:
        # Nearly all records are a text and nothing else, and `logging` takes seven steps to find that out.
        has_more = record.exc_info or record.exc_text or record.stack_info
        line = super().format(record) if has_more else record.getMessage()
        _, of_gateway, name = record.name.partition(GATEWAYS)
        return f"{LINE_START}gateway {name}: {line}" if of_gateway else f"{LINE_START}{line}"

    def formatException(  # noqa: N802  (logging's name)
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        kind, _, trace = ei
        frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(trace)]
        return f"{kind.__name__ if kind else 'no exception'} at {' < '.join(reversed(frames))}"


def configure_log(sink: Callable[[int, str], None], level: int) -> None:
    """
    Send everything that this package logs to one place, and nowhere else.

    Args:
        sink: See `SinkHandler`.
        level: Records below it are dropped, except those of gateways that are set to log more.
    """
    logger = logging.getLogger(ROOT)
    logger.handlers = [SinkHandler(sink)]
    logger.setLevel(level)
    logger.propagate = False
    # What no line of ours shows, and half of what a line costs (the optimisations that logging's manual names).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001  (that is its documented name)


def make_printable(text: str) -> str:
    """Return the text on one line, with everything that is not printable as an escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def quote(text: str) -> str:
    """Return what somebody sent, in quotes, escaped and cut to a length that a log can bear."""
    cut = text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "..."
    # Nobody's name ends its own quotes, or it could go on with "accepted".
    inside = make_printable(cut).replace('"', r"\x22")
    return f'"{inside}"'
