"""The distribution's unit for systemd: its patience is longer than ours, and what it forbids is not needed."""

import os
import pwd
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from smsotp_plugin.assembly import STOP_GRACE
from smsotp_plugin.dispatch.lane import STOP_LIMIT
from tests.support.markdown import ROOT

from .mounts import needs_root, wrap_server
from .system import World, people

UNITS = [Path(folder, "freeradius.service") for folder in ("/lib/systemd/system", "/usr/lib/systemd/system")]
#: systemd's own DefaultTimeoutStopSec, where a unit says nothing.
PATIENCE = 90.0
#: For the store's last commit, the housekeeper, and FreeRADIUS itself.
REST = 10.0

#: What systemd gives a unit with PrivateTmp anew.
TEMPORARY = (Path("/tmp"), Path("/var/tmp"))
#: What the unit does and more: all that is mounted at / can be read only, and the configuration too.
HARDENED = """
mount --bind {raddb} {raddb}
mount -o remount,bind,ro {raddb}
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -o remount,bind,ro /
"""
AS_USER = "setpriv --reuid=freerad --regid=freerad --clear-groups --no-new-privs"


def unit() -> dict[str, list[str]]:
    """Return what the unit sets, by name; a name may come several times."""
    file = next((path for path in UNITS if path.exists()), None)
    if file is None:
        pytest.fail("freeradius.service is missing: apt-get install --no-install-recommends freeradius")
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", file.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_the_unit_waits_longer_for_an_end_than_the_plugin_takes() -> None:
    set_here = [value for name in ("TimeoutStopSec", "TimeoutSec") for value in unit().get(name, [])]

    # Only plain seconds are read; another spelling should be looked at.
    patience = min([PATIENCE, *map(float, set_here)])
    assert patience > STOP_GRACE + STOP_LIMIT + REST


def test_the_unit_lets_the_server_write_the_store_and_has_a_tmp_of_its_own() -> None:
    settings = unit()

    assert settings["User"] == ["freerad"]
    assert settings["PrivateTmp"] == ["true"]
    assert "strict" not in settings.get("ProtectSystem", [])
    for name in ("ReadOnlyDirectories", "ReadOnlyPaths", "InaccessiblePaths", "TemporaryFileSystem"):
        for value in settings.get(name, []):
            assert not value.startswith("/var"), f"{name}={value}"


def empty_temporary(needed: Iterable[Path]) -> str:
    """Return the mounts that leave nothing in the folders for temporary files but the needed ones."""
    kept = [path for path in sorted(set(needed)) if any(path.is_relative_to(folder) for folder in TEMPORARY)]
    kept = [path for path in kept if not any(path != other and path.is_relative_to(other) for other in kept)]
    lines = ["mount -t tmpfs tmpfs /mnt"]
    for number, path in enumerate(kept):
        lines += [f"mkdir /mnt/{number}", f"mount --rbind {path} /mnt/{number}"]
    lines += [f"mount -t tmpfs tmpfs {folder}" for folder in TEMPORARY]
    for number, path in enumerate(kept):
        lines += [f"mkdir -p {path}", f"mount --move /mnt/{number} {path}"]
    return "\n".join([*lines, "umount /mnt"])


@needs_root
def test_the_server_needs_nothing_that_the_unit_forbids(directory: Path) -> None:
    world = World(directory / "world", users=people(2))
    world.server.prepare()
    # The plugin is where it was installed for the tests: beside its sources, as a rule.
    needed = [directory, Path(sys.prefix), Path(sys.base_prefix), ROOT]
    mounts = empty_temporary(needed) + HARDENED.format(raddb=world.server.raddb)
    wrap_server(world.server, mounts, run_by=AS_USER)
    account = pwd.getpwnam("freerad")
    for path in (directory, *directory.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)

    with world:
        status = Path(f"/proc/{world.server.pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert world.log_in_wholly(world.someone()).code == "accept"
        assert world.database.owner() == "freerad"
        assert refused_to_write(world), "the mounts are not those of this test"


def refused_to_write(world: World) -> bool:
    """Tell whether the server's process could not write to its configuration, even as root."""
    enter = ["nsenter", "--target", str(world.server.pid), "--mount", "--root", "touch"]
    done = subprocess.run([*enter, world.server.raddb / "new"], capture_output=True, check=False)
    return b"Read-only file system" in done.stderr
