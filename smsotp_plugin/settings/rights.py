"""Who else can read or change the configuration file and the files that it names."""

import grp
import os
import pwd
import re
import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from smsotp_plugin.settings.acl import Acl, read_acl
from smsotp_plugin.settings.document import KeyPath, write_path
from smsotp_plugin.settings.sections import Settings
from smsotp_plugin.stores.settings import StoreSettings

#: Tables of a gateway whose values go to the gateway as they are; keys and tokens may be among them.
FREE_TABLES = ("options", "headers", "PARAMETER")
#: Names under which such a key or token is usual there.
_SECRET_NAME = re.compile(r"pass|pwd|secret|token|key|auth|credential|cookie|signature|pin$", re.IGNORECASE)
#: What looks like one under any other name: one long word with digits and letters.
_SECRET_VALUE = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])[^\s{}]{16,}")
#: The settings that hold the key of the store.
_KEYS = ("store.key", "store.keys")
#: A URL with a password in it.
_ACCOUNT_IN_URL = re.compile(r"[a-z+]+://[^/@]*@")


@dataclass(frozen=True, slots=True)
class Owners:
    """
    Who may own the store's files, besides root.

    Attributes:
        users: Numbers of users.
        groups: Numbers of groups.
    """

    users: frozenset[int]
    groups: frozenset[int]

    def has_stranger(self, found: os.stat_result) -> bool:
        """Tell whether a file's group is not one of the server's."""
        return found.st_gid not in {0, *self.groups}

    @classmethod
    def of_this_process(cls) -> "Owners":
        """Return the owners for a server's own files, when called inside that server."""
        return cls(frozenset((os.geteuid(),)), frozenset((os.getegid(), *os.getgroups())))

    @classmethod
    def of_directory(cls, store: StoreSettings) -> "Owners | None":
        """Return who owns the store's directory: the server's user, as far as can be seen from outside."""
        try:
            found = store.directories[0].stat()
        except (OSError, IndexError):
            return None
        return cls(frozenset((found.st_uid,)), frozenset((found.st_gid,)))


def find_rights_warnings(
    settings: Settings, path: Path, document: dict[str, Any], owners: Owners | None
) -> Iterator[str]:
    """
    Yield what others can read or change, as sentences with what to type.

    Args:
        settings: As they were read.
        path: The file that they came from.
        document: That file's content.
        owners: Who may own the store's files; None if the server's user is not known.
    """
    owners = owners or Owners.of_directory(settings.store)
    found = path.stat()
    mode = found.st_mode
    if mode & stat.S_IWOTH:
        yield f"{path}: everyone on this machine can write to it; type: chmod o-w {shlex.quote(str(path))}"
    yield from _find_directory_warnings(str(path), _list_homes(path.absolute()), None)
    secrets = list(_find_secrets(settings, document, ()))
    inside = [place for place, source in secrets if source is None]
    if inside and mode & stat.S_IROTH:
        yield (
            f"{path}: everyone on this machine can read it, and it holds secrets ({', '.join(inside)}); type: "
            f"chmod o-rwx {shlex.quote(str(path))}"
        )
    if inside and owners is not None and mode & stat.S_IRGRP and owners.has_stranger(found):
        yield (
            f"{path}: the group {_name_group(found.st_gid)} can read it, and it holds secrets ({', '.join(inside)}); type: "
            f"chmod g-rwx {shlex.quote(str(path))}, or give it to the server's group with chgrp"
        )
    for place, source in secrets:
        if source and not source.is_absolute():
            yield f"{path}: {place}: {source} is not an absolute path: FreeRADIUS runs in another directory"
        if source:
            # A key of the store needs the same protection in such a file as in `store.key_file`.
            keepers = owners if place.startswith(_KEYS) else None
            yield from _find_file_warnings(f"{path}: {place}", source, keepers)
            yield from _find_directory_warnings(f"{path}: {place}", _list_homes(source.absolute()), keepers)
    yield from _find_store_warnings(path, settings.store, owners)


