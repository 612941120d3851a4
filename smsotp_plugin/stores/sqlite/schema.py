"""The tables of the SQLite store, and the step from an earlier version's tables to them."""

import sqlite3
from pathlib import Path

from smsotp_plugin.errors import StoreError
from smsotp_plugin.grammar import agree

SCHEMA_VERSION = 4

#: What `status` of a challenge may be.
OPEN, USED, EXHAUSTED = 0, 1, 2

_CHALLENGES = (
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
    mark        TEXT NOT NULL,
    status      INTEGER NOT NULL DEFAULT {OPEN},
    asked       REAL NOT NULL DEFAULT 0
)""",
    "CREATE INDEX challenges_by_login ON challenges (login)",
    "CREATE INDEX challenges_by_end ON challenges (expires)",
)
_EVENTS = (
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
)
#: Small rows by their key, and few of them: messages that have been sent are removed.
_MESSAGES = (
    """
CREATE TABLE messages (
    state       TEXT NOT NULL,
    site        TEXT NOT NULL,
    expires     REAL NOT NULL,
    sealed      BLOB NOT NULL,
    resends     INTEGER NOT NULL,
    owner       INTEGER NOT NULL,
    PRIMARY KEY (state, resends)
) WITHOUT ROWID""",
)
#: One row for each SMS of the last days, counters by day, codes that were answered or not by hour, and what follows from it.
_BUDGETS = (
    """
CREATE TABLE spent (
    id          INTEGER PRIMARY KEY,
    owner       INTEGER NOT NULL,
    at          REAL NOT NULL,
    keys        TEXT NOT NULL,
    money       INTEGER NOT NULL,
    messages    INTEGER NOT NULL
)""",
    """
CREATE TABLE counts (
    day         INTEGER NOT NULL,
    name        TEXT NOT NULL,
    number      INTEGER NOT NULL,
    PRIMARY KEY (day, name)
) WITHOUT ROWID""",
    """
CREATE TABLE answers (
    key         TEXT NOT NULL,
    hour        INTEGER NOT NULL,
    answered    INTEGER NOT NULL,
    unanswered  INTEGER NOT NULL,
    PRIMARY KEY (key, hour)
) WITHOUT ROWID""",
    """
CREATE TABLE brakes (
    key         TEXT PRIMARY KEY,
    label       TEXT NOT NULL,
    since       REAL NOT NULL,
    until       REAL NOT NULL,
    reason      TEXT NOT NULL,
    enforced    INTEGER NOT NULL
)""",
)
_EVENTS_BY_MOMENT = "CREATE INDEX events_by_moment ON events (at)"
#: Small rows, and few of them: an account has some only after a wrong answer, or a right one from a new place.
_GUESSES = (
    """
CREATE TABLE guesses (
    name        TEXT NOT NULL,
    place       TEXT NOT NULL,
    other_name  TEXT NOT NULL,
    in_a_row    INTEGER NOT NULL,
    latest      REAL NOT NULL,
    proven      REAL NOT NULL,
    PRIMARY KEY (name, place)
)""",
    "CREATE INDEX guesses_by_other_name ON guesses (other_name)",
    "CREATE INDEX guesses_by_proof ON guesses (proven) WHERE in_a_row = 0",
    """
CREATE TABLE wrong_answers (
    name        TEXT NOT NULL,
    place       TEXT NOT NULL,
    at          REAL NOT NULL
)""",
    "CREATE INDEX wrong_answers_by_name ON wrong_answers (name, at)",
    "CREATE INDEX wrong_answers_by_moment ON wrong_answers (at)",
)
#: New in version 4.
_COUNTS = (*_GUESSES, *_BUDGETS)
_FRESH = (*_CHALLENGES, *_EVENTS, _EVENTS_BY_MOMENT, *_MESSAGES, *_COUNTS)
#: A challenge of version 1 bears no mark, so it would let nobody in.
_FROM_1 = ("DROP TABLE challenges", *_CHALLENGES, _EVENTS_BY_MOMENT, *_MESSAGES, *_COUNTS)
_FROM_2 = (*_MESSAGES, *_COUNTS)
_FROM_3 = _COUNTS


def prepare_schema(connection: sqlite3.Connection, path: Path) -> str:
    """
    Make the tables, or turn those of an earlier version into ours, in one transaction.

    Returns:
        What is lost by that, as a sentence; empty if nothing is.

    Raises:
        StoreError: A later version has written this database.
    """
    if _read_version(connection) == SCHEMA_VERSION:
        return ""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _read_version(connection)
        _refuse_newer(path, version)
        lost = _lost(connection, path) if version == 1 else ""
        for statement in {0: _FRESH, 1: _FROM_1, 2: _FROM_2, 3: _FROM_3}.get(version, ()):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return lost


def newer_schema(path: Path, version: int) -> StoreError:
    """Return the error for a file whose schema this version does not know."""
    return StoreError(
        f"{path} was written by a newer smsotp-plugin (schema {version}, this one knows up to {SCHEMA_VERSION}): "
        "install that version, or remove the file (pending log-ins are lost)"
    )


def _refuse_newer(path: Path, version: int) -> None:
    if version > SCHEMA_VERSION:
        raise newer_schema(path, version)


def _read_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _lost(connection: sqlite3.Connection, path: Path) -> str:
    (pending,) = connection.execute(f"SELECT count(*) FROM challenges WHERE status = {OPEN}").fetchone()  # noqa: S608  (a constant)
    waited = agree(pending, "log-in that waited for its code has", "log-ins that waited for their code have")
    return (
        f"{path} was written by an earlier smsotp-plugin: {pending} {waited} to be begun again; "
        "the delivery log is kept"
    )
