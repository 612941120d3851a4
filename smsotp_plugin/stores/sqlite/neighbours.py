"""Telling whether another process uses the same database: locks that end with their process, on the database's directory."""

import errno
import fcntl
import os
import secrets
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.stores.sqlite.identity import cannot_open

#: A number that no other store has; the bytes behind those that stand for databases.
_FIRST_OWNER, _OWNERS = 1 << 32, 1 << 61

#: ``struct flock`` of fcntl(2), with offsets of 64 bits and padded at its end.
_FLOCK = "hhqqi0q"
#: How long the files are waited for, and how often they are looked at meanwhile; in seconds.
_LONGEST, _LOOK = 1.0, 0.01


def draw_owner() -> int:
    """Return the number of a store, which no other one has."""
    return _FIRST_OWNER + secrets.randbelow(_OWNERS)


def find_neighbours(path: Path, owner: int) -> "Neighbours":
    """
    Move into a database.

    Args:
        path: The database.
        owner: Number of the store.

    Raises:
        StoreError: Its directory cannot be opened.
    """
    try:
        return Neighbours(path, owner)
    except OSError as exc:
        raise cannot_open(path, exc.strerror) from exc


class Neighbours:
    """
    Who else is at home in a database.

    On the directory, not on the file: SQLite's own locks on a file end when any descriptor of it is closed.

    Args:
        path: The database.
        owner: Number of this store.

    Raises:
        OSError: Its directory cannot be opened.
    """

    def __init__(self, path: Path, owner: int) -> None:
        real = Path(os.path.realpath(path))
        #: The byte of the directory that stands for this database.
        self._place = zlib.crc32(os.fsencode(real.name))
        self._directory = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for place in (self._place, owner):
                self._call(fcntl.F_OFD_SETLK, fcntl.F_RDLCK, place)
            self.can_tell = True
        except OSError:
            self.can_tell = False

    def are_there(self) -> bool:
        """Tell whether any other store is open on this database; yes where this cannot be known."""
        return self._is_held(self._place)

    def lives(self, owner: int) -> bool:
        """Tell whether another store is open that has this number; yes where this cannot be known."""
        return self._is_held(owner)

    def _is_held(self, place: int) -> bool:
        if not self.can_tell:
            return True
        try:
            return self._call(fcntl.F_OFD_GETLK, fcntl.F_WRLCK, place) != fcntl.F_UNLCK
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

    def _call(self, command: int, kind: int, place: int) -> int:
        wanted = struct.pack(_FLOCK, kind, os.SEEK_SET, place, 1, 0)
        answer = fcntl.fcntl(self._directory, command, wanted)
        return int(struct.unpack(_FLOCK, answer)[0])
