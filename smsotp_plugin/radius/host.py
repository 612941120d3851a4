"""
What is special about running inside FreeRADIUS: versions, search path, check mode, collector, exit. Standard library only.

Imported by the door before anything else, because `prefer_own_packages` decides which third-party packages the
modules after it get.
"""

import codecs
import ctypes
import gc
import getopt
import os
import re
import resource
import site
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.wire.program import NotStarted, ProgramRunner, TimeLimit

#: The program of this process: inside FreeRADIUS, the server, even if its file has been replaced since.
_THIS_PROGRAM = Path("/proc/self/exe")
#: Seconds; an answer takes a few hundredths.
_VERSION_LIMIT = 5.0
#: Options of the command ``freeradius``, 3.0 to 3.2.
_SERVER_OPTIONS = "Cd:D:fhi:l:mMn:p:PstTvxX"

#: Older servers end the interpreter without holding its lock.
_FIRST_WITH_SAFE_EXIT = (3, 2, 7)
#: The version that is assumed if a server does not say its own. Its exit is then left alone, because a guard that is not
#: needed hangs the server, while a missing one only spoils its exit status.
IF_UNKNOWN = _FIRST_WITH_SAFE_EXIT
_OLDEST = (3, 2, 1)
#: ``prctl(2)``
_PR_SET_DUMPABLE = 4
#: How many collections of the middle generation come before a full one; Python's own number is 10.
_FULL_COLLECTION = 1000


class HostError(Exception):
    """This server cannot run the plugin; the text says why and what to do."""


def prefer_own_packages() -> None:
    """
    Put the directories in ``python_path`` in front of the distribution's packages.

    rlm_python3 appends it, so that ``/usr/lib/python3/dist-packages`` would win, and does not read ``.pth`` files.
    """
    last = max((index for index, path in enumerate(sys.path) if path.endswith("dist-packages")), default=None)
    if last is None:
        return
    before, own = sys.path[: last + 1], sys.path[last + 1 :]
    sys.path[:] = before
    for path in own:
        site.addsitedir(path)
    own = list(dict.fromkeys([*own, *sys.path[len(before) :]]))
    first = next(index for index, path in enumerate(before) if path.endswith("dist-packages"))
    sys.path[:] = [*before[:first], *own, *before[first:]]


def read_any_text() -> None:
    """
    Make bytes that are not UTF-8 reach us as lone surrogates (PEP 383), in any attribute of any list.

    rlm_python3 reads all lists strictly: at one such byte, in a network's name or from a directory, it fails without
    calling us. Its reading has no Python frame around it, which distinguishes it from all other strict reading.
    """
    escape = codecs.lookup_error("surrogateescape")

    def read(error: UnicodeError) -> tuple[str | bytes, int]:
        called_by_host = sys._getframe().f_back is None  # noqa: SLF001  (the documented way to a frame)
        return escape(error) if called_by_host else codecs.strict_errors(error)

    codecs.register_error("strict", read)


def find_server_version(program: Path = _THIS_PROGRAM, limit: float = _VERSION_LIMIT) -> tuple[int, int, int]:
    """
    Return the version of the FreeRADIUS around us, for example ``(3, 2, 1)``.

    The program itself is asked (``-v``): since 3.2.3 it has no symbol that holds the version.

    Args:
        program: Absolute path.
        limit: Seconds after which it is killed.

    Raises:
        HostError: It does not say; the text says why.
    """
    try:
        ended = ProgramRunner(os.environ).run([str(program), "-v"], b"", Deadline.after(limit, SystemClock()))
    except TimeLimit:
        raise HostError(f"{program} -v did not end within {limit:g} s") from None
    except (NotStarted, OSError) as exc:
        raise HostError(f"{program} -v cannot be run: {exc}") from None
    numbers = re.search(rb"FreeRADIUS Version (\d{1,4})\.(\d{1,4})\.(\d{1,4})", ended.output)
    if not numbers:
        raise HostError(f"{program} -v does not say its version")
    major, minor, patch = (int(number) for number in numbers.groups())
    return major, minor, patch


