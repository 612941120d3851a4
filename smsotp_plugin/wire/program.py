"""
A program that is started, listened to and, at the deadline, ended together with everything that it started.

Built on `subprocess.Popen` for starting. The waiting is our own: `Popen.communicate` keeps output of any length, waits
for children that inherited the output, and `Popen.wait` takes a lost exit status for 0.
"""

import contextlib
import errno
import os
import select
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from smsotp_plugin.clock import Deadline

#: Bytes that are kept of each output; the rest is read and dropped.
_KEPT = 4096
#: Bytes that a pipe holds, at most, of what a program has written before its end (pipe(7)).
_FULL_PIPE = 65536
#: For other people's programs: the server's own environment may hold passwords.
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Exit:
    """
    How a program ended.

    Attributes:
        status: Exit status 0 to 255, or minus the number of the signal that killed it, or None where the operating
            system does not say (somebody else has waited for it).
        output: The beginning of its standard output.
        errors: The end of its standard error, from the beginning of a line.
    """

    status: int | None
    output: bytes = field(default=b"", repr=False)
    errors: bytes = field(default=b"", repr=False)


class NotStarted(Exception):
    """The program could not be started; the text says why, without its arguments."""


class TimeLimit(Exception):
    """The program was killed at the deadline."""


class Unwatched(Exception):
    """The program was killed because nobody could wait for its end; the text says why."""


class ProgramRunner:
    """
    Runs programs from several threads at once, and can end them all.

    Args:
        environment: All that they find in theirs.
    """

    def __init__(self, environment: Mapping[str, str] = _ENVIRONMENT) -> None:
        self._environment = environment
        self._lock = Lock()
        self._running: set[int] = set()
        self._closed = False

    def run(self, command: list[str], text: bytes, deadline: Deadline) -> Exit:
        """
        Start a program with a text on its standard input and wait for its end.

        Args:
            command: Absolute path and arguments; no shell is involved.
            text: For its standard input. A program need not read it.
            deadline: When it, and what it started in its process group, is killed.

        Raises:
            NotStarted: It never ran.
            TimeLimit: It was killed.
            Unwatched: It was killed at once.
        """
        with self._start(command, text) as process:
            try:
                output, errors = _listen(process, deadline)
            except BaseException:
                self._kill({process.pid})
                raise
            finally:
                status = self._await_end(process.pid)
        return Exit(status, output, errors)

    def close(self) -> None:
        """Kill what is running and start nothing more."""
        with self._lock:
            self._closed = True
            running = set(self._running)
        self._kill(running)

    def _start(self, command: list[str], text: bytes) -> subprocess.Popen[bytes]:
        if self._closed:
            raise NotStarted("the gateway is being closed")
        try:
            # A file in memory, not a pipe: nobody has to wait until the program reads.
            with open(os.memfd_create("sms"), "w+b") as stdin:  # noqa: PTH123  (it has no path)
                stdin.write(text)
                stdin.seek(0)
                process = subprocess.Popen(  # noqa: S603  (the administrator's own command, without a shell)
                    command,
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd="/",
                    env=self._environment,
                    start_new_session=True,
                )
        except OSError as exc:
            raise NotStarted(_explain_start(exc, command[0])) from None
        with self._lock:
            self._running.add(process.pid)
        if self._closed:
            self._kill({process.pid})
        return process

    def _kill(self, pids: set[int]) -> None:
        with self._lock:
            for pid in self._running & pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)

    def _await_end(self, pid: int) -> int | None:
        """Return the status once the program has ended. It stays a zombie, so that its number is not given away."""
        ended = None
        with contextlib.suppress(ChildProcessError):
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            self._running.discard(pid)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _explain_start(exc: OSError, program: str) -> str:
    if exc.errno == errno.ENOENT and Path(program).exists():
        return "what its first line names does not exist (the line end of Windows, CR, would be part of that name)"
    if exc.errno == errno.ENOEXEC:
        return "its first line has to name what runs it, such as #!/bin/sh"
    return exc.strerror or type(exc).__name__


def _listen(process: subprocess.Popen[bytes], deadline: Deadline) -> tuple[bytes, bytes]:
    """Read both outputs until the program itself has ended, whoever else still holds them."""
    assert process.stdout is not None
    assert process.stderr is not None
    output, errors = _Heard(), _Heard(from_end=True)
    heard = {process.stdout.fileno(): output, process.stderr.fileno(): errors}
    poll = select.poll()
    for fd in heard:
        poll.register(fd, select.POLLIN)
    try:
        end = os.pidfd_open(process.pid)
    except ProcessLookupError:
        # It has ended and somebody else has waited for it.
        pass
    except OSError as exc:
        raise Unwatched(exc.strerror) from exc
    else:
        try:
            poll.register(end, select.POLLIN)
            while not deadline.passed():
                if end in _read_ready(poll, heard, deadline.remaining()):
                    break
            else:
                raise TimeLimit
            poll.unregister(end)
        finally:
            os.close(end)
    # What it said last is still in the pipes; what it has started may go on for ever.
    for _ in range(_FULL_PIPE // _KEPT):
        if not _read_ready(poll, heard, 0):
            break
    return output.read(), errors.read()


class _Heard:
    """
    What is kept of one output.

    Args:
        from_end: Whether its end is kept, and not its beginning.
    """

    def __init__(self, *, from_end: bool = False) -> None:
        self._kept = b""
        self._from_end = from_end
        self._is_cut = False

    def note(self, data: bytes) -> None:
        """Note what comes next."""
        self._kept += data
        self._is_cut = self._is_cut or len(self._kept) > _KEPT
        self._kept = self._kept[-_KEPT:] if self._from_end else self._kept[:_KEPT]

    def read(self) -> bytes:
        """Return it, without a line whose beginning is gone: half a secret would not be recognised in it."""
        return self._kept.partition(b"\n")[2] if self._from_end and self._is_cut else self._kept


def _read_ready(poll: select.poll, heard: dict[int, _Heard], seconds: float) -> set[int]:
    """Wait until something is ready, read once from each output that is, and return all that was ready."""
    ready = {fd for fd, _ in poll.poll(seconds * 1000)}
    for fd in ready & heard.keys():
        data = os.read(fd, _KEPT)
        heard[fd].note(data)
        if not data:
            poll.unregister(fd)
    return ready
