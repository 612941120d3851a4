"""Whether the files of a database are still those that were opened."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from smsotp_plugin.errors import StoreError

_Place = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Identity:
    """
    Which files a database consists of: device and number of each, None if there is none.

    Attributes:
        main: The database itself.
        log: Its write-ahead log.
        shared: The memory that the processes that use the log share.
    """

    main: _Place
    log: _Place
    shared: _Place

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at the files of a database."""
        return cls(place_of(path), place_of(beside(path, "-wal")), place_of(beside(path, "-shm")))


NOTHING = Identity(None, None, None)


def remove_leftovers(path: Path, old: Identity) -> None:
    """Remove the write-ahead log of a database that is no longer at its path: it must not get into another database."""
    now = Identity.of(path)
    if now.main == old.main:
        return
    for ending, belonged, found in (("-wal", old.log, now.log), ("-shm", old.shared, now.shared)):
        if belonged is not None and belonged == found:
            beside(path, ending).unlink(missing_ok=True)


def beside(path: Path, ending: str) -> Path:
    """Return a file that SQLite keeps next to a database: it is where a link in the path leads."""
    return Path(os.path.realpath(path) + ending)


def place_of(path: Path) -> _Place:
    """Return the device and number of a file, or None if there is none that can be seen."""
    try:
        status = os.stat(path)  # noqa: PTH116  (twice as quick as the method, and asked at each use of the store)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def make_private(path: Path) -> None:
    """
    Make an empty file with mode 0600 if there is none.

    Raises:
        StoreError: It cannot be made, or it or the files that SQLite keeps next to it cannot be written.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        _demand_writable(path)
    except OSError as exc:
        raise cannot_open(path, exc.strerror) from exc
    # SQLite opens these files for reading if it may not write them, and goes on only reading even when it could write again.
    for ending in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            _demand_writable(beside(path, ending))


def _demand_writable(path: Path) -> None:
    """Look at an existing file; opening and closing it would end the locks that SQLite has on it in this process."""
    kind = path.stat().st_mode
    if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        raise cannot_open(path, "Permission denied")
    if stat.S_ISDIR(kind):
        raise cannot_open(path, "Is a directory")


def cannot_open(path: Path, reason: str | None) -> StoreError:
    """Return the error of a database that cannot be opened at all."""
    return StoreError(
        f"{path} cannot be opened for writing: {reason}; the directory must exist and, like the file, belong to the user "
        "that FreeRADIUS runs as"
    )
