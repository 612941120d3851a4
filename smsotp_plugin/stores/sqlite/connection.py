"""One connection to the database, which one thread at a time uses, and nobody for a while after it failed."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import StoreError

#: How long a file that did not work is left alone, in seconds. Each statement that is tried waits for the file: this way one user
#: waits, not all.
_REST_SECONDS = 1.0
#: A write-ahead log that is longer than this, in bytes, is cut to this length when it is begun anew: what is overwritten needs no
#: new room on the disk. A little less than the length at which the log is begun anew.
_LOG_KEPT = 7 * 1024 * 1024
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "wal_autocheckpoint = 0",
    f"journal_size_limit = {_LOG_KEPT}",
    # Removed data is overwritten, so that free pages hold nothing; many builds of SQLite do that only when asked.
    "secure_delete = ON",
)


def connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """
    Open a database in the way that all connections of a store share.

    Raises:
        sqlite3.Error: It cannot be used.
    """
    # FreeRADIUS calls from a different thread each time; locks keep them apart.
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.Error as exc:
        raise StoreError(f"{path}: {exc}") from exc


class SharedConnection:
    """
    A connection that threads use in turn.

    Args:
        path: For errors.
        clock: Time.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._failure = ""
        self._rest_until = 0.0
        self._connection: sqlite3.Connection | None = None
        self.lock = threading.Lock()

    def use(self, connection: sqlite3.Connection | None) -> None:
        """Close the connection and use another one from now on, or none; the caller holds `lock`."""
        old, self._connection = self._connection, connection
        if old is not None:
            old.close()

    @contextmanager
    def alone(self, *, waits: bool = True) -> Iterator[sqlite3.Connection]:
        """
        Let one thread at a time use the connection, and nobody for a while after it failed.

        Args:
            waits: Wait for a thread that uses it.

        Raises:
            StoreError: It failed a moment ago, or fails now; or it is in use, and the caller does not wait.
        """
        if not self.lock.acquire(blocking=waits):
            raise StoreError(f"{self._path} is in use")
        try:
            if self._failure and self._clock.monotonic() < self._rest_until:
                raise StoreError(self._failure)
            self._failure = ""
            if self._connection is None:
                raise StoreError(f"{self._path} is not open")
            try:
                with translate_errors(self._path):
                    if self._connection.in_transaction:
                        # There was too little memory to end the last transaction; nothing in it has been promised to anybody.
                        self._connection.execute("ROLLBACK")
                    yield self._connection
            except StoreError as exc:
                if isinstance(exc.__cause__, sqlite3.OperationalError):
                    self._failure = str(exc)
                    self._rest_until = self._clock.monotonic() + _REST_SECONDS
                raise
        finally:
            self.lock.release()
