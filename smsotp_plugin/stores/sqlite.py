"""
Challenges in one SQLite file, for one machine.

Write-ahead log with ``synchronous = NORMAL``: a commit survives the death of the process, and the last ones may be
lost with the power of the machine (decision 0003). One connection, guarded by a lock, makes every change as one
statement. Checkpoints, which wait for the disk, are made by `tidy` on another connection, in a background thread.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smsotp_plugin.errors import (
    AlreadyUsed,
    Expired,
    StoreError,
    TooManyAttempts,
    UnknownChallenge,
    WrongCode,
)
from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY, Challenge, ChallengeStore

SCHEMA_VERSION = 1

#: How long a statement waits for another process that holds the file, in seconds; the user waits as long.
_BUSY_SECONDS = 1.0
#: Rows removed under one lock: about half a millisecond.
_PURGE_ROWS = 200

_OPEN, _USED, _EXHAUSTED = 0, 1, 2

_SCHEMA = (
    f"""
CREATE TABLE challenges (
    state      TEXT PRIMARY KEY,
    user       TEXT NOT NULL,
    login      BLOB NOT NULL,
    seed       BLOB NOT NULL,
    seal       BLOB NOT NULL,
    number     TEXT NOT NULL,
    created    REAL NOT NULL,
    expires    REAL NOT NULL,
    tries_left INTEGER NOT NULL,
    status     INTEGER NOT NULL DEFAULT {_OPEN}
)""",
    "CREATE INDEX challenges_by_login ON challenges (login)",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

_COLUMNS = "state, user, login, seed, seal, number, created, expires, tries_left"

_SAME_LOGIN = f"login = :login AND status = {_OPEN} AND created > :oldest AND expires > :created"
_OPEN_CHALLENGE = f"""
INSERT INTO challenges ({_COLUMNS})
SELECT :state, :user, :login, :seed, :seal, :number, :created, :expires, :tries_left
WHERE NOT EXISTS (SELECT 1 FROM challenges WHERE {_SAME_LOGIN})
"""  # noqa: S608  (constants of this module)
_FIND_SAME = f"SELECT {_COLUMNS} FROM challenges WHERE {_SAME_LOGIN} LIMIT 1"  # noqa: S608  (as above)

_ANSWER = f"""
UPDATE challenges SET
    status = CASE WHEN seal = :seal THEN {_USED} WHEN tries_left <= 1 THEN {_EXHAUSTED} ELSE {_OPEN} END,
    tries_left = tries_left - (seal <> :seal)
WHERE state = :state AND user = :user AND status = {_OPEN} AND expires > :now
RETURNING {_COLUMNS}, status
"""  # noqa: S608  (as above)
_FIND = f"SELECT {_COLUMNS}, status FROM challenges WHERE state = ? AND user = ?"  # noqa: S608  (as above)

_PURGE = """
DELETE FROM challenges WHERE rowid IN (SELECT rowid FROM challenges ORDER BY rowid LIMIT ?) AND expires < ?
"""


class SqliteStore(ChallengeStore):
    """
    The store of a single machine.

    Args:
        path: The database file; made if it is not there. Its directory must exist and be writable, because SQLite
            keeps two more files beside it.

    Raises:
        StoreError: The file cannot be opened or made, is no database, or is newer than this program.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._translated():
            self._make_private(path)
            self._connection = self._connect()
            try:
                self._prepare_schema()
            except BaseException:
                self._connection.close()
                raise
            self._checkpointer = self._connect()

    def open_challenge(self, new: Challenge, *, window: float) -> Challenge:
        values = {
            "state": new.state,
            "user": new.user,
            "login": new.login,
            "seed": new.seed,
            "seal": new.seal,
            "number": new.number,
            "created": new.created,
            "expires": new.expires,
            "tries_left": new.tries_left,
            "oldest": new.created - window,
        }
        while True:
            with self._translated(), self._lock:
                if self._connection.execute(_OPEN_CHALLENGE, values).rowcount == 1:
                    return new
                found = self._connection.execute(_FIND_SAME, values).fetchone()
            # None: another process closed the earlier challenge between the two statements.
            if found is not None:
                return Challenge(*found)

    def withdraw(self, state: str) -> None:
        with self._translated(), self._lock:
            self._connection.execute("DELETE FROM challenges WHERE state = ?", (state,))

    def answer(self, state: str, user: str, seal: bytes, now: float) -> Challenge:
        values = {"state": state, "user": user, "seal": seal, "now": now}
        with self._translated(), self._lock:
            changed = self._connection.execute(_ANSWER, values).fetchone()
        if changed is None:
            raise self._why_not(state, user)
        *columns, status = changed
        challenge = Challenge(*columns)
        if status == _EXHAUSTED:
            raise TooManyAttempts("the last try was wrong")
        if status == _OPEN:
            raise WrongCode(challenge.tries_left)
        return challenge

    def find(self, state: str, user: str) -> Challenge:
        return self._row(state, user)[0]

    def tidy(self, now: float) -> None:
        self._purge(now - KEPT_AFTER_EXPIRY)
        with self._translated():
            self._checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def close(self) -> None:
        with self._lock:
            self._checkpointer.close()
            self._connection.close()

    def _purge(self, before: float) -> None:
        rows = _PURGE_ROWS
        while rows == _PURGE_ROWS:
            with self._translated(), self._lock:
                rows = self._connection.execute(_PURGE, (_PURGE_ROWS, before)).rowcount

    def _why_not(self, state: str, user: str) -> AlreadyUsed | TooManyAttempts | Expired:
        _, status = self._row(state, user)
        if status == _USED:
            return AlreadyUsed("its code was accepted before")
        if status == _EXHAUSTED:
            return TooManyAttempts("no try was left")
        return Expired("it was too old")

    def _row(self, state: str, user: str) -> tuple[Challenge, int]:
        with self._translated(), self._lock:
            row = self._connection.execute(_FIND, (state, user)).fetchone()
        if row is None:
            raise UnknownChallenge("no challenge of this user has this State")
        *columns, status = row
        return Challenge(*columns), status

    @staticmethod
    def _make_private(path: Path) -> None:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as exc:
            raise StoreError(
                f"{path} cannot be opened for writing: {exc.strerror}; the directory must exist and belong to the "
                "user that FreeRADIUS runs as"
            ) from exc

    def _connect(self) -> sqlite3.Connection:
        # FreeRADIUS calls from a different thread each time; `_lock` keeps them apart.
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "wal_autocheckpoint = 0"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _prepare_schema(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self._path} was written by a newer smsotp-plugin (schema {version}, this one knows up to "
                f"{SCHEMA_VERSION}): install that version, or remove the file (pending log-ins are lost)"
            )
        if version == 0:
            for statement in _SCHEMA:
                self._connection.execute(statement)
        self._connection.execute("COMMIT")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            raise StoreError(f"{self._path}: {exc}") from exc
