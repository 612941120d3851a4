"""Reads the delivery log from the SQLite file, even while a server is running. Changes nothing in the file."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind, Wanted
from smsotp_plugin.stores.sqlite.beside import read_beside

EVENT_NAMES = tuple(field.name for field in fields(DeliveryEvent))
_EVENT_COLUMNS = ", ".join(EVENT_NAMES)

_REFERENCES = """
SELECT reference FROM events
WHERE kind IN ('asked', 'rejected') AND (user = :user OR number_hash = :number_hash OR reference = :reference) AND reference <> ''
ORDER BY id DESC LIMIT :limit
"""
_TRACE = f"""
SELECT {_EVENT_COLUMNS} FROM events WHERE reference IN (SELECT value FROM json_each(:references))
UNION ALL
SELECT tried.reference, {", ".join(f"told.{name}" for name in EVENT_NAMES[1:])}
FROM events AS tried JOIN events AS told ON told.gateway_id = tried.gateway_id AND told.gateway = tried.gateway
WHERE tried.reference IN (SELECT value FROM json_each(:references))
    AND tried.kind = 'attempt' AND tried.gateway_id <> '' AND told.gateway_id <> '' AND told.kind = 'receipt'
ORDER BY at
"""  # noqa: S608  (constants)


def trace_file(path: Path, wanted: Wanted, limit: int) -> Sequence[DeliveryEvent]:
    """
    Return what `StoreKind.read_trace` returns, from a database that a server may be using, and leave no file behind.

    Args:
        path: The database.
        wanted: Whose messages.
        limit: How many messages, the newest.

    Raises:
        StoreError: It is not there, cannot be read, or is not one of ours.
    """
    with read_beside(path) as connection:
        return _read(connection, wanted, limit)


def _read(connection: sqlite3.Connection, wanted: Wanted, limit: int) -> list[DeliveryEvent]:
    # Empty means "not looked for", and is also what most rows hold.
    values = {name: value or None for name, value in asdict(wanted).items()}
    references = [row[0] for row in connection.execute(_REFERENCES, {**values, "limit": limit})]
    rows = connection.execute(_TRACE, {"references": json.dumps(references)}).fetchall()
    return [DeliveryEvent(reference, at, EventKind(kind), *rest) for reference, at, kind, *rest in rows]
