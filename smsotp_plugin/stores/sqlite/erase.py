"""Erases one person from the SQLite file, even while a server is running."""

import json
import sqlite3
import threading
from pathlib import Path

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.person import Erased, StoredPerson
from smsotp_plugin.stores.sqlite.beside import open_beside

#: For how long and at what intervals we try to empty the write-ahead log, in seconds.
_PATIENCE, _LOOK = 5.0, 0.02

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
#: The receipts first: only the attempts of a message say which receipts belong to it.
_EVENTS = (
    """
DELETE FROM events WHERE kind = 'receipt' AND reference = '' AND (gateway, gateway_id) IN (
    SELECT gateway, gateway_id FROM events
    WHERE kind = 'attempt' AND gateway_id <> '' AND reference IN (SELECT value FROM json_each(?))
)""",
    "DELETE FROM events WHERE reference IN (SELECT value FROM json_each(?))",
)
#: Counts under another name of the same account bear this name as well.
_COUNTS = (
    """
DELETE FROM wrong_answers WHERE name IN (
    SELECT value FROM json_each(:names)
    UNION SELECT name FROM guesses WHERE other_name IN (SELECT value FROM json_each(:names))
)""",
    """
DELETE FROM guesses
WHERE name IN (SELECT value FROM json_each(:names)) OR other_name IN (SELECT value FROM json_each(:names))
""",
)
_SPENT = "SELECT id, keys FROM spent"
_KEEP_KEYS = "UPDATE spent SET keys = ? WHERE id = ?"


def erase_from_file(path: Path, person: StoredPerson, clock: Clock) -> Erased:
    """
    Remove everything that is kept of a person, and what its removal leaves in the write-ahead log.

    Args:
        path: The database.
        person: Who.
        clock: Time.

    Raises:
        StoreError: It is not there, is not one of ours, cannot be written, or another program reads it all the time.
    """
    with open_beside(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        erased = _erase(connection, person)
        connection.execute("COMMIT")
        is_emptied = _empty_log(connection, clock)
    if not is_emptied:
        raise StoreError(
            f"{path}: everything is erased, but another program is reading the database, so {path.name}-wal still holds it: end "
            "that program and do this again"
        )
    return erased


def _empty_log(connection: sqlite3.Connection, clock: Clock) -> bool:
    """Empty the write-ahead log; False if that cannot be done for a while."""
    deadline, waiting = Deadline.after(_PATIENCE, clock), threading.Condition()
    # SQLite waits for readers, but not for a server that is moving the log into the database at this moment.
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if deadline.passed():
            return False
        with waiting:
            clock.wait(waiting, _LOOK)
    return True


def _erase(connection: sqlite3.Connection, person: StoredPerson) -> Erased:
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
    names = {"names": json.dumps((*person.accounts, *person.number_hashes))}
    counts = sum(connection.execute(statement, names).rowcount for statement in _COUNTS)
    return Erased(challenges, messages, events, counts, _erase_spending(connection, person))


def _erase_spending(connection: sqlite3.Connection, person: StoredPerson) -> int:
    """Remove a person's keys from what was spent, which still counts for others; returns from how many rows."""
    theirs = set(person.budgets)
    kept = [
        (" ".join(key for key in keys.split() if key not in theirs), number)
        for number, keys in connection.execute(_SPENT)
        if not theirs.isdisjoint(keys.split())
    ]
    connection.executemany(_KEEP_KEYS, kept)
    return len(kept)
