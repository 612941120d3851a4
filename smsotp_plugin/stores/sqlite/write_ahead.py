"""The write-ahead log of the database: commits are there first and are then moved into the database; the log is kept short."""

import logging
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

from smsotp_plugin.clock import Clock
from smsotp_plugin.stores.sqlite.connection import SharedConnection, connect, translate_errors
from smsotp_plugin.stores.sqlite.identity import beside

log = logging.getLogger("smsotp.store")

#: In bytes: above the first length the housekeeper empties it, above the second a writer begins it anew, and above the third a
#: warning about its length is logged.
_LONG, _TOO_LONG, _ALARMING = 1 << 20, 8 << 20, 64 << 20
#: How long emptying it waits for readers, in seconds; all writers wait meanwhile.
_READER_SECONDS = 0.02
#: How long it is left alone after a reader was in the way, in seconds.
_REST = 1.0
#: How long it may hold what has been removed from the database, in seconds; then it is emptied, however short it is.
_REMAINS = 60.0
_MOVE = "PRAGMA wal_checkpoint(PASSIVE)"
_EMPTY = "PRAGMA wal_checkpoint(TRUNCATE)"
#: The file keeps its length, so that later commits find their room on the disk already there.
_BEGIN_ANEW = "PRAGMA wal_checkpoint(RESTART)"


class WriteAheadLog:
    """
    The log of one database.

    Args:
        database: The database.
        clock: Time.

    Attributes:
        lock: Held while opening, moving or closing. Taken before the locks of all connections; a writer that finds it taken goes on
            without it.
    """

    def __init__(self, database: Path, clock: Clock) -> None:
        self._database = database
        self._path = beside(database, "-wal")
        self._clock = clock
        self.lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._rest_until = 0.0
        #: When it is emptied of removed data; infinite while it holds none. A server that has died may have left some.
        self._remains_until = clock.monotonic()
        self._complained = False

    def open(self) -> None:
        """
        Begin to look after it; the caller holds `lock`.

        Raises:
            sqlite3.Error: The database cannot be opened.
        """
        # If the database was replaced, a link may lead elsewhere now.
        self._path = beside(self._database, "-wal")
        self._connection = connect(self._database, _READER_SECONDS)

    def close(self) -> None:
        """Stop looking after it; the caller holds `lock`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def note_removed(self) -> None:
        """Note that something was removed from the database; it may still be in the log."""
        self._remains_until = min(self._remains_until, self._clock.monotonic() + _REMAINS)

    def move(self, writer: SharedConnection) -> None:
        """
        Move it into the database, and empty it if it is long or holds what was removed a while ago.

        Nearly all of it is moved while others go on writing; they wait only for the rest, which has come meanwhile.

        Args:
            writer: The connection through which all write.

        Raises:
            StoreError: It cannot be moved.
        """
        with self.lock, translate_errors(self._database):
            if self._connection is None:
                return
            self._connection.execute(_MOVE).fetchone()
            if self._length() > _LONG or self._clock.monotonic() >= self._remains_until:
                self._connection.execute(_MOVE).fetchone()
                with writer.alone():
                    if self._reset(self._connection, _EMPTY):
                        self._remains_until = float("inf")

    def shorten(self) -> None:
        """Begin it anew if it is too long and that is possible now; the caller holds the writer's lock, outside a transaction."""
        if self._length() <= _TOO_LONG or not self.lock.acquire(blocking=False):
            return
        try:
            with suppress(sqlite3.Error):  # the housekeeper's next round reports it
                if self._connection is not None:
                    self._reset(self._connection, _BEGIN_ANEW)
        finally:
            self.lock.release()

    def _length(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def _reset(self, connection: sqlite3.Connection, how: str) -> bool:
        """Move all of it, and begin it anew or empty it, unless somebody is reading it; the caller holds the writer's lock."""
        now = self._clock.monotonic()
        if now < self._rest_until:
            return False
        self._rest_until = now + _REST
        (busy, _, _) = connection.execute(how).fetchone()
        if not busy:
            self._rest_until = 0.0
            self._complained = False
            return True
        length = self._length()
        if length > _ALARMING and not self._complained:
            self._complained = True
            log.warning(
                "%s has grown to %d MB and cannot be emptied: another program has been reading the database all the time; "
                "find it with 'fuser %s' and end it",
                self._path,
                length >> 20,
                self._database,
            )
        return False
