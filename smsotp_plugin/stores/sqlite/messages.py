"""The SQL of messages. Each function needs a transaction of the caller's, on a connection that nobody else uses meanwhile."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import fields
from operator import attrgetter

from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY
from smsotp_plugin.stores.kept import KeptMessage, LeftMessage
from smsotp_plugin.stores.sqlite.attempts import Key
from smsotp_plugin.stores.sqlite.challenges import IS_NEEDED
from smsotp_plugin.stores.sqlite.rows import insert_rows

_NAMES = tuple(field.name for field in fields(KeptMessage))
_row_of = attrgetter(*_NAMES)

_FORGET = """
DELETE FROM messages WHERE (state, resends) IN (
    SELECT value ->> 0, value ->> 1 FROM json_each(?)
)
"""
_OWNERS = "SELECT DISTINCT owner FROM messages WHERE owner <> ?"
_LEFT = f"""
SELECT {", ".join(f"messages.{name}" for name in _NAMES)},
    coalesce(
        (SELECT {IS_NEEDED} AND challenges.resends = messages.resends FROM challenges WHERE challenges.state = messages.state),
        0
    )
FROM messages WHERE owner IN (SELECT value FROM json_each(:owners)) ORDER BY messages.expires, messages.resends
"""  # noqa: S608  (constants)
_TAKE_OVER = "UPDATE messages SET owner = :own WHERE owner IN (SELECT value FROM json_each(:owners))"
#: Messages of other stores that expired long ago and that nobody took over, because nobody could know which stores live.
_PURGE = "DELETE FROM messages WHERE owner <> :own AND expires < :before"


def insert(connection: sqlite3.Connection, owner: int, messages: Sequence[KeptMessage]) -> None:
    """Keep messages that belong to an owner."""
    insert_rows(
        connection, "messages", (*_NAMES, "owner"), [(*_row_of(message), owner) for message in messages]
    )


def forget(connection: sqlite3.Connection, keys: Sequence[Key]) -> None:
    """Remove messages that have ended."""
    if keys:
        connection.execute(_FORGET, (json.dumps(keys),))


def others(connection: sqlite3.Connection, own: int) -> list[int]:
    """Return the other owners of messages."""
    return [owner for (owner,) in connection.execute(_OWNERS, (own,))]


def take_over(
    connection: sqlite3.Connection,
    own: int,
    dead: Sequence[int],
    begun: Mapping[Key, frozenset[str]],
    now: float,
) -> list[LeftMessage]:
    """
    See `MessageStore.take_over`.

    Args:
        connection: In a transaction that excludes all other writers.
        own: Their owner from now on.
        dead: Their owners until now.
        begun: The gateways that may have each message; a message that no gateway may have is missing.
        now: Unix seconds.
    """
    owners = json.dumps(dead)
    rows = connection.execute(_LEFT, {"owners": owners, "now": now}).fetchall()
    connection.execute(_TAKE_OVER, {"owners": owners, "own": own})
    connection.execute(_PURGE, {"own": own, "before": now - KEPT_AFTER_EXPIRY})
    messages = [(KeptMessage(*columns), bool(is_needed)) for *columns, is_needed in rows]
    return [
        LeftMessage(message, is_needed, begun.get((message.state, message.resends), frozenset()))
        for message, is_needed in messages
    ]
