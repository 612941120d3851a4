"""
The provider ``script``: a program of the administrator's, with the number as argument and the text on standard input.

The text is never an argument: every user of the machine can read those.
"""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, ClassVar

from pydantic import AfterValidator

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    BadMessage,
    BadRecipient,
    DeliveryError,
    GatewayUnavailable,
    NotSent,
    ProtocolViolation,
    Throttled,
    Unknown,
)
from smsotp_plugin.providers.base import GatewayContext, GatewaySettings, Provider
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.wire.program import Exit, NotStarted, ProgramRunner, TimeLimit, Unwatched

#: What an exit status means; the numbers from 64 on are those of sysexits.h. A status that is not here says nothing
#: about whether the message has left.
_MEANING: MappingProxyType[int, tuple[type[DeliveryError], str]] = MappingProxyType(
    {
        1: (NotSent, "failed before anything was sent"),
        64: (BadMessage, "cannot be used like this (EX_USAGE)"),
        65: (BadMessage, "does not take this text (EX_DATAERR)"),
        67: (BadRecipient, "does not deliver to this number (EX_NOUSER)"),
        69: (GatewayUnavailable, "cannot serve now (EX_UNAVAILABLE)"),
        75: (Throttled, "asks to try again later (EX_TEMPFAIL)"),
        77: (AuthFailed, "is not permitted to send (EX_NOPERM)"),
        78: (AuthFailed, "is not configured (EX_CONFIG)"),
        126: (GatewayUnavailable, "could not run a program that it needs"),
        127: (GatewayUnavailable, "did not find a program that it needs"),
    }
)


def _check_script(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    try:
        kind = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        kind = 0
    except OSError as exc:
        # pathlib raises where it may not look, and where a name is too long.
        raise ValueError(f"{path} cannot be looked at: {exc.strerror}") from None
    if not stat.S_ISREG(kind):
        raise ValueError(f"{path} is not a file")
    if not os.access(path, os.X_OK):
        raise ValueError(f"{path} may not be executed by this user (chmod +x)")
    return path


class ScriptSettings(GatewaySettings):
    """
    What a gateway behind a program needs.

    Attributes:
        SCRIPT: Absolute path of the program.
    """

    SCRIPT: Annotated[Path, AfterValidator(_check_script)]

    def warnings(self) -> list[str]:
        """Return what is allowed but probably not meant."""
        found = super().warnings()
        with suppress(OSError):  # it may have gone since
            if self.SCRIPT.stat().st_mode & stat.S_IWOTH:
                found.append("SCRIPT: every user of this machine may change it (chmod o-w).")
        return found


@dataclass(frozen=True, slots=True)
class ScriptRun:
    """
    One run of the program.

    Attributes:
        number: Its argument.
        text: For its standard input, UTF-8 without a line end.
    """

    number: str = field(repr=False)
    text: bytes = field(repr=False)


class ScriptProvider(Provider[ScriptSettings, ScriptRun, Exit]):
    """Sends by running a program for each message."""

    Settings: ClassVar[type[GatewaySettings]] = ScriptSettings

    def __init__(self, context: GatewayContext, settings: ScriptSettings) -> None:
        super().__init__(context, settings)
        self._runner = ProgramRunner()

    def close(self) -> None:
        """Kill the runs that are under way."""
        self._runner.close()

    def compose(self, message: Message) -> ScriptRun:
        """Write number and text."""
        return ScriptRun(self.written_number(message.number), message.sentence.get_secret_value().encode())

    def exchange(self, request: ScriptRun, deadline: Deadline) -> Exit:
        """Run the program to its end."""
        try:
            return self._runner.run([str(self.settings.SCRIPT), request.number], request.text, deadline)
        except NotStarted as exc:
            raise GatewayUnavailable(f"the script could not be started: {exc}") from exc
        except TimeLimit:
            raise AnswerTimeout("the script did not end in time and was killed") from None
        except Unwatched as exc:
            raise Unknown(f"the script was killed, because its end could not be waited for: {exc}") from None

    def show_request(self, request: ScriptRun) -> str:
        """Return argument and input."""
        return f"for {request.number}: {request.text!r}"

    def show_answer(self, answer: Exit) -> str:
        """Return exit status and output."""
        return f"status {answer.status}, output {answer.output!r}, errors {answer.errors!r}"

    def judge(self, answer: Exit) -> Receipt:
        """Read the exit status."""
        if answer.status == 0:
            return Receipt(gateway_id=_read_first_line(answer.output))
        error = _judge_failure(answer.status)
        # What went wrong is mostly told last, behind warnings or a traceback.
        error.said = answer.errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise error

    def probe(self, deadline: Deadline) -> None:
        """Look whether the program is still there; it is not run, since each run sends."""
        del deadline
        try:
            _check_script(self.settings.SCRIPT)
        except ValueError as exc:
            raise GatewayUnavailable(f"SCRIPT {exc}") from exc


def _judge_failure(status: int | None) -> DeliveryError:
    if status is None:
        return ProtocolViolation("the script's exit status was lost")
    if status < 0:
        return Unknown(f"the script was ended by signal {-status}")
    kind, words = _MEANING.get(status, (Unknown, "does not say whether the message was sent"))
    return kind(f"the script {words}: exit status {status}")


def _read_first_line(output: bytes) -> str:
    """Return the first line if it can be an id, else nothing."""
    line = output.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    return line if line.isprintable() and len(line) <= 128 and "\ufffd" not in line else ""
