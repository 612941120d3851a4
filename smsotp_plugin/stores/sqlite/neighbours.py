"""
Tells whether another process uses the same database, or used it a moment ago.

Each process that is there holds a lock on the database's directory, which ends with the process. Each one that comes writes a
random number into a file that all have mapped into memory, so a process that finds the same number as at its last look has been
alone all the time. That needs no system call: each of those gives up the interpreter's lock, and costs a log-in as much as
everything else that it does.
"""

import errno
import fcntl
import mmap
import os
import secrets
import struct
import threading
import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import Path

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.stores.sqlite.identity import beside, cannot_open

#: The numbers of stores, which no two share; as offsets in bytes they come after those that stand for databases.
_FIRST_OWNER, _OWNERS = 1 << 32, 1 << 61

#: ``struct flock`` of fcntl(2), with offsets of 64 bits and padded at its end.
_FLOCK = "hhqqi0q"
#: How long to wait for the files, and how often to look at them meanwhile; in seconds.
_LONGEST, _LOOK = 1.0, 0.01
#: Ends the name of the file that shows that somebody has come.
VISITS_ENDING = "-visits"
#: Bytes of the number in that file.
_VISIT = 8


class Presence(Enum):
    """Who has used a database since the last look."""

    NOBODY = auto()
    #: Nobody is there; somebody may have come and gone.
    GONE = auto()
    THERE = auto()


def draw_owner() -> int:
    """Return the number of a store, which no other one has."""
    return _FIRST_OWNER + secrets.randbelow(_OWNERS)


def find_neighbours(path: Path, owner: int) -> "Neighbours":
    """
    Begin to use a database.

    Args:
        path: The database.
        owner: Number of the store.

    Raises:
        StoreError: Its directory cannot be opened, or the file that shows visits cannot be written.
    """
    try:
        return Neighbours(path, owner)
    except OSError as exc:
        raise cannot_open(path, exc.strerror) from exc


class Neighbours:
    """
    Who else uses a database.

    On the directory, not on the file: SQLite's own locks on a file end when any descriptor of it is closed.

    Any thread may ask at any time, even after another one has called `leave`: then nothing is known, and others may be there.

    Args:
        path: The database.
        owner: Number of this store.

    Attributes:
        can_tell: Whether anything can be known here.

    Raises:
        OSError: Its directory cannot be opened.
        StoreError: The file that shows visits cannot be written.
    """

    def __init__(self, path: Path, owner: int) -> None:
        real = Path(os.path.realpath(path))
        #: The byte of the directory that stands for this database.
        self._place = zlib.crc32(os.fsencode(real.name))
        self._directory = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # Not by `close`: a thread that is asking would then ask whatever file had got this descriptor's number.
        close_directory = weakref.finalize(self, os.close, self._directory)
        self._held = (self._place, owner)
        try:
            for place in self._held:
                self._call(fcntl.F_OFD_SETLK, fcntl.F_RDLCK, place)
            self.can_tell = True
        except OSError:
            self.can_tell = False
        #: The number in the file when nobody else was there.
        self._alone_since = b""
        self._path = beside(real, VISITS_ENDING)
        try:
            self._visits = self._ring()
        except BaseException:
            close_directory()
            raise

    def look(self, doubt: Callable[[], None]) -> Presence:
        """
        Tell who has been there since the last call, or, at the first call, at any time; `THERE` if this cannot be known.

        Args:
            doubt: Called if anybody was there, before any other thread is told `NOBODY`.
        """
        if not self.can_tell:
            doubt()
            return Presence.THERE
        # Read before the lock is looked at, so that a process that comes in between is noticed the next time.
        latest = self._visits[:]
        if latest == self._alone_since:
            return Presence.NOBODY
        is_there = self.are_there()
        doubt()
        if is_there:
            return Presence.THERE
        self._alone_since = latest
        return Presence.GONE

    def notice_removal(self) -> None:
        """
        If somebody has removed the file that shows visits, make another one, which processes that come later will use.

        Raises:
            OSError: It cannot be looked at.
            StoreError: It cannot be made.
        """
        try:
            is_there = self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            is_there = False
        if not is_there:
            # Not closed: a log-in may be looking at the old one.
            self._visits = self._ring()

    def _ring(self) -> mmap.mmap:
        """Show the processes that are there that another one has come."""
        try:
            file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(file, secrets.token_bytes(_VISIT), 0)
                self._inode = os.fstat(file).st_ino
                return mmap.mmap(file, _VISIT)
            finally:
                os.close(file)
        except OSError as exc:
            raise cannot_open(self._path, exc.strerror) from exc

    def are_there(self) -> bool:
        """Tell whether any other store is open on this database; yes if this cannot be known."""
        return self._is_held(self._place)

    def lives(self, owner: int) -> bool:
        """Tell whether another store with this number is open; yes if this cannot be known."""
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
        Keep other processes waiting while this one changes the files of this directory.

        Raises:
            OSError: Another one has kept this one waiting for too long.
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
        """Stop using it. The files are closed when the last thread that was asking has its answer."""
        self.can_tell = False
        with suppress(OSError):  # without locks there was none
            for place in self._held:
                self._call(fcntl.F_OFD_SETLK, fcntl.F_UNLCK, place)

    def _call(self, command: int, kind: int, place: int) -> int:
        wanted = struct.pack(_FLOCK, kind, os.SEEK_SET, place, 1, 0)
        answer = fcntl.fcntl(self._directory, command, wanted)
        return int(struct.unpack(_FLOCK, answer)[0])