def refuse_unusable(version: tuple[int, int, int]) -> None:
    """
    Stop if the server is too old. Nothing else is judged by the version number: distributions fix what upstream broke.

    Raises:
        HostError: With what to install instead.
    """
    if version < _OLDEST:
        shown = ".".join(map(str, version))
        raise HostError(f"FreeRADIUS {shown} is too old: install a 3.2, not older than 3.2.1")


def refuse_foreign_python(package: Path) -> None:
    """
    Stop if the packages were installed for another Python than the one that FreeRADIUS embeds.

    Args:
        package: Any file of an installed package.

    Raises:
        HostError: The path names another version.
    """
    installed = re.search(r"/python(3\.\d+)/", str(package))
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if installed and installed[1] != running:
        raise HostError(
            f"{package} belongs to Python {installed[1]}, but FreeRADIUS runs Python {running}: "
            "make the virtual environment with /usr/bin/python3 and install smsotp-plugin there"
        )


def forbid_core_dumps() -> str:
    """
    Keep the key, passwords and codes out of core dumps, and other processes of the server's user out of its memory.

    ``allow_core_dumps = no`` alone sets a limit, which the kernel ignores if a program receives the core dumps (core(5)), as
    systemd's does.

    Returns:
        Why there may be core dumps, for the log; empty if there are none.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_CORE)
    # The server sets the limit before it loads modules; if somebody has asked for core dumps, they stay allowed.
    if limit:
        return (
            "core dumps are allowed: one would hold the key of the store, passwords and codes; unless you are investigating a crash, "
            "write allow_core_dumps = no in the section security of radiusd.conf"
        )
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        return f"core dumps cannot be forbidden: {os.strerror(ctypes.get_errno())}"
    return ""


def is_config_check(command_line: list[str]) -> bool:
    """
    Tell whether the server only checks its configuration (``freeradius -C``).

    Args:
        command_line: As in ``/proc/self/cmdline``, with the program's name.
    """
    return "-C" in find_server_options(command_line)


def find_server_options(command_line: list[str]) -> dict[str, str]:
    """
    Return the options that the server was started with, for example ``{"-f": "", "-d": "/etc/raddb"}``.

    Args:
        command_line: As in ``/proc/self/cmdline``, with the program's name; for another program nothing is returned.
    """
    try:
        options, _ = getopt.gnu_getopt(command_line[1:], _SERVER_OPTIONS)
    except getopt.GetoptError:
        return {}
    return dict(options)


def read_command_line() -> list[str]:
    """Return the server's command line; inside the server, ``sys.argv`` is empty."""
    return [
        part.decode(errors="replace") for part in Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1]
    ]


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Let Python's garbage collector rest during the start: it would go through all that was loaded again and again, and find nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def leave_uncollected() -> None:
    """Keep Python from looking for garbage in everything that was loaded when this process ends; called where it ends at once."""
    gc.freeze()


def calm_collector() -> None:
    """
    Make Python's garbage collector go through everything only rarely; called when everything is started.

    Waiting challenges and messages live for seconds and are not garbage, but a full collection goes through all of them, and
    meanwhile no log-in is answered: 0.1 s with some ten thousand messages (decision 0008). Young cycles are collected as before.
    """
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _FULL_COLLECTION)


def guard_exit(version: tuple[int, int, int]) -> None:
    """
    Take the interpreter's lock at exit on servers that forget to do so (before 3.2.7).

    Without it, anything still open at exit ends the server with SIGABRT. Later servers hold the lock, and taking it a second
    time would hang them.
    """
    if version < _FIRST_WITH_SAFE_EXIT:
        register = threading._register_atexit  # type: ignore[attr-defined]  # noqa: SLF001  (no public way)
        register(ctypes.PyDLL(None).PyEval_AcquireLock)
