"""Judges whether a database can be used as the store without opening it: nothing is made or changed."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.plain_file import is_there
from smsotp_plugin.stores.budgets import NO_BUDGETS
from smsotp_plugin.stores.sqlite.beside import read_beside
from smsotp_plugin.stores.sqlite.budgets import Ledger
from smsotp_plugin.stores.sqlite.challenges import find_same, list_young
from smsotp_plugin.stores.sqlite.connection import translate_errors
from smsotp_plugin.stores.sqlite.identity import beside
from smsotp_plugin.stores.sqlite.neighbours import VISITS_ENDING
from smsotp_plugin.stores.sqlite.schema import SCHEMA_VERSION, prepare_schema

#: What a database begins with, https://www.sqlite.org/fileformat.html section 1.3.
_MAGIC = b"SQLite format 3\0"


def look_at_store(path: Path) -> None:
    """
    Judge as the start of the store will, as the present user.

    Raises:
        StoreError: The store cannot be opened; what is wrong, and where.
    """
    try:
        beginning = _read_beginning(path)
        there = [
            file
            for file in (path, *(beside(path, end) for end in ("-wal", "-shm", VISITS_ENDING)))
            if is_there(file)
        ]
    except OSError as exc:
        raise _unusable(path, exc.strerror or "it cannot be read") from exc
    if not _may(path.parent, os.W_OK | os.X_OK):
        raise _unusable(path, f"{path.parent} is not there, or nothing can be written in it")
    for file in there:
        if not _may(file, os.R_OK | os.W_OK):
            raise _unusable(path, f"{file} cannot be written")
    if beginning and not beginning.startswith(_MAGIC):
        raise StoreError(f"{path}: file is not a database")
    if beginning:
        with read_beside(path) as connection, translate_errors(path):
            _try_tables(connection, path)


def _try_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Do what the start does with the tables: convert them, though only an empty copy of them, and read what it reads."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    definitions = connection.execute(
        "SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%' AND sql <> '' ORDER BY type = 'table' DESC"
    )
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        for (definition,) in definitions.fetchall():
            copy.execute(definition)
        copy.execute(f"PRAGMA user_version = {version}")
        prepare_schema(copy, path)
        _read_tables(copy)
    if version == SCHEMA_VERSION:
        _read_tables(connection)


def _read_tables(connection: sqlite3.Connection) -> None:
    clock = SystemClock()
    find_same(connection, "", 0.0, 0.0, turn=0.0)
    list_young(connection, clock.time(), 0.0)
    Ledger(NO_BUDGETS, 0, clock).catch_up(connection)


def _read_beginning(path: Path) -> bytes:
    if not is_there(path):
        return b""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(len(_MAGIC))


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _unusable(path: Path, reason: str) -> StoreError:
    return StoreError(
        f"the store {path} cannot be opened: {reason}; its directory must exist and, like the file, belong to the user "
        "that FreeRADIUS runs as"
    )
