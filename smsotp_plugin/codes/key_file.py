"""
The keys under which codes are derived and sealed: a file beside the store, or a setting, never in the store.

One key, or two while it is being changed: the first one makes everything, and what was made with the second is still read.
"""

import errno
import os
import secrets
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.plain_file import is_there, read_plain_file

#: Characters of a key, at least: 32 hexadecimal digits are 128 bits.
SHORTEST_KEY = 32
#: Bytes; a larger file is not a key file.
_LARGEST = 64 * 1024


#: One to make with, and the one before it.
MOST_KEYS = 2


def load_or_make_keys(path: Path) -> tuple[bytes, ...]:
    """
    Read the key file; make it with mode 0600 and one key where there is none.

    Two processes that start at once get the same key: whoever comes second reads what the first one made.

    Returns:
        At most `MOST_KEYS`, the present one first; each is a line of the file.

    Raises:
        ConfigError: It cannot be read or made, or does not hold keys.
    """
    with _explain(path):
        if not is_there(path):
            _make(path)
        return _read(path)


def has_keys(path: Path) -> bool:
    """
    Tell whether there is a key file.

    Raises:
        ConfigError: The present user may not know.
    """
    with _explain(path):
        return is_there(path)


def load_keys(path: Path) -> tuple[bytes, ...]:
    """
    Read a key file that several servers have a copy of.

    Returns:
        See `load_or_make_keys`.

    Raises:
        ConfigError: It is not there, cannot be read, or does not hold keys.
    """
    with _explain(path, makes=False):
        try:
            return _read(path)
        except FileNotFoundError:
            problem = (
                f"there is no key file {path}: all servers that share the store need the same one; make it once "
                "(openssl rand -hex 32) and copy it to each of them"
            )
            raise ConfigError([problem]) from None


def look_at_keys(path: Path, *, makes: bool = True) -> None:
    """
    Check the key file as the server's start will, but as the present user, and without making one.

    Args:
        path: The key file.
        makes: Whether the start makes a missing file (`load_or_make_keys`) or not (`load_keys`).

    Raises:
        ConfigError: As these two do.
    """
    if not makes:
        load_keys(path)
        return
    with _explain(path):
        try:
            _read(path)
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise
            if not os.access(path.parent, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None


@contextmanager
def _explain(path: Path, *, makes: bool = True) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not text"
        rights = (
            "the directory must exist and, like the file, belong to the user that FreeRADIUS runs as"
            if makes
            else "the user that FreeRADIUS or the worker runs as must be able to read it"
        )
        raise ConfigError([f"the key file {path} cannot be used: {reason}; {rights}"]) from exc


def _read(path: Path) -> tuple[bytes, ...]:
    # Editors of Windows put a byte order mark in front.
    lines = read_plain_file(path, _LARGEST).removeprefix(BOM_UTF8).decode("ascii").splitlines()
    keys = [key for line in lines if (key := line.strip())]
    if problem := _problem(keys):
        raise ConfigError([f"the key file {path} {problem}"])
    return tuple(key.encode() for key in keys)


def _problem(keys: Sequence[str]) -> str:
    if not keys or len(keys[0]) < SHORTEST_KEY:
        return f"holds no key of at least {SHORTEST_KEY} characters: put back the one that was there, or write a new one: openssl rand -hex 32"
    if len(keys) > MOST_KEYS:
        return f"holds {len(keys)} keys, one a line: keep the first {MOST_KEYS}, the present one and the one before it"
    if len(keys[-1]) < SHORTEST_KEY:
        return f"holds a second key of fewer than {SHORTEST_KEY} characters: remove that line"
    return "holds the same key twice: remove one of the lines" if len(set(keys)) < len(keys) else ""


def _make(path: Path) -> None:
    """Write a key beside the path and link it there, so that no reader ever sees half of it."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(new)
    finally:
        new.unlink()
