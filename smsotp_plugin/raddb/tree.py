"""A FreeRADIUS configuration directory (raddb), as it is before the installation."""

import ipaddress
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.plain_file import LARGEST_FILE, read_plain_file
from smsotp_plugin.raddb.account import Account, find_account
from smsotp_plugin.raddb.places import Place
from smsotp_plugin.radius.config_text import Section, expand, read_text

#: Where the server's modules are if radiusd.conf does not say.
_USUAL_LIBDIRS = ["/usr/lib/freeradius", "/usr/lib64/freeradius", "/usr/local/lib"]
#: What Debian and everybody else call the server's program.
_PROGRAMS = ("freeradius", "radiusd")
_SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
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
        """Tell whether the operating system does not let both listen."""
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
        address: Address = ipaddress.IPv6Address(found[1]) if found[1] else _read_ipv4(found[2])
    except ValueError:
        raise ValueError(f"{text} is not ADDR:PORT, such as 127.0.0.1:1812, *:1812 or [::1]:1812") from None
    return Listener(address, int(found[3]))


def _read_ipv4(text: str) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address("0.0.0.0" if text == "*" else text)  # noqa: S104  (what FreeRADIUS's * means)


class Raddb:
    """
    A configuration directory.

    Args:
        path: The directory with ``radiusd.conf``.

    Raises:
        ConfigError: It is not a raddb, or cannot be read.
        OSError: It cannot be looked at.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.main_file = path / "radiusd.conf"
        if not _is_file(self.main_file):
            problem = (
                f"{path} is not a FreeRADIUS configuration directory: it has no radiusd.conf; name the one that has it, "
                "such as /etc/freeradius/3.0 on Debian or /etc/raddb elsewhere"
            )
            raise ConfigError([problem])
        missing = [name for name in _DIRECTORIES if not (path / name).is_dir()]
        if missing:
            raise ConfigError([f"{path} is not as FreeRADIUS 3 has it: {', '.join(missing)} is missing"])
        self.place = Place.at(path)
        self.main_file = self.place.inside(self.main_file)
        main = read_text(read_file(self.main_file))
        # The server fills this in before it reads the file, and the first of several values counts.
        self._values = {**main.values, "confdir": str(path)}
        self._rights = {**self._values, **next((section.values for section in main.find("security")), {})}

    @property
    def library(self) -> Path:
        """``rlm_python3.so``, whether it is there or not."""
        places = [place for place in self._read_value("libdir").split(":") if place] or _USUAL_LIBDIRS
        libraries = [Path(place) / "rlm_python3.so" for place in places]
        return next((library for library in libraries if library.exists()), libraries[0])

    def program(self) -> Path | None:
        """Return the server's program under the name and in the place that radiusd.conf gives; None if there is none."""
        names = dict.fromkeys(
            name for name in (self._read_value("name"), *_PROGRAMS) if _FILE_NAME.fullmatch(name)
        )
        folders = [self._read_value("sbindir"), *os.environ.get("PATH", "").split(":"), *_SYSTEM_FOLDERS]
        found = (Path(folder) / name for name in names for folder in folders if folder.startswith("/"))
        return next((path for path in found if path.is_file() and os.access(path, os.X_OK)), None)

    def account(self) -> Account:
        """
        Return the user that the server runs as.

        Raises:
            ConfigError: radiusd.conf names a user or group that this machine does not have.
        """
        user, group = (self.expand_value(self._rights.get(name, "")) for name in ("user", "group"))
        try:
            # Without a name the server keeps running as the user who starts it, who we suppose is the one who installs it.
            return find_account(user or os.geteuid(), group or None)
        except KeyError:
            named = f"the user {user or os.geteuid()} or the group {group}"
            raise ConfigError([f"{self.main_file}: {named} does not exist on this machine"]) from None

    def find_keeper(self) -> Account:
        """
        Return the user as whom root may run the programs and libraries that this configuration names.

        Whoever owns radiusd.conf or a directory above it decides what these are, so they must run as that user.

        Raises:
            ConfigError: As `account`, or this machine does not have that user.
        """
        for path in (self.main_file, self.path, *self.path.resolve().parents):
            uid = path.stat().st_uid
            if uid != 0:
                return _find_owner(path, uid)
        return self.account()

    def expand_value(self, text: str) -> str:
        """Put the variables of radiusd.conf into a text; unknown ones stay as they are."""
        return expand(text, self._values)

    def _read_value(self, name: str) -> str:
        return self.expand_value(self._values.get(name, ""))

    def modules(self) -> Iterator[tuple[Path, str, str]]:
        """Yield the enabled modules: the file, the kind, and the instance's name."""
        for file, content in self._list_enabled("mods-enabled"):
            for section in content.sections:
                yield file, section.kind, section.name or section.kind

    def listeners(self) -> list[tuple[Path, Listener]]:
        """Return where the enabled sites listen; what cannot be determined is left out."""
        return [
            (file, listener)
            for file, content in self._list_enabled("sites-enabled")
            for listener in _read_listeners(content)
        ]

    def _list_enabled(self, folder: str) -> Iterator[tuple[Path, Section]]:
        for file in sorted((self.path / folder).iterdir()):
            # FreeRADIUS skips everything else.
            if file.is_file() and re.fullmatch(r"[A-Za-z0-9_.-]+", file.name) and file.name[0] != ".":
                yield file, read_text(read_file(file))


def _is_file(path: Path) -> bool:
    # Not `Path.is_file`, which since Python 3.14 says no if the present user may not look.
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _find_owner(path: Path, uid: int) -> Account:
    try:
        return find_account(uid)
    except KeyError:
        raise ConfigError(
            [f"{path} belongs to the user {uid}, who does not exist on this machine: give it to another one"]
        ) from None


def find_listeners(text: str) -> list[Listener]:
    """Return where a site listens, from its text."""
    return _read_listeners(read_text(text))


def _read_listeners(content: Section) -> list[Listener]:
    return [listener for section in content.find("listen") if (listener := _read_listener(section))]


def _read_listener(section: Section) -> Listener | None:
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
        return read_plain_file(path, LARGEST_FILE).decode("utf-8", errors="surrogateescape")
    except OSError as exc:
        raise ConfigError([f"{path} cannot be read: {exc.strerror}"]) from exc
