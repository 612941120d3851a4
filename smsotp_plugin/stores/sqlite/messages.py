"""The SQL of messages. Each function wants a transaction of the caller, on a connection that nobody else uses meanwhile."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter

from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY
from smsotp_plugin.stores.kept import KeptMessage, LeftMessage
from smsotp_plugin.stores.sqlite.challenges import IS_NEEDED
from smsotp_plugin.stores.sqlite.rows import insert_rows

_NAMES = tuple(field.name for field in fields(KeptMessage))
_row_of = attrgetter(*_NAMES)

_BEGIN = """
INSERT OR IGNORE INTO attempts (state, resends, gateway)
SELECT state, resends, ? FROM messages WHERE state = ? AND resends = ?
"""
_END = "DELETE FROM attempts WHERE gateway = ? AND state = ? AND resends = ?"
_FORGET = (
    "DELETE FROM attempts WHERE state = ? AND resends = ?",
    "DELETE FROM messages WHERE state = ? AND resends = ?",
)
_OWNERS = "SELECT DISTINCT owner FROM messages WHERE owner <> ?"
_LEFT = f"""
SELECT {", ".join(f"messages.{name}" for name in _NAMES)},
    coalesce(
        (SELECT {IS_NEEDED} AND challenges.resends = messages.resends FROM challenges WHERE challenges.state = messages.state),
        0
    ),
    (
        SELECT json_group_array(gateway) FROM attempts
        WHERE attempts.state = messages.state AND attempts.resends = messages.resends
    )
FROM messages WHERE owner IN (SELECT value FROM json_each(:owners)) ORDER BY messages.expires, messages.resends
"""  # noqa: S608  (constants)
_TAKE_OVER = "UPDATE messages SET owner = :own WHERE owner IN (SELECT value FROM json_each(:owners))"  #: Others' messages that ended long ago and that nobody took over: where it cannot be known who lives.
_PURGE = (
    "DELETE FROM messages WHERE owner <> :own AND expires < :before",
    """
DELETE FROM attempts WHERE NOT EXISTS (
    SELECT 1 FROM messages WHERE messages.state = attempts.state AND messages.resends = attempts.resends
)""",
)

#: State, resends.
Key = tuple[str, int]


@dataclass(eq=False, slots=True)
class Notes:
    """
    What has become of messages, until it is committed.

    Attributes:
        begun: Gateway and message: the gateway may have it.
        ended: The same: it certainly does not.
        forgotten: Messages that have ended.
        failure: Why none of it could be written; empty otherwise.
    """

    begun: list[tuple[str, str, int]] = field(default_factory=list)
    ended: list[tuple[str, str, int]] = field(default_factory=list)
    forgotten: list[Key] = field(default_factory=list)
    failure: str = ""

    def __bool__(self) -> bool:
        return bool(self.begun or self.ended or self.forgotten)


def insert(connection: sqlite3.Connection, owner: int, messages: Sequence[KeptMessage]) -> None:
    """Keep messages that belong to an owner."""
    insert_rows(
        connection, "messages", (*_NAMES, "owner"), [(*_row_of(message), owner) for message in messages]
    )


def write_notes(connection: sqlite3.Connection, notes: Notes) -> None:
    """Write what has become of messages; an attempt that ended comes before the next one at the same gateway."""
    if notes.ended:
        connection.executemany(_END, notes.ended)
    if notes.begun:
        connection.executemany(_BEGIN, notes.begun)
    if notes.forgotten:
        for statement in _FORGET:
            connection.executemany(statement, notes.forgotten)


def others(connection: sqlite3.Connection, own: int) -> list[int]:
    """Return the other owners of messages."""
    return [owner for (owner,) in connection.execute(_OWNERS, (own,))]


def take_over(
    connection: sqlite3.Connection, own: int, lives: Callable[[int], bool], now: float
) -> list[LeftMessage]:
    """
    See `MessageStore.take_over`.

    Args:
        connection: In a transaction that excludes all others who write.
        own: Whose they are from now on.
        lives: Whether an owner does.
        now: Unix seconds.
    """
    dead = json.dumps([owner for owner in others(connection, own) if not lives(owner)])
    rows = connection.execute(_LEFT, {"owners": dead, "now": now}).fetchall()
    connection.execute(_TAKE_OVER, {"owners": dead, "own": own})
    connection.execute(_PURGE[0], {"own": own, "before": now - KEPT_AFTER_EXPIRY})
    connection.execute(_PURGE[1])
    return [
        LeftMessage(KeptMessage(*columns), bool(is_needed), frozenset(json.loads(may_have_it)))
        for *columns, is_needed, may_have_it in rows
    ]
