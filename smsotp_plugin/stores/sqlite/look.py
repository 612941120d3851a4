"""Judges whether a database can be used as the store without opening it: nothing is made or changed."""

import os
from pathlib import Path

from smsotp_plugin.errors import StoreError
from smsotp_plugin.plain_file import is_there
from smsotp_plugin.stores.sqlite.identity import beside
from smsotp_plugin.stores.sqlite.neighbours import VISITS_ENDING
from smsotp_plugin.stores.sqlite.schema import SCHEMA_VERSION, newer_schema

#: The header of a database, https://www.sqlite.org/fileformat.html section 1.3; ``user_version`` is big-endian.
_MAGIC = b"SQLite format 3\0"
_HEADER, _VERSION = 100, slice(60, 64)


def look_at_store(path: Path) -> None:
    """
    Judge as the start of the store will, as the present user.

    Raises:
        StoreError: The store cannot be opened; what is wrong, and where.
    """
    try:
        header = _read_header(path)
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
    if header and not header.startswith(_MAGIC):
        raise StoreError(f"{path}: file is not a database")
    version = int.from_bytes(header[_VERSION], "big")
    if version > SCHEMA_VERSION:
        raise newer_schema(path, version)


def _read_header(path: Path) -> bytes:
    if not is_there(path):
        return b""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_HEADER)


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _unusable(path: Path, reason: str) -> StoreError:
    return StoreError(
        f"the store {path} cannot be opened: {reason}; its directory must exist and, like the file, belong to the user "
        "that FreeRADIUS runs as"
    )
