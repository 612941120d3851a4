"""Many rows with each statement."""

import sqlite3
from collections.abc import Sequence

#: Rows that one statement inserts: many at once while many wait. The connection keeps 128 statements prepared, and each
#: number of rows is one.
_MANY_ROWS, _FEW_ROWS = 256, 32


def insert_rows(
    connection: sqlite3.Connection, table: str, names: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> None:
    """Insert many rows with each statement: the interpreter's lock is given up once a statement, not once a row."""
    places = f"({', '.join('?' * len(names))})"
    start = 0
    while start < len(rows):
        some = rows[start : start + (_MANY_ROWS if len(rows) - start >= _MANY_ROWS else _FEW_ROWS)]
        start += len(some)
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([places] * len(some))}"  # noqa: S608  (constants)
        connection.execute(statement, [value for row in some for value in row])
