"""How commands open the SQLite file, whether or not a server is using it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from smsotp_plugin.errors import StoreError
from smsotp_plugin.plain_file import is_there
from smsotp_plugin.stores.sqlite.connection import connect
from smsotp_plugin.stores.sqlite.identity import beside
from smsotp_plugin.stores.sqlite.schema import SCHEMA_VERSION

#: How long a command waits for a server that writes, and for readers, in seconds.
_PATIENCE = 5.0
_ADVICE = {
    (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED): "end the program that holds it, or do this again",
    (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT): (
        "[store] url names another file, or this one is damaged: then stop FreeRADIUS, remove the file, and start FreeRADIUS again"
    ),
    (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH): (
        "do it as root or as the user that FreeRADIUS runs as"
    ),
}


def demand_database(path: Path) -> None:
    """
    Make sure that there is a database: opening one that is not there would make it.

    Raises:
        StoreError: There is none, or the present user may not look.
    """
    if not _look(path):
        raise StoreError(f"there is no database {path} yet: FreeRADIUS makes it at its first start")
    if path.is_dir():
        raise StoreError(f"{path} is a directory: [store] url has to name a file in it")


def _look(path: Path) -> bool:
    try:
        return is_there(path)
    except OSError as exc:
        raise StoreError(
            f"{path} cannot be looked at: {exc.strerror}; do it as root or as the user that FreeRADIUS runs as"
        ) from None


@contextmanager
def read_beside(path: Path) -> Iterator[sqlite3.Connection]:
    """
    Open a database to read it, while a server may be using it, and leave no file behind.

    Raises:
        StoreError: It is not there, or cannot be read, now or while it is open.
    """
    demand_database(path)
    # Without a log, no running server uses the file and it cannot change; as "immutable" it does not get a log from SQLite either.
    idle = not _look(beside(path, "-wal"))
    address = f"{path.absolute().as_uri()}?{'immutable=1' if idle else 'mode=ro'}"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE)) as connection:
            yield connection
    except sqlite3.Error as exc:
        raise _explain(path, "read", exc) from exc


@contextmanager
def open_beside(path: Path) -> Iterator[sqlite3.Connection]:
    """
    Open a database to change it, while a server may be using it.

    Raises:
        StoreError: It is not there, is not one of ours, or cannot be written, now or while it is open.
    """
    demand_database(path)
    try:
        with closing(connect(path, _PATIENCE)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != SCHEMA_VERSION:
                raise _another_version(path)
            yield connection
    except sqlite3.Error as exc:
        raise _explain(path, "written", exc) from exc


def _another_version(path: Path) -> StoreError:
    return StoreError(f"{path} was written by another version of smsotp-plugin: restart FreeRADIUS first")


def _explain(path: Path, done: str, error: sqlite3.Error) -> StoreError:
    """Return SQLite's error as ours, with what can be done about it."""
    # The lowest byte is the kind: https://www.sqlite.org/rescode.html section 5.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
    if code == sqlite3.SQLITE_ERROR:
        # A table or a column is missing.
        return _another_version(path)
    advice = next((f"; {text}" for codes, text in _ADVICE.items() if code in codes), "")
    return StoreError(f"{path} cannot be {done}: {error}{advice}")