def _find_store_warnings(path: Path, store: StoreSettings, owners: Owners | None) -> Iterator[str]:
    files = store.find_files()
    own = store.directory
    homes = set() if own is None else {own, Path(os.path.realpath(own))}.union(*map(_list_homes, files))
    if not store.given_keys:
        place = f"{path}: store.key_file"
        yield from _find_file_warnings(place, store.key_path, owners)
        if not _list_homes(store.key_path) <= homes:
            yield from _find_directory_warnings(place, _list_homes(store.key_path), owners)
    place = f"{path}: store.url"
    for file in files:
        yield from _find_file_warnings(place, file, owners)
    yield from _find_directory_warnings(place, homes, owners)


def _find_file_warnings(place: str, file: Path, owners: Owners | None) -> Iterator[str]:
    """Judge a file that nobody else should read or write; one that is not there is fine."""
    try:
        found = file.stat()
    except (OSError, ValueError):
        return
    typed = shlex.quote(str(file))
    if deeds := _join_deeds(found.st_mode):
        yield f"{place}: everyone on this machine can {deeds} {file}; type: chmod o-rwx {typed}"
    if owners is None:
        return
    acl = read_acl(file)
    deeds = _join_deeds(found.st_mode >> 3 if acl is None else acl.own_group)
    if deeds and owners.has_stranger(found):
        group = _name_group(found.st_gid)
        yield f"{place}: the group {group} can {deeds} {file}; type: chmod g-rwx {typed}"
    for whom, rights in _list_strangers(acl, owners):
        if deeds := _join_deeds(rights):
            yield f"{place}: {whom} can {deeds} {file}, by its access control list; type: setfacl -b {typed}"
    yield from _find_owner_warnings(place, file, found, owners)


def _find_owner_warnings(place: str, file: Path, found: os.stat_result, owners: Owners) -> Iterator[str]:
    if found.st_uid not in {0, *owners.users}:
        server = _name_user(min(owners.users))
        yield (
            f"{place}: {file} belongs to {_name_user(found.st_uid)}, who can change it; FreeRADIUS runs as {server}: "
            f"type: chown {server}: {shlex.quote(str(file))}"
        )


def _list_homes(file: Path) -> set[Path]:
    """Return the directory that a file is in, as it is named, and as links lead to it."""
    return {file.parent, Path(os.path.realpath(file)).parent}


def _find_directory_warnings(place: str, homes: set[Path], owners: Owners | None) -> Iterator[str]:
    """Judge who can replace a file in these directories; strictly if it is known who may own them."""
    for directory in sorted({above for home in homes for above in (home, *home.parents)}, reverse=True):
        try:
            found = directory.stat()
        except OSError:
            continue
        everyone = found.st_mode & stat.S_IWOTH
        # In a sticky directory, nobody can replace what is not theirs.
        sticky = found.st_mode & stat.S_ISVTX
        typed = shlex.quote(str(directory))
        if everyone and not sticky:
            yield f"{place}: everyone on this machine can replace what is in {directory}; type: chmod o-w {typed}"
        elif everyone and owners is not None and directory in homes:
            yield (
                f"{place}: everyone on this machine can make files in {directory}: give the store a directory of its own"
            )
        if owners is not None:
            yield from _find_stranger_warnings(place, directory, found, owners, is_home=directory in homes)


