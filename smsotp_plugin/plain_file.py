"""
Reads files that somebody else may have put there: nothing can keep the reader waiting, or fill its memory.

Root reads what belongs to the server's user, who may have put a pipe, a device or something endless in a file's place.
"""

import errno
import os
import stat
from pathlib import Path

#: Bytes of the largest configuration of FreeRADIUS that is looked at; lists of users stand in there.
LARGEST_FILE = 64 * 1024 * 1024
#: A pipe in place of the file would otherwise not open until somebody writes to it.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def is_there(path: Path) -> bool:
    """
    Tell whether there is a file.

    Raises:
        OSError: That cannot be known.
    """
    # Not `Path.exists`, which since Python 3.14 says no where a name is too long or the present user may not know.
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def read_plain_file(path: Path, most: int) -> bytes:
    """
    Return what a file holds.

    Args:
        path: Links are followed.
        most: Bytes; no more are read.

    Raises:
        OSError: It cannot be read, is not a regular file, or holds more; `strerror` says which.
        ValueError: The path holds a NUL character.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        return read_descriptor(descriptor, most)
    finally:
        os.close(descriptor)


def read_descriptor(descriptor: int, most: int) -> bytes:
    """
    Return what an open file holds.

    Args:
        descriptor: Where reading begins at the start of the file.
        most: Bytes.

    Raises:
        OSError: As `read_plain_file`.
    """
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if kind != stat.S_IFREG:
        raise OSError(errno.EINVAL, "it is not a regular file")
    parts, left = [], most + 1
    while left > 0 and (part := os.read(descriptor, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    if left == 0:
        raise OSError(errno.EFBIG, f"it is larger than {most // 1024} KiB: is it the right file?")
    return b"".join(parts)
