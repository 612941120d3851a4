"""A private copy of FreeRADIUS's configuration directory, changed so that it can run anywhere. Never touches /etc."""

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from smsotp_mocks.servers.errors import HarnessError

__all__ = [
    "BOB",
    "HarnessError",
    "RadiusUser",
    "copy_raddb",
    "find_program",
    "find_raddb",
    "render_plain_site",
    "write_users",
]

#: Where distributions keep it: Debian; Red Hat, Alpine and most others; upstream.
_USUAL_RADDBS = tuple(map(Path, ("/etc/freeradius/3.0", "/etc/raddb", "/usr/local/etc/raddb")))
#: What they call the program.
_PROGRAMS = ("freeradius", "radiusd")
_SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
#: What the site that ``smsotp freeradius install`` brings calls, and what unlang needs to be written in full.
_MODULES = ("always", "attr_filter", "expiration", "expr", "files", "logintime", "pap")


@dataclass(frozen=True, slots=True)
class RadiusUser:
    """
    One entry of the users file.

    Attributes:
        phone: For ``SMSOTP-Phone``; FreeRADIUS fills in ``%{...}``, so that one entry ``DEFAULT`` can give everybody a number of
            their own. None leaves it out.
        extra: Further check items, as the users file has them: ``SMSOTP-Foo := "bar", ...``.
    """

    name: str
    password: str = field(repr=False)
    phone: str | None = None
    extra: str = ""

    def __str__(self) -> str:
        checks = [f"Cleartext-Password := {_quote(self.password)}"]
        if self.phone is not None:
            checks.append(f"SMSOTP-Phone := {_quote_template(self.phone)}")
        if self.extra:
            checks.append(self.extra)
        # FreeRADIUS takes a backslash in the name for itself, unless a quote follows.
        name = self.name.replace('"', '\\"')
        return f'"{name}" {", ".join(checks)}\n'


BOB = RadiusUser("bob", "hello", "+491701234567")


def find_raddb() -> Path:
    """Return this machine's configuration directory; Debian's where there is none."""
    return next((path for path in _USUAL_RADDBS if (path / "radiusd.conf").exists()), _USUAL_RADDBS[0])


def find_program(raddb: Path) -> Path:
    """
    Return the server's program, as ``radiusd.conf`` calls it and where it says.

    Raises:
        HarnessError: FreeRADIUS is not installed.
    """
    values = _read_values(raddb / "radiusd.conf")
    names = dict.fromkeys(name for name in (values.get("name", ""), *_PROGRAMS) if name)
    folders = (values.get("sbindir", ""), *os.environ.get("PATH", "").split(":"), *_SYSTEM_FOLDERS)
    places = (Path(folder) / name for name in names for folder in folders if folder.startswith("/"))
    for place in places:
        if os.access(place, os.X_OK):
            return place
    raise HarnessError(
        "FreeRADIUS is not installed: apt-get install freeradius freeradius-python3 freeradius-utils"
    )


def _read_values(main: Path) -> dict[str, str]:
    """Return what stands before the first section of ``radiusd.conf``, with the variables filled in."""
    values: dict[str, str] = {}
    text = main.read_text(errors="surrogateescape") if main.exists() else ""
    for found in re.finditer(r"^([\w.]+)[ \t]*=[ \t]*[\"']?([^\"'\s]+)", text, re.MULTILINE):
        values[found[1]] = re.sub(r"\$\{([\w.]+)\}", lambda name: values.get(name[1], ""), found[2])
    return values


