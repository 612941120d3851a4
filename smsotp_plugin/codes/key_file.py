"""The key under which codes are derived and sealed: a file beside the store, or a setting, never in the store."""

import errno
import os
import secrets
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.plain_file import read_plain_file

#: Fewer characters are no key: 32 hexadecimal digits are 128 bits.
SHORTEST_KEY = 32
#: Bytes; more is another file.
_LARGEST = 64 * 1024


def load_or_make_key(path: Path) -> bytes:
    """
    Read the key file; make it with mode 0600 where there is none.

    Two processes that start at once get the same key: whoever comes second reads what the first one made.

    Raises:
        ConfigError: It cannot be read or made, or does not hold a key.
    """
    with _explained(path):
        if not path.exists():
            _make(path)
        return _read(path)


def look_at_key(path: Path) -> None:
    """
    Judge as `load_or_make_key` will, as the present user; no file is made.

    Raises:
        ConfigError: As there.
    """
    with _explained(path):
        if path.exists():
            _read(path)
        elif not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        elif not os.access(path.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not text"
        problem = (
            f"the key file {path} cannot be used: {reason}; the directory must exist and, like the file, belong to "
            "the user that FreeRADIUS runs as"
        )
        raise ConfigError([problem]) from exc


def _read(path: Path) -> bytes:
    # Editors of Windows put a byte order mark in front.
    key = read_plain_file(path, _LARGEST).removeprefix(BOM_UTF8).decode("ascii").strip()
    if len(key) < SHORTEST_KEY:
        raise ConfigError(
            [
                f"the key file {path} holds no key of at least {SHORTEST_KEY} characters: remove it, a new one is made"
            ]
        )
    return key.encode()


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
