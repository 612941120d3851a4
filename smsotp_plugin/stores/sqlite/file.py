"""
The SQL of the store of a single machine: one file, one connection for changes, one statement for each change.

Write-ahead log with ``synchronous = NORMAL``: a commit survives the death of the process; the last ones may be lost
with the power of the machine.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from operator import attrgetter
from pathlib import Path

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import (
    AlreadyUsed,
    Expired,
    ResendRefused,
    StoreError,
    TooManyAttempts,
    UnknownChallenge,
    WrongCode,
)
from smsotp_plugin.stores.base import Challenge, ResendRules
from smsotp_plugin.stores.delivery_log import DeliveryEvent, Wanted
from smsotp_plugin.stores.sqlite.trace import EVENT_NAMES, read_trace

SCHEMA_VERSION = 1

#: How long a statement waits for another process that holds the file, in seconds; the user waits as long.
_BUSY_SECONDS = 1.0
#: How long a file that did not work is left alone, in seconds: while each statement waits, one user waits, not all.
_REST_SECONDS = 1.0
#: Rows that one statement inserts: many at once while many wait. The connection keeps 128 statements prepared, and each
#: number of rows is one.
_MANY_ROWS, _FEW_ROWS = 256, 32
#: Rows removed under one lock: about half a millisecond.
_PURGE_ROWS = 200

_OPEN, _USED, _EXHAUSTED = 0, 1, 2

_SCHEMA = (
    f"""
CREATE TABLE challenges (
    state       TEXT PRIMARY KEY,
    user        TEXT NOT NULL,
    login       TEXT NOT NULL,
    seed        TEXT NOT NULL,
    seal        TEXT NOT NULL,
    number      TEXT NOT NULL,
    number_hash TEXT NOT NULL,
    created     REAL NOT NULL,
    expires     REAL NOT NULL,
    tries_left  INTEGER NOT NULL,
    resends     INTEGER NOT NULL,
    undelivered TEXT NOT NULL,
    status      INTEGER NOT NULL DEFAULT {_OPEN},
    asked       REAL NOT NULL DEFAULT 0
)""",
    """
CREATE TABLE events (
    id          INTEGER PRIMARY KEY,
    reference   TEXT NOT NULL,
    at          REAL NOT NULL,
    kind        TEXT NOT NULL,
    gateway     TEXT NOT NULL,
    gateway_id  TEXT NOT NULL,
    detail      TEXT NOT NULL,
    user        TEXT NOT NULL,
    number      TEXT NOT NULL,
    number_hash TEXT NOT NULL
)""",
    "CREATE INDEX events_by_reference ON events (reference) WHERE reference <> ''",
    "CREATE INDEX events_by_user ON events (user) WHERE user <> ''",
    "CREATE INDEX events_by_number ON events (number_hash) WHERE number_hash <> ''",
    "CREATE INDEX events_by_gateway_id ON events (gateway_id) WHERE gateway_id <> ''",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

_NAMES = tuple(field.name for field in fields(Challenge))
_COLUMNS = ", ".join(_NAMES)


_ANSWER = f"""
UPDATE challenges SET
    status = CASE WHEN seal = :seal THEN {_USED} WHEN tries_left <= 1 THEN {_EXHAUSTED} ELSE {_OPEN} END,
    tries_left = tries_left - (seal <> :seal)
WHERE state = :state AND user = :user AND status = {_OPEN} AND expires > :now
RETURNING {_COLUMNS}, status
"""  # noqa: S608  (as above)
_FIND = f"SELECT {_COLUMNS}, status FROM challenges WHERE state = ? AND user = ?"  # noqa: S608  (as above)
_OPEN_SINCE = f"""
SELECT {_COLUMNS} FROM challenges WHERE created > ? AND status = {_OPEN} AND undelivered = ''
ORDER BY created
"""  # noqa: S608  (as above)
_RESEND = f"""
UPDATE challenges SET resends = resends + 1, asked = :now, undelivered = ''
WHERE state = :state AND user = :user AND status = {_OPEN} AND expires > :now
    AND resends < :limit AND max(created, asked) <= :now - :pace
