"""Copies of Debian's configuration for the tests of the installation, and the commands that change them."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from smsotp_mocks.net.ports import find_free_udp_port
from smsotp_plugin.raddb.install import plan_installation
from smsotp_plugin.raddb.tree import Raddb, read_listener
from smsotp_plugin.settings import load_settings

DEBIAN = Path("/etc/freeradius/3.0")
SMSOTP = Path(sys.executable).parent / "smsotp"
USERS = """
bob Cleartext-Password := "hello", SMSOTP-Phone := "+491701234567"
"jürgen" Cleartext-Password := "grüß", SMSOTP-Phone := "+491701234568"
open Auth-Type := Accept, SMSOTP-Phone := "+491701234567"
poor Cleartext-Password := "hello"
"""


@dataclass(frozen=True)
class Copied:
    """A directory with a copy of Debian's configuration and with one of the plugin's."""

    directory: Path

    @property
    def raddb(self) -> Path:
        return self.directory / "raddb"

    @property
    def config(self) -> Path:
        return self.directory / "smsotp.toml"


def copy_debian(directory: Path) -> Path:
    """Copy Debian's configuration, whose own sites then listen elsewhere; returns the copy."""
    path = directory / "raddb"
    subprocess.run(["cp", "-a", DEBIAN, path], check=True)
    for site in (path / "sites-available/default", path / "sites-available/inner-tunnel"):
        site.write_text(
            re.sub(r"port = (0|18120)\b", lambda _: f"port = {find_free_udp_port()}", site.read_text())
        )
    answer_at_once(path)
    users = path / "mods-config/files/authorize"
    users.write_text(USERS + users.read_text())
    return path


def answer_at_once(raddb: Path) -> None:
    main = raddb / "radiusd.conf"
    main.write_text(main.read_text().replace("reject_delay = 1", "reject_delay = 0"))


def write_config(directory: Path, url: str) -> Path:
    path = directory / "smsotp.toml"
    path.write_text(
        f'[store]\nurl = "sqlite://{directory}/store/smsotp.db"\n'
        f'[gateways.mock]\nprovider = "http"\nURL = "{url}/"\n'
        '[gateways.mock.options]\nto = "{phone}"\ntext = "{otp}"\n'
    )
    path.chmod(0o600)
    return path


def install(
    raddb: Path, config: Path, *options: str, user: str | None = None
) -> subprocess.CompletedProcess[str]:
    return freeradius("install", "--raddb", raddb, "--config", config, *options, user=user)


def change_raddb(raddb: Path, config: Path, listen: str | None = None) -> None:
    """
    Change a configuration as ``smsotp freeradius install`` does.

    What the command does beside that is left out, and takes twice as long as the start of a server: FreeRADIUS's own check, and the
    look with its rights. A start tells the same.

    Raises:
        ConfigError: It cannot be installed there.
    """
    listener = None if listen is None else read_listener(listen)
    for change in plan_installation(Raddb(raddb), config, load_settings(config), listener).changes:
        change.make()


def freeradius(
    *arguments: str | Path, user: str | None = None, smsotp: Path = SMSOTP
) -> subprocess.CompletedProcess[str]:
    """Run ``smsotp freeradius``."""
    return subprocess.run(
        [smsotp, "freeradius", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        user=user,
        group=user and "nogroup",
    )


def contents(directory: Path) -> dict[str, tuple[int, int, int, str, bytes]]:
    """Return owner, group, mode, target and content of everything below a directory."""
    return {
        str(path): (
            *(found.st_uid, found.st_gid, found.st_mode),
            str(path.readlink()) if path.is_symlink() else "",
            path.read_bytes() if path.is_file() else b"",
        )
        for path in directory.rglob("*")
        for found in (path.lstat(),)
    }


def set_main(raddb: Path, **values: str) -> None:
    """Change values of radiusd.conf."""
    main = raddb / "radiusd.conf"
    text = main.read_text()
    for name, value in values.items():
        text = re.sub(rf"^(\s*){name} = .*$", rf"\1{name} = {value}", text, count=1, flags=re.MULTILINE)
    main.write_text(text)
