"""A FreeRADIUS configuration directory (raddb), as it is before the installation."""

import grp
import ipaddress
import os
import pwd
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.config_text import Section, expand, read_text

#: Where the server's modules are when radiusd.conf does not say.
_USUAL_LIBDIR = "/usr/lib/freeradius"
_DIRECTORIES = ("mods-available", "mods-enabled", "policy.d", "sites-available", "sites-enabled")
_USUAL_PORTS = {"auth": 1812, "acct": 1813}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Listener:
    """
    Where a virtual server listens (UDP).

    Attributes:
        address: ``0.0.0.0`` or ``::`` for all of that family.
        port: 1 to 65535.
    """

    address: Address
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if self.address.version == 6 else f"{self.address}:{self.port}"

    def collides(self, other: "Listener") -> bool:
        """Tell whether the operating system refuses to let both listen."""
        if self.port != other.port or self.address.version != other.address.version:
            return False
        return self.address == other.address or self.address.is_unspecified or other.address.is_unspecified


def read_listener(text: str) -> Listener:
    """
    Read ``ADDR:PORT`` or ``[ADDR]:PORT``.

    Raises:
        ValueError: It is neither; the text says so.
    """
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+|\*)):([0-9]{1,5})", text)
    try:
        if not found or not 0 < int(found[3]) < 65536:
            raise ValueError(text)  # noqa: TRY301  (one message for all that can be wrong)
        address: Address = ipaddress.IPv6Address(found[1]) if found[1] else _ipv4(found[2])
    except ValueError:
        raise ValueError(f"{text} is no ADDR:PORT such as 127.0.0.1:1812, *:1812 or [::1]:1812") from None
    return Listener(address, int(found[3]))


def _ipv4(text: str) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address("0.0.0.0" if text == "*" else text)  # noqa: S104  (what FreeRADIUS's * means)


@dataclass(frozen=True, slots=True)
class Account:
    """
    The user that the server runs as.

    Attributes:
        name: For example ``freerad``.
        uid: Its number.
        gid: Number of the group that the server runs as.
        groups: All groups it is in.
    """

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]

    @property
    def group(self) -> str:
        """Name of the group, or its number where it has none."""
        try:
            return grp.getgrgid(self.gid).gr_name
        except KeyError:
            return str(self.gid)


class Raddb:
    """
    A configuration directory.

    Args:
        path: The directory with ``radiusd.conf``.

    Raises:
        ConfigError: It is no raddb, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.main_file = next(
            (path / name for name in ("radiusd.conf", "freeradius.conf") if (path / name).is_file()), None
        )
        if self.main_file is None:
            raise ConfigError([f"{path} is no FreeRADIUS configuration directory: it has no radiusd.conf"])
        missing = [name for name in _DIRECTORIES if not (path / name).is_dir()]
        if missing:
            raise ConfigError([f"{path} is not as FreeRADIUS 3 has it: {', '.join(missing)} is missing"])
        self._main = read_text(read_file(self.main_file))

    @property
    def library(self) -> Path:
        """``rlm_python3.so``, whether it is there or not."""
        values = self._main.values
        places = expand(values.get("libdir", _USUAL_LIBDIR), values).split(":")
        libraries = [Path(place) / "rlm_python3.so" for place in places]
        return next((library for library in libraries if library.exists()), libraries[0])

    def account(self) -> Account:
        """
        Return the user that the server runs as.

        Raises:
            ConfigError: radiusd.conf names a user or group that this machine does not have.
        """
        values = {**self._main.values, **next((s.values for s in self._main.find("security")), {})}
        try:
            # Without a name the server stays who starts it: whoever installs it, we suppose.
            user = pwd.getpwnam(values["user"]) if "user" in values else pwd.getpwuid(os.geteuid())
            gid = grp.getgrnam(values["group"]).gr_gid if "group" in values else user.pw_gid
        except KeyError:
            named = f"the user {values.get('user', os.geteuid())} or the group {values.get('group', '')}"
            raise ConfigError([f"{self.main_file}: {named} does not exist on this machine"]) from None
        name = user.pw_name
        groups = {gid, user.pw_gid, *(entry.gr_gid for entry in grp.getgrall() if name in entry.gr_mem)}
        return Account(name, user.pw_uid, gid, tuple(sorted(groups)))

    def modules(self) -> Iterator[tuple[Path, str, str]]:
        """Yield the enabled modules: the file, the kind, and the instance's name."""
        for file, content in self._enabled("mods-enabled"):
            for section in content.sections:
                yield file, section.kind, section.name or section.kind

    def listeners(self) -> list[tuple[Path, Listener]]:
        """Return where the enabled sites listen; what cannot be told is left out."""
        return [
            (file, listener)
            for file, content in self._enabled("sites-enabled")
            for listener in _listeners(content)
        ]

    def _enabled(self, folder: str) -> Iterator[tuple[Path, Section]]:
        for file in sorted((self.path / folder).iterdir()):
            # FreeRADIUS passes over everything else.
            if file.is_file() and re.fullmatch(r"[A-Za-z0-9_.-]+", file.name) and file.name[0] != ".":
                yield file, read_text(read_file(file))


def listeners_of(file: Path) -> list[Listener]:
    """
    Return where one site listens.

    Raises:
        ConfigError: The file cannot be read.
    """
    return _listeners(read_text(read_file(file)))


def _listeners(content: Section) -> list[Listener]:
    return [listener for section in content.find("listen") if (listener := _listener(section))]


def _listener(section: Section) -> Listener | None:
    values = section.values
    if values.get("proto") == "tcp":
        return None
    try:
        port = int(values.get("port", "0")) or _USUAL_PORTS.get(values.get("type", "auth"), 0)
        if "ipv6addr" in values:
            return Listener(ipaddress.IPv6Address(values["ipv6addr"].replace("*", "::")), port)
        address = values.get("ipaddr", values.get("ipv4addr", "*"))
        return Listener(ipaddress.ip_address("0.0.0.0" if address == "*" else address), port)  # noqa: S104  (as above)
    except ValueError:
        return None


def read_file(path: Path) -> str:
    """
    Read a file of the raddb.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as exc:
        raise ConfigError([f"{path} cannot be read: {exc.strerror}"]) from exc
