"""Erasing one person from the SQLite file, also beside a running server."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.person import Erased, Person
from smsotp_plugin.stores.sqlite.connection import connect
from smsotp_plugin.stores.sqlite.schema import SCHEMA_VERSION

#: How long this waits for a server that writes, and for those who read, in seconds.
_PATIENCE = 5.0

_STATES = """
SELECT state FROM challenges
WHERE user = :user OR number_hash IN (SELECT value FROM json_each(:number_hashes))
"""
_REFERENCES = """
SELECT reference FROM events
WHERE reference <> '' AND (
    user IN (SELECT value FROM json_each(:shown)) OR number_hash IN (SELECT value FROM json_each(:number_hashes))
)
"""
_OF_STATES = "WHERE state IN (SELECT value FROM json_each(?))"
#: The receipts first: they belong to a message by what its attempts say.
_EVENTS = (
    """
DELETE FROM events WHERE kind = 'receipt' AND reference = '' AND (gateway, gateway_id) IN (
    SELECT gateway, gateway_id FROM events
    WHERE kind = 'attempt' AND gateway_id <> '' AND reference IN (SELECT value FROM json_each(?))
)""",
    "DELETE FROM events WHERE reference IN (SELECT value FROM json_each(?))",
)


def erase_from_file(path: Path, person: Person) -> Erased:
    """
    Remove all that is kept of a person, and what its removal leaves in the write-ahead log.

    Args:
        path: The database.
        person: Who.

    Raises:
        StoreError: It is not there, is none of ours, cannot be written, or somebody reads in it all the time.
    """
    if not path.exists():
        raise StoreError(f"there is no database {path} yet: FreeRADIUS makes it at its first start")
    try:
        with closing(connect(path, _PATIENCE)) as connection:
            erased, is_emptied = _erase_for_good(connection, path, person)
    except sqlite3.Error as exc:
        raise StoreError(
            f"{path} cannot be written: {exc}; do it as root or as the user that FreeRADIUS runs as"
        ) from exc
    if not is_emptied:
        raise StoreError(
            f"{path}: all is erased, but another program reads in the database, so that {path.name}-wal still holds it: end "
            "that program, and do this again"
        )
    return erased


def _erase_for_good(connection: sqlite3.Connection, path: Path, person: Person) -> tuple[Erased, bool]:
    """Return how much was erased, and whether the write-ahead log could be emptied after that."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != SCHEMA_VERSION:
        raise StoreError(f"{path} was written by another version of smsotp-plugin: restart FreeRADIUS first")
    connection.execute("BEGIN IMMEDIATE")
    erased = _erase(connection, person)
    connection.execute("COMMIT")
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return erased, not busy


def _erase(connection: sqlite3.Connection, person: Person) -> Erased:
    values = {
        # Empty means "not known", and is also what most rows hold.
        "user": person.user or None,
        "shown": json.dumps(person.shown),
        "number_hashes": json.dumps(person.number_hashes),
    }
    states = json.dumps([state for (state,) in connection.execute(_STATES, values)])
    references = json.dumps([reference for (reference,) in connection.execute(_REFERENCES, values)])
    messages, challenges = (
        connection.execute(f"DELETE FROM {table} {_OF_STATES}", (states,)).rowcount  # noqa: S608  (constants)
        for table in ("messages", "challenges")
    )
    events = sum(connection.execute(statement, (references,)).rowcount for statement in _EVENTS)
    return Erased(challenges=challenges, messages=messages, events=events)
