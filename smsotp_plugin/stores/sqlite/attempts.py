"""
Which gateway may have which message: noted before the gateway gets it, in a file that outlives the process.

The notes are not in the database, because each would be a commit that the attempt has to wait for, at six times the cost of
everything else that a message needs. They are in a file that belongs to this store alone and is mapped into memory, because a
system call would give up the interpreter's lock in the middle of each attempt. A note survives the death of the process as a
commit does; like the last commits, it may be lost when the power fails.
"""

import mmap
import os
import struct
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from smsotp_plugin.errors import StoreError
from smsotp_plugin.plain_file import read_plain_file

#: State of the challenge, and how often its code had been asked for again.
Key = tuple[str, int]

#: Whether the note counts, State, resends, gateway (a name has 64 characters at most); in slots of equal size.
_NOTE = struct.Struct("<?32sI64s27x")
#: Slots by which the file grows.
_GROWTH = 512
#: Bytes; room for the notes of as many messages as any queue holds.
_LARGEST = 1 << 30
#: Comes after the database's name in the name of such a file; the store's number comes last.
NOTES_ENDING = "-attempts-"


def find_notes(database: Path, owner: int) -> Path:
    """Return the file in which a store notes its attempts."""
    return database.with_name(f"{database.name}{NOTES_ENDING}{owner:x}")


def list_owners(database: Path) -> list[int]:
    """
    Return the numbers of the stores that have left notes next to a database.

    Raises:
        StoreError: Its directory cannot be read.
    """
    start = database.name + NOTES_ENDING
    try:
        names = os.listdir(database.parent)  # noqa: PTH208  (only the names are of interest)
    except OSError as exc:
        raise StoreError(f"{database.parent} cannot be read: {exc.strerror}") from exc
    found = []
    for name in names:
        if name.startswith(start):
            with suppress(ValueError):
                found.append(int(name.removeprefix(start), 16))
    return found


def remove_notes(database: Path, owner: int) -> None:
    """
    Remove a store's notes, if there are any.

    Raises:
        StoreError: They cannot be removed.
    """
    path = find_notes(database, owner)
    try:
        path.unlink(missing_ok=True)
    except OSError as exc:
        raise StoreError(f"{path} cannot be removed: {exc.strerror}") from exc


def read_notes(path: Path) -> Mapping[Key, frozenset[str]]:
    """
    Return the gateways that may have each message, as a store has noted them; nothing if it has noted nothing.

    They include notes on messages that have ended.

    Raises:
        StoreError: The file cannot be read.
    """
    try:
        content = read_plain_file(path, _LARGEST)
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise StoreError(f"{path} cannot be read: {exc.strerror}") from exc
    found: dict[Key, frozenset[str]] = {}
    whole = len(content) // _NOTE.size * _NOTE.size
    for counts, state, resends, gateway in _NOTE.iter_unpack(content[:whole]):
        if counts:
            key = (state.rstrip(b"\0").decode(errors="replace"), resends)
            found[key] = found.get(key, frozenset()) | {gateway.rstrip(b"\0").decode(errors="replace")}
    return found


class Attempts:
    """
    The notes of one store.

    A slot is used again once its message has ended. What it holds until then is harmless: nobody looks for that message.

    Args:
        path: See `find_notes`; made with mode 0600 at the first note.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        #: The file's descriptor, so that the file can grow even after somebody has removed it.
        self._file = -1
        self._notes: mmap.mmap | None = None
        #: Slots that are in use, by message and gateway.
        self._slots: dict[Key, dict[str, int]] = {}
        self._free: list[int] = []
        #: How many slots were ever used.
        self._used = 0
        self._is_closed = False

    def begin(self, key: Key, gateway: str) -> None:
        """
        Note that a gateway may have a message.

        Raises:
            StoreError: It could not be noted.
        """
        note = _NOTE.pack(True, key[0].encode(), key[1], gateway.encode())
        with self._lock:
            if self._is_closed:
                raise StoreError(f"{self._path} cannot be written: the store is closed")
            slots = self._slots.setdefault(key, {})
            if gateway in slots:
                return
            slots[gateway] = slot = self._take()
            try:
                self._write(slot, note)
            except BaseException as exc:
                # Whatever went wrong, nothing was noted, and the next attempt must not believe that anything was.
                self._give_back(key, gateway)
                if isinstance(exc, OSError):
                    raise StoreError(f"{self._path} cannot be written: {exc.strerror}") from exc
                raise

    def end(self, key: Key, gateway: str) -> None:
        """Note that a gateway certainly does not have a message. Raises nothing."""
        with self._lock:
            slot = self._slots.get(key, {}).get(gateway)
            if slot is None or self._notes is None:
                return
            self._notes[slot * _NOTE.size] = 0
            self._give_back(key, gateway)

    def forget(self, keys: Iterable[Key]) -> None:
        """Free the slots of messages that are no longer in the database."""
        with self._lock:
            for key in keys:
                self._free += self._slots.pop(key, {}).values()

    def renew(self) -> None:
        """Begin a new file at the path: the database is gone, and with it the messages that the notes are about."""
        with self._lock:
            if self._close():
                with suppress(OSError):
                    self._path.unlink()
            self._slots, self._free, self._used = {}, [], 0

    def close(self) -> None:
        """Close the file, and remove it unless it has a note on a message that has not ended."""
        with self._lock:
            self._is_closed = True
            if self._close() and not self._slots:
                # A file that is left behind holds no note, and the next store removes it.
                with suppress(OSError):
                    self._path.unlink()

    def _close(self) -> bool:
        """Close the file; returns whether there was one."""
        notes, self._notes = self._notes, None
        file, self._file = self._file, -1
        if notes is not None:
            notes.close()
        if file >= 0:
            os.close(file)
        return file >= 0

    def _take(self) -> int:
        if self._free:
            return self._free.pop()
        self._used += 1
        return self._used - 1

    def _give_back(self, key: Key, gateway: str) -> None:
        self._free.append(self._slots[key].pop(gateway))
        if not self._slots[key]:
            del self._slots[key]

    def _write(self, slot: int, note: bytes) -> None:
        start = slot * _NOTE.size
        if self._notes is None or start >= len(self._notes):
            self._notes = self._grow()
        # The byte that makes the note count is cleared first and set last, so that a note is there completely or not at all.
        self._notes[start] = 0
        self._notes[start + 1 : start + _NOTE.size] = note[1:]
        self._notes[start] = note[0]

    def _grow(self) -> mmap.mmap:
        """Return the file with more slots, all of which have their room on the disk."""
        if self._file < 0:
            self._file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        size = (0 if self._notes is None else len(self._notes)) + _GROWTH * _NOTE.size
        os.posix_fallocate(self._file, 0, size)
        return mmap.mmap(self._file, size)
