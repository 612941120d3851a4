"""
What is peculiar about living in FreeRADIUS: versions, search path, check mode, collector, exit. Standard library only.

Imported by the door before anything else, because `prefer_own_packages` decides which third-party packages the
modules after it get.
"""

import ctypes
import gc
import getopt
import re
import site
import sys
import threading
from pathlib import Path

#: Options of the command ``freeradius``, 3.0 to 3.2.
_SERVER_OPTIONS = "Cd:D:fhi:l:mMn:p:PstTvxX"

#: In 3.2.9 what Python returns is only read in debug mode: every reply would be empty.
_UNUSABLE = (3, 2, 9)
#: Older servers end the interpreter without holding its lock.
_FIRST_WITH_SAFE_EXIT = (3, 2, 7)
_OLDEST = (3, 2, 0)
#: Collections of what is middle-aged until a full one; Python's own is 10.
_FULL_COLLECTION = 1000


class HostError(Exception):
    """This server cannot run the plugin; the text says why and what to do."""


def prefer_own_packages() -> None:
    """
    Put what ``python_path`` names in front of the distribution's packages.

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


def server_version() -> tuple[int, int, int]:
    """
    Return the version of the FreeRADIUS around us, for example ``(3, 2, 1)``.

    Raises:
        HostError: There is none.
    """
    try:
        version = ctypes.c_char_p.in_dll(ctypes.CDLL(None), "radiusd_version_short").value or b""
    except ValueError as exc:
        raise HostError("smsotp_plugin.freeradius is loaded by FreeRADIUS's module rlm_python3 only") from exc
    numbers = re.match(rb"(\d+)\.(\d+)\.(\d+)", version)
    if not numbers:
        raise HostError(f"the version of FreeRADIUS cannot be read: {version.decode(errors='replace')!r}")
    major, minor, patch = (int(number) for number in numbers.groups())
    return major, minor, patch


def refuse_unusable(version: tuple[int, int, int]) -> None:
    """
    Stop where the plugin cannot work.

    Raises:
        HostError: With the reason and what to install instead.
    """
    shown = ".".join(map(str, version))
    if version == _UNUSABLE:
        raise HostError(
            f"FreeRADIUS {shown} drops what a Python module answers (its issue 5922): install 3.2.8 or 3.2.10"
        )
    if not _OLDEST <= version < (4, 0, 0):
        raise HostError(f"FreeRADIUS {shown} is not supported: install 3.2.1 or a later 3.2")


def refuse_foreign_python(package: Path) -> None:
    """
    Stop where the packages were installed for another Python than the one that FreeRADIUS embeds.

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


def is_config_check(command_line: list[str]) -> bool:
    """
    Tell whether the server only checks its configuration (``freeradius -C``).

    Args:
        command_line: As in ``/proc/self/cmdline``, with the program's name.
    """
    try:
        options, _ = getopt.gnu_getopt(command_line[1:], _SERVER_OPTIONS)
    except getopt.GetoptError:
        return False
    return any(name == "-C" for name, _ in options)


def command_line() -> list[str]:
    """Return the command line of the server; ``sys.argv`` is empty in there."""
    return [
        part.decode(errors="replace") for part in Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1]
    ]


def calm_collector() -> None:
    """
    Have Python's garbage collector seldom go through everything; for when all is started.

    Challenges and messages that wait live for seconds and are no garbage, but a full collection goes through all of
    them, and no log-in is answered meanwhile: 0.1 s with some ten thousand messages (decision 0008). Young cycles are
    collected as before.
    """
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _FULL_COLLECTION)


def guard_exit(version: tuple[int, int, int]) -> None:
    """
    Take the interpreter's lock for the exit of servers that forget to (before 3.2.7).

    Without it, whatever is still open at exit ends the server with SIGABRT. Later servers hold the lock, and taking
    it a second time would hang them.
    """
    if version < _FIRST_WITH_SAFE_EXIT:
        register = threading._register_atexit  # type: ignore[attr-defined]  # noqa: SLF001  (no public way)
        register(ctypes.PyDLL(None).PyEval_AcquireLock)
