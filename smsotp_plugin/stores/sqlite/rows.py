"""Many rows with each statement."""

import sqlite3
from collections.abc import Sequence
from itertools import chain

#: How many rows one statement inserts: many at once while many wait. The connection keeps 128 statements prepared, and each
#: number of rows makes one.
_MANY_ROWS, _FEW_ROWS = 256, 32


def insert_rows(
    connection: sqlite3.Connection, table: str, names: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> None:
    """
    Insert many rows with each statement: the interpreter's lock is then given up once per statement, not once per row.

    They are inserted within the caller's transaction, which is over if a row cannot be kept. Otherwise SQLite would copy each page
    before changing it, into a file that it makes for each statement, to be able to undo that statement alone.
    """
    places = f"({', '.join('?' * len(names))})"
    start = 0
    while start < len(rows):
        some = rows[start : start + (_MANY_ROWS if len(rows) - start >= _MANY_ROWS else _FEW_ROWS)]
        start += len(some)
        statement = (
            f"INSERT OR ROLLBACK INTO {table} ({', '.join(names)}) VALUES {', '.join([places] * len(some))}"  # noqa: S608  (constants)
        )
        connection.execute(statement, list(chain.from_iterable(some)))