RETURNING {_COLUMNS}
"""  # noqa: S608  (as above)
_LAST_ASKED = "SELECT max(created, asked) FROM challenges WHERE state = ?"
_MARK_UNDELIVERED = f"""
UPDATE challenges SET undelivered = ? WHERE state = ? RETURNING {_COLUMNS}
"""  # noqa: S608  (as above)
_PURGE = """
DELETE FROM challenges WHERE rowid IN (SELECT rowid FROM challenges ORDER BY rowid LIMIT ?) AND expires < ?
"""
_PURGE_EVENTS = "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT ?) AND at < ?"


def newer_schema(path: Path, version: int) -> StoreError:
    """Return the error for a file whose schema is none that this version knows."""
    return StoreError(
        f"{path} was written by a newer smsotp-plugin (schema {version}, this one knows up to {SCHEMA_VERSION}): "
        "install that version, or remove the file (pending log-ins are lost)"
    )


class SqliteFile:
    """
    One database file.

    Args:
        path: Made with mode 0600 if it is not there. Its directory must be writable: SQLite keeps two more files in it.
        clock: Time.

    Raises:
        StoreError: From here and every method: the file cannot be used.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._failure = ""
        self._rest_until = 0.0
        with self._translated():
            self._make_private()
            self._connection = self._connect()
            try:
                self._prepare_schema()
                self._checkpointer = self._connect()
            except BaseException:
                self._connection.close()
                raise

    def insert(self, challenges: Sequence[Challenge], events: Sequence[DeliveryEvent]) -> None:
        """Keep challenges and events; all of them, or none where this raises."""
        with self._transaction() as connection:
            _insert(connection, "challenges", _NAMES, challenges)
            _insert(connection, "events", EVENT_NAMES, events)

    def answer(self, state: str, user: str, seal: str, now: float) -> Challenge:
        """See `ChallengeStore.answer`."""
        values = {"state": state, "user": user, "seal": seal, "now": now}
        with self._alone():
            changed = self._connection.execute(_ANSWER, values).fetchone()
        if changed is None:
            raise self._why_not(state, user)
        *columns, status = changed
        challenge = Challenge(*columns)
        if status == _EXHAUSTED:
            raise TooManyAttempts("wrong code, no try is left")
        if status == _OPEN:
            raise WrongCode(challenge.tries_left)
        return challenge

    def find(self, state: str, user: str) -> Challenge:
        """See `ChallengeStore.find`."""
        return self._row(state, user)[0]

    def resend(self, state: str, user: str, now: float, rules: ResendRules) -> Challenge:
        """See `ChallengeStore.resend`."""
        values = {"state": state, "user": user, "now": now, "limit": rules.limit, "pace": rules.pace}
        with self._alone():
            row = self._connection.execute(_RESEND, values).fetchone()
        if row is not None:
            return Challenge(*row)
        challenge, status = self._row(state, user)
        if status != _OPEN or challenge.expires <= now:
            raise Expired("the code is no longer valid")
        if challenge.resends >= rules.limit:
            raise ResendRefused(None)
        with self._alone():
            (asked,) = self._connection.execute(_LAST_ASKED, (state,)).fetchone()
        raise ResendRefused(max(1.0, asked + rules.pace - now))

    def mark_undelivered(self, state: str, why: str) -> Challenge | None:
        """Note why a code did not get out; returns the challenge, if it is still there."""
        with self._alone():
            row = self._connection.execute(_MARK_UNDELIVERED, (why, state)).fetchone()
        return None if row is None else Challenge(*row)

    def trace(self, wanted: Wanted, limit: int) -> list[DeliveryEvent]:
        """See `DeliveryLog.trace`."""
        with self._alone():
            return read_trace(self._connection, wanted, limit)

    def open_since(self, created: float) -> list[Challenge]:
        """Return the open challenges that were made after a moment (Unix seconds)."""
        with self._alone():
            return [Challenge(*row) for row in self._connection.execute(_OPEN_SINCE, (created,))]

    def purge(self, expired_before: float, events_before: float) -> None:
        """Remove what is older than two moments (Unix seconds), a few rows under each lock."""
        for statement, moment in ((_PURGE, expired_before), (_PURGE_EVENTS, events_before)):
            rows = _PURGE_ROWS
            while rows == _PURGE_ROWS:
                with self._alone():
                    rows = self._connection.execute(statement, (_PURGE_ROWS, moment)).rowcount

    def checkpoint(self) -> None:
        """Move the write-ahead log into the database; waits for the disk, and keeps nobody waiting."""
        with self._translated():
            self._checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def close(self) -> None:
        with self._lock:
            self._checkpointer.close()
            self._connection.close()

    def _why_not(self, state: str, user: str) -> AlreadyUsed | TooManyAttempts | Expired:
        _, status = self._row(state, user)
        if status == _USED:
            return AlreadyUsed("the code was used before")
        if status == _EXHAUSTED:
            return TooManyAttempts("an answer, but no try is left")
        return Expired("the code has expired")

    def _row(self, state: str, user: str) -> tuple[Challenge, int]:
        with self._alone():
            row = self._connection.execute(_FIND, (state, user)).fetchone()
        if row is None:
            raise UnknownChallenge("no challenge of this user has this State")
        *columns, status = row
        return Challenge(*columns), status

    def _make_private(self) -> None:
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as exc:
            raise StoreError(
                f"{self._path} cannot be opened for writing: {exc.strerror}; the directory must exist and belong to "
                "the user that FreeRADIUS runs as"
            ) from exc

    def _connect(self) -> sqlite3.Connection:
        # FreeRADIUS calls from a different thread each time; `_lock` keeps them apart.
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "wal_autocheckpoint = 0"):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare_schema(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise newer_schema(self._path, version)
        if version == 0:
            for statement in _SCHEMA:
                self._connection.execute(statement)
        self._connection.execute("COMMIT")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one thread at a time use the connection, and nobody for a while after it failed."""
        with self._lock:
            if self._failure and self._clock.monotonic() < self._rest_until:
                raise StoreError(self._failure)
            self._failure = ""
            try:
                with self._translated():
                    yield
            except StoreError as exc:
                if isinstance(exc.__cause__, sqlite3.OperationalError):
                    self._failure = str(exc)
                    self._rest_until = self._clock.monotonic() + _REST_SECONDS
                raise

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._alone():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            raise StoreError(f"{self._path}: {exc}") from exc


def _insert(
    connection: sqlite3.Connection,
    table: str,
    names: tuple[str, ...],
    rows: Sequence[Challenge] | Sequence[DeliveryEvent],
) -> None:
    """Insert many rows with each statement: the interpreter's lock is given up once a statement, not once a row."""
    row_of = attrgetter(*names)
    places = f"({', '.join('?' * len(names))})"
    start = 0
    while start < len(rows):
        some = rows[start : start + (_MANY_ROWS if len(rows) - start >= _MANY_ROWS else _FEW_ROWS)]
        start += len(some)
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([places] * len(some))}"  # noqa: S608  (constants)
        connection.execute(statement, [value for row in some for value in row_of(row)])
