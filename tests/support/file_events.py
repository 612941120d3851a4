"""Waiting for what another process does to the files of a directory, with inotify(7)."""

import ctypes
import os
import select
import time
from collections.abc import Callable
from pathlib import Path

_PATIENCE = 60.0  # real seconds
_IN_MODIFY, _IN_MOVED_TO, _IN_CREATE, _IN_DELETE = 0x2, 0x80, 0x100, 0x200
_LIBC = ctypes.CDLL(None, use_errno=True)


def wait_for_files(directory: Path, happened: Callable[[], object]) -> None:
    """Return once something is true; the question is asked again whenever a file of the directory has changed."""
    events = _LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    mask = _IN_MODIFY | _IN_MOVED_TO | _IN_CREATE | _IN_DELETE
    assert events >= 0, os.strerror(ctypes.get_errno())
    try:
        watch = _LIBC.inotify_add_watch(events, os.fsencode(directory), mask)
        assert watch >= 0, os.strerror(ctypes.get_errno())
        end = time.monotonic() + _PATIENCE
        while not happened():
            ready, _, _ = select.select([events], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"it did not happen within {_PATIENCE:g} s"
            os.read(events, 65536)
    finally:
        os.close(events)
