"""POSIX access control lists: who may do something with a file, apart from its owner, its group and everyone."""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

#: acl(5); as the kernel keeps it: a version, then tag, rights and number of each entry, in little-endian.
_ATTRIBUTE = "system.posix_acl_access"
_VERSION, _ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_USER, _OWN_GROUP, _GROUP, _MASK = 0x02, 0x04, 0x08, 0x10
_ALL = 0o7


@dataclass(frozen=True, slots=True)
class Grant:
    """
    What one named user or group may do.

    Attributes:
        is_user: Whether it is a user.
        number: The number of the user or group.
        rights: The last three bits of a mode.
    """

    is_user: bool
    number: int
    rights: int


@dataclass(frozen=True, slots=True)
class Acl:
    """
    An access control list. All rights are the last three bits of a mode.

    Attributes:
        own_group: What the file's group may do: where there is a list, the mode does not show it.
        grants: What other users and groups may do.
    """

    own_group: int
    grants: tuple[Grant, ...]


def read_acl(path: Path) -> Acl | None:
    """Return the list of a file or directory; None if it has none, or none that can be read."""
    try:
        written = os.getxattr(path, _ATTRIBUTE)
        entries = list(_ENTRY.iter_unpack(written[_VERSION.size :]))
    except (OSError, ValueError, struct.error):
        return None
    mask = next((rights for tag, rights, _ in entries if tag == _MASK), _ALL)
    return Acl(
        own_group=next((rights & mask for tag, rights, _ in entries if tag == _OWN_GROUP), 0),
        grants=tuple(
            Grant(tag == _USER, number, rights & mask)
            for tag, rights, number in entries
            if tag in (_USER, _GROUP)
        ),
    )