def copy_raddb(
    raddb: Path, *, source: Path, secret: str, reject_delay: int, modules: Iterable[str] = ()
) -> None:
    """
    Make `raddb` a working copy of a configuration directory that serves nothing yet.

    Whatever the source has enabled, the copy has no site, no home server, and only the modules that a log-in with the
    users file and PAP needs; a directory or a database that the source asks is left in peace. Paths point into the
    parent of `raddb`. The server stays the user who starts it.

    Args:
        source: The directory to copy.
        secret: Of the only client, 127.0.0.1 and ::1.
        reject_delay: Seconds that FreeRADIUS holds an Access-Reject back.
        modules: Further ones to enable, by their names in ``mods-available``.

    Raises:
        HarnessError: There is nothing to copy, no right to read it, or no such module.
    """
    try:
        shutil.copytree(source, raddb, symlinks=True)
    except (OSError, shutil.Error) as error:
        reason = error.strerror or "not all of it is readable"  # copytree gathers the errors of single files
        raise HarnessError(
            f"Cannot copy FreeRADIUS's configuration from {source}: {reason}. On Debian it belongs to the packages "
            "freeradius and freeradius-config, and root or the group freerad can read it."
        ) from None
    for folder in ("sites-enabled", "mods-enabled"):
        shutil.rmtree(raddb / folder)
        (raddb / folder).mkdir()
    for name in dict.fromkeys((*_MODULES, *modules)):
        _enable(raddb, name)
    _rewrite_main(raddb, reject_delay)
    (raddb / "proxy.conf").write_text("")
    (raddb / "clients.conf").write_text(_write_clients(secret))


def write_users(raddb: Path, users: Iterable[RadiusUser]) -> None:
    """Replace the users file of the module ``files``."""
    path = raddb / "mods-config/files/authorize"
    path.write_text("".join(str(user) for user in users))


def render_plain_site(address: tuple[str, int]) -> str:
    """Return a site that checks passwords from the users file and nothing more, to compare others with."""
    host, port = address
    return f"""server plain {{
	listen {{
		type = auth
		ipaddr = {host}
		port = {port}
	}}
	authorize {{
		files
		pap
	}}
	authenticate {{
		Auth-Type PAP {{
			pap
		}}
	}}
}}
"""


def _enable(raddb: Path, module: str) -> None:
    target = Path("../mods-available") / module
    if not (raddb / "mods-enabled" / target).exists():
        raise HarnessError(f"{raddb} has no mods-available/{module}: is its package installed?")
    (raddb / "mods-enabled" / module).symlink_to(target)


def _rewrite_main(raddb: Path, reject_delay: int) -> None:
    values = {
        "raddbdir": _quote_setting(str(raddb)),
        "logdir": _quote_setting(str(raddb.parent / "log")),
        "run_dir": _quote_setting(str(raddb.parent / "run")),
        "reject_delay": str(reject_delay),
        "proxy_requests": "no",
        "user": None,
        "group": None,
    }
    for folder in ("log", "run"):
        (raddb.parent / folder).mkdir(exist_ok=True)
    path = raddb / "radiusd.conf"
    text = path.read_text()
    for name, value in values.items():
        line = "" if value is None else f"{name} = {value}"
        # The backslashes of the replacement are its own, not the pattern language's.
        replacement = line.replace("\\", "\\\\")
        text, found = re.subn(rf"^[ \t]*{name}[ \t]*=.*$", replacement, text, count=1, flags=re.MULTILINE)
        if not found and value is not None:
            raise HarnessError(f"{path} has no line `{name} = ...`; is it FreeRADIUS 3?")
    # Modules can stand in the file itself, and ``instantiate`` may name some that are not enabled here.
    for section, content in (("modules", "\t$INCLUDE mods-enabled/\n"), ("instantiate", "")):
        whole = re.compile(rf"^{section}[ \t]*\{{.*?^\}}", re.MULTILINE | re.DOTALL)
        text = whole.sub(f"{section} {{\n{content}}}", text, count=1)
    path.write_text(text)


def _write_clients(secret: str) -> str:
    client = "client {} {{\n\t{} = {}\n\tsecret = {}\n\trequire_message_authenticator = no\n}}\n"
    return client.format("localhost", "ipaddr", "127.0.0.1", _quote_setting(secret)) + client.format(
        "localhost_ipv6", "ipv6addr", "::1", _quote_setting(secret)
    )


def _quote(text: str) -> str:
    """Write a text for the users file, where FreeRADIUS fills in ``%{...}`` between double quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quote_template(text: str) -> str:
    """Write a text for the users file in which FreeRADIUS fills in ``%{...}``."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _quote_setting(text: str) -> str:
    """
    Write a text for a configuration file, where FreeRADIUS fills in ``${...}`` between double quotes.

    A backslash stands for itself there, so none can stand last or before a single quote.
    """
    return "'" + text.replace("'", "\\'") + "'"
