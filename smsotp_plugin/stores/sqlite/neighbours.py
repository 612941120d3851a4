"""Telling whether another process uses the same database: locks that end with their process, on the database's directory."""

import errno
import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.stores.sqlite.identity import cannot_open

#: ``struct flock`` of fcntl(2), with offsets of 64 bits and padded at its end.
_FLOCK = "hhqqi0q"
#: How long the files are waited for, and how often they are looked at meanwhile; in seconds.
_LONGEST, _LOOK = 1.0, 0.01


def neighbours_of(path: Path) -> "Neighbours":
    """
    Move into a database.

    Raises:
        StoreError: Its directory cannot be opened.
    """
    try:
        return Neighbours(path)
    except OSError as exc:
        raise cannot_open(path, exc.strerror) from exc


class Neighbours:
    """
    Who else is at home in a database.

    On the directory, not on the file: SQLite's own locks on a file end when any descriptor of it is closed.

    Args:
        path: The database.

    Raises:
        OSError: Its directory cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        real = Path(os.path.realpath(path))
        #: The byte of the directory that stands for this database.
        self._place = zlib.crc32(os.fsencode(real.name))
        self._directory = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._call(fcntl.F_OFD_SETLK, fcntl.F_RDLCK)
            self._can_tell = True
        except OSError:
            self._can_tell = False

    def are_there(self) -> bool:
        """Tell whether any other store is open on this database; yes where this cannot be known."""
        if not self._can_tell:
            return True
        try:
            return self._call(fcntl.F_OFD_GETLK, fcntl.F_WRLCK) != fcntl.F_UNLCK
        except OSError:
            return True

    @contextmanager
    def kept_waiting(self, clock: Clock) -> Iterator[None]:
        """
        Let one process at a time do something to the files of this directory.

        Raises:
            OSError: Another one does so all the time.
        """
        deadline, waiting = Deadline.after(_LONGEST, clock), threading.Condition()
        while not self._locked():
            if deadline.passed():
                raise OSError(errno.EAGAIN, "another program has locked its directory")
            with waiting:
                clock.wait(waiting, _LOOK)
        try:
            yield
        finally:
            fcntl.flock(self._directory, fcntl.LOCK_UN)

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        os.close(self._directory)

    def _call(self, command: int, kind: int) -> int:
        wanted = struct.pack(_FLOCK, kind, os.SEEK_SET, self._place, 1, 0)
        answer = fcntl.fcntl(self._directory, command, wanted)
        return int(struct.unpack(_FLOCK, answer)[0])