def _find_stranger_warnings(
    place: str, directory: Path, found: os.stat_result, owners: Owners, *, is_home: bool
) -> Iterator[str]:
    """Judge what single users and groups may do with a directory; `is_home` if one of our files is in it."""
    acl, typed = read_acl(directory), shlex.quote(str(directory))
    if not found.st_mode & stat.S_ISVTX:
        may_write = found.st_mode >> 3 if acl is None else acl.own_group
        if may_write & stat.S_IWOTH and owners.has_stranger(found):
            group = _name_group(found.st_gid)
            yield f"{place}: the group {group} can replace what is in {directory}; type: chmod g-w {typed}"
        for whom, rights in _list_strangers(acl, owners):
            if rights & stat.S_IWOTH:
                yield (
                    f"{place}: {whom} can replace what is in {directory}, by its access control list; type: setfacl -b {typed}"
                )
    if is_home:
        yield from _find_owner_warnings(place, directory, found, owners)
    elif found.st_uid not in {0, *owners.users}:
        yield (
            f"{place}: {directory} belongs to {_name_user(found.st_uid)}, who can replace what is in it: use a directory "
            "that only root or FreeRADIUS's user can write above, such as one in /var/lib"
        )


def _list_strangers(acl: Acl | None, owners: Owners) -> Iterator[tuple[str, int]]:
    """Yield each user or group in a list that is not the server's, with its rights as the last three bits of a mode."""
    for grant in () if acl is None else acl.grants:
        if grant.number not in {0, *(owners.users if grant.is_user else owners.groups)}:
            whom = (
                f"user {_name_user(grant.number)}" if grant.is_user else f"group {_name_group(grant.number)}"
            )
            yield f"the {whom}", grant.rights


def _join_deeds(mode: int) -> str:
    """Return what the last three bits of a mode allow with a file's content; empty if nothing."""
    deeds = [deed for bit, deed in ((stat.S_IROTH, "read"), (stat.S_IWOTH, "write to")) if mode & bit]
    return " and ".join(deeds)


def _name_user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _name_group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _find_secrets(
    model: BaseModel, table: dict[str, Any], place: KeyPath
) -> Iterator[tuple[str, Path | None]]:
    """Yield where secrets are: the key path, and the file that it names, or None if the secret itself is there."""
    for name, value in model:
        written, path = table.get(name), (*place, name)
        if isinstance(value, BaseModel) and isinstance(written, dict):
            yield from _find_secrets(value, written, path)
        elif name in FREE_TABLES and isinstance(written, dict):
            yield from _find_free_secrets(written, path)
        elif isinstance(value, Mapping) and isinstance(written, dict):
            for key, item in value.items():
                # The file may have been changed since the settings were read.
                if isinstance(item, BaseModel) and isinstance(written.get(key), dict):
                    yield from _find_secrets(item, written[key], (*path, key))
        elif written:
            yield from _secrets_of_value(value, written, path)


def _secrets_of_value(value: Any, written: Any, place: KeyPath) -> Iterator[tuple[str, Path | None]]:
    match value:
        case SecretStr():
            yield from _find_written_secrets(written, place)
        case tuple() if isinstance(written, list):
            for item, each in zip(value, written, strict=False):
                yield from _secrets_of_value(item, each, place)
        case _ if isinstance(written, str) and _ACCOUNT_IN_URL.match(written):
            yield write_path(place), None


def _find_free_secrets(table: dict[str, Any], place: KeyPath) -> Iterator[tuple[str, Path | None]]:
    """Yield those of a gateway's own parameters that are secrets, judging by their name or value."""
    for name, written in table.items():
        values = written if isinstance(written, list) else [written]
        if isinstance(written, dict):
            yield from _find_written_secrets(written, (*place, name))
        elif any(isinstance(value, str) and _looks_secret(name, value) for value in values):
            yield write_path((*place, name)), None


def _looks_secret(name: str, value: str) -> bool:
    named = _SECRET_NAME.search(name) and value and "{" not in value
    return bool(named or _SECRET_VALUE.fullmatch(value))


def _find_written_secrets(written: Any, place: KeyPath) -> Iterator[tuple[str, Path | None]]:
    if isinstance(written, str):
        yield write_path(place), None
    elif isinstance(written, dict) and isinstance(written.get("file"), str):
        yield write_path(place), Path(written["file"])
