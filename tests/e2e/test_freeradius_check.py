"""``smsotp freeradius check`` on copies of Debian's configuration: what a start would stumble over, as freerad sees it."""

import grp
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from smsotp_mocks.net.ports import find_free_udp_port
from smsotp_plugin.raddb.rehearsal import rehearse_as
from smsotp_plugin.raddb.tree import Raddb
from tests.support.markdown import blocks

from .raddbs import DEBIAN, SMSOTP, Copied, contents, write_config

pytestmark = [
    pytest.mark.skipif(not DEBIAN.is_dir(), reason="FreeRADIUS is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can look as another user"),
]

#: The documented lines, and after which line of Debian's site each goes.
DOCUMENTED = (
    (r"^authorize \{$", "\tsmsotp_guard"),
    (r"^\tpap$", "\tsmsotp_authorize"),
    (r"^\t\tpap$", "\t\tif (ok) {\n\t\t\tsmsotp_challenge\n\t\t}\n\t\telse {\n\t\t\treject\n\t\t}"),
    (r"^post-auth \{$", "\tsmsotp_post_auth"),
    (r"^\t\tattr_filter.access_reject$", "\t\tsmsotp_sign_reply"),
)


@dataclass(frozen=True)
class Installed(Copied):
    """With the plugin in it, and its site wired as the page says."""

    @property
    def store(self) -> Path:
        return self.directory / "store"

    @property
    def site(self) -> Path:
        return self.raddb / "sites-available/default"

    def check(self, *options: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
        return self.run("check", "--raddb", str(self.raddb), *options, user=user)

    def run(self, *arguments: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SMSOTP, "freeradius", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            user=user,
            group=user,
            extra_groups=[group.gr_gid for group in grp.getgrall() if user in group.gr_mem] if user else None,
        )


@pytest.fixture(scope="module")
def original() -> Iterator[Path]:
    """Install once; each test gets a copy in the same place, because paths stand in the files."""
    with tempfile.TemporaryDirectory(prefix="smsotp-") as name:
        made = Installed(Path(name) / "now")
        made.directory.parent.chmod(0o755)
        made.directory.mkdir(mode=0o755)
        subprocess.run(["cp", "-a", DEBIAN, made.raddb], check=True)
        write_config(made.directory, "http://127.0.0.1:1")
        made.site.write_text(wire(made.site.read_text()))
        inner = made.raddb / "sites-available/inner-tunnel"
        inner.write_text(inner.read_text().replace("port = 18120", f"port = {find_free_udp_port()}"))
        done = made.run("install", "--raddb", str(made.raddb), "--config", str(made.config))
        assert done.returncode == 0, done.stdout + done.stderr
        made.directory.rename(made.directory.with_name("original"))
        yield made.directory.with_name("original")


@pytest.fixture
def installed(original: Path) -> Iterator[Installed]:
    made = Installed(original.with_name("now"))
    subprocess.run(["cp", "-a", original, made.directory], check=True)
    yield made
    shutil.rmtree(made.directory)


def wire(text: str) -> str:
    for after, lines in DOCUMENTED:
        text, found = re.subn(after, lambda line: f"{line[0]}\n{lines}", text, count=1, flags=re.MULTILINE)  # noqa: B023  (called at once)
        assert found, after
    return text


def test_debians_site_with_the_documented_lines_is_right(installed: Installed) -> None:
    done = installed.check()

    shown = next(block for block in blocks("text") if "virtual server  reached by" in block.text)
    assert done.stderr == ""
    assert done.returncode == 0
    assert without_numbers(shown.text).strip() in without_numbers(done.stdout)
    assert re.search(
        r"^default +\*:1812, \[::\]:1812 +line \d+ +line \d+ +PAP +line \d+ +line \d+$",
        done.stdout,
        re.MULTILINE,
    )
    assert re.search(r"^inner-tunnel +inside of EAP \(ttls, peap\)  ", done.stdout, re.MULTILINE)
    assert done.stdout.endswith(
        "Every virtual server that asks for a code calls the policies where it must.\n"
    )


def test_the_policy_that_makes_rejections_take_the_same_time_is_asked_for(installed: Installed) -> None:
    installed.config.write_text(installed.config.read_text() + "\n[challenge]\nuniform = true\n")
    without = installed.check()
    (line,) = re.findall(r"^ +(smsotp_uniform)$", without.stderr, re.MULTILINE)
    site = installed.site.read_text()
    installed.site.write_text(site.replace("\t\tsmsotp_sign_reply\n", f"\t\tsmsotp_sign_reply\n\t\t{line}\n"))

    done = installed.check()

    assert "smsotp_uniform is not called in Post-Auth-Type REJECT" in without.stderr
    assert without.returncode == 1
    assert (done.stderr, done.returncode) == ("", 0)


def without_numbers(text: str) -> str:
    """Return a table whose lines are those of any release of Debian's site."""
    return re.sub(r"line \d+ *", "line ", text)


def test_a_check_changes_nothing_and_makes_neither_store_nor_key(installed: Installed) -> None:
    before = contents(installed.directory)

    installed.check()

    assert contents(installed.directory) == before
    assert list(installed.store.iterdir()) == []


def test_policies_that_were_forgotten_end_with_exit_code_1(installed: Installed) -> None:
    installed.site.write_text(
        re.sub(r"^\s*smsotp_post_auth$", "", installed.site.read_text(), flags=re.MULTILINE)
    )

    done = installed.check()

    assert done.returncode == 1
    assert "freerad can start with it." in done.stdout
    assert re.search(
        r"problem: \S+/default:\d+: virtual server default: smsotp_post_auth is not called", done.stderr
    )
    assert "\n    smsotp_post_auth   (first in post-auth)\n" in done.stderr


def test_an_installation_ends_with_the_look_at_the_virtual_servers(installed: Installed) -> None:
    installed.site.write_text(
        re.sub(r"^\s*smsotp_post_auth$", "", installed.site.read_text(), flags=re.MULTILINE)
    )

    done = installed.run("install", "--raddb", str(installed.raddb), "--config", str(installed.config))

    assert done.returncode == 1
    assert "smsotp_post_auth is not called in post-auth" in done.stderr


def test_an_installation_says_what_is_left_to_do(installed: Installed) -> None:
    wired = installed.run("install", "--raddb", str(installed.raddb), "--config", str(installed.config))
    installed.site.write_text(re.sub(r"^\s*smsotp_\w+$", "", installed.site.read_text(), flags=re.MULTILINE))
    bare = installed.run("install", "--raddb", str(installed.raddb), "--config", str(installed.config))

    assert (wired.returncode, bare.returncode) == (0, 0)
    assert wired.stdout.endswith("\nNext: restart FreeRADIUS.\n")
    assert "\nNext: call the policies from your own virtual server" in bare.stdout


def owned_by_root(path: Path) -> None:
    os.chown(path, 0, 0)
    path.chmod(0o700 if path.is_dir() else 0o600)


def database(installed: Installed) -> Path:
    path = installed.store / "smsotp.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
    shutil.chown(path, "freerad", "freerad")
    return path


def newer_schema(installed: Installed) -> None:
    with closing(sqlite3.connect(database(installed))) as connection:
        connection.execute("PRAGMA user_version = 99")


def key(installed: Installed, text: str) -> Path:
    path = installed.store / "smsotp.key"
    path.write_text(text)
    shutil.chown(path, "freerad", "freerad")
    path.chmod(0o600)
    return path


def secret_of_root(installed: Installed) -> None:
    secret = installed.directory / "secret"
    secret.write_text("secret")
    owned_by_root(secret)
    add_to_gateway(installed, f'PASSWORD = {{ file = "{secret}" }}')


def script_of_root(installed: Installed) -> None:
    script = installed.directory / "send"
    script.write_text("#!/bin/sh\n")
    owned_by_root(script)
    script.chmod(0o700)
    installed.config.write_text(f'[gateways.mine]\nprovider = "script"\nSCRIPT = "{script}"\n')


def add_to_gateway(installed: Installed, line: str) -> None:
    text = installed.config.read_text()
    installed.config.write_text(text.replace('provider = "http"\n', f'provider = "http"\n{line}\n'))


def broken_site(installed: Installed) -> None:
    (installed.raddb / "sites-enabled/broken").write_text(
        "server broken {\n  authorize {\n    nonsense\n  }\n}\n"
    )


STUMBLES: dict[str, tuple[Callable[[Installed], object], str]] = {
    "a wrong setting": (
        lambda made: made.config.write_text("[otp]\nlength = 2\n"),
        "otp.length: it must be greater than or equal to 4",
    ),
    "settings of root": (lambda made: owned_by_root(made.config), "smsotp.toml: it cannot be read: Permission denied"),
    "no settings": (lambda made: made.config.unlink(), "smsotp.toml: it cannot be read: No such file or directory"),
    "a secret of root": (secret_of_root, "gateways.mock.PASSWORD"),
    "a script of root": (script_of_root, "gateways.mine.SCRIPT"),
    "a store's directory of root": (lambda made: owned_by_root(made.store), "/store"),
    "no directory for the store": (lambda made: made.store.rmdir(), "make the directory"),
    "a database of root": (lambda made: owned_by_root(database(made)), "smsotp.db"),
    "a write-ahead log of root": (
        lambda made: owned_by_root(database(made).with_name("smsotp.db-wal")),
        "smsotp.db-wal",
    ),
    "garbage for the database": (
        lambda made: database(made).write_bytes(os.urandom(8192)),
        "smsotp.db: file is not a database",
    ),
    "a database without our tables": (database, "smsotp.db: no such table"),
    "a newer schema": (newer_schema, "was written by a newer smsotp-plugin (schema 99"),
    "a key of root": (lambda made: owned_by_root(key(made, "k" * 64)), "smsotp.key"),
    "a short key": (lambda made: key(made, "short\n"), "holds no key of at least 32 characters"),
    "a site that FreeRADIUS does not take": (
        broken_site,
        'Failed to find "nonsense" as a module or policy.',
    ),
    "the module is not enabled": (
        lambda made: (made.raddb / "mods-enabled/smsotp-plugin").unlink(),
        "would link",
    ),
    "no policies": (lambda made: (made.raddb / "policy.d/smsotp").unlink(), "policy.d/smsotp"),
    "no attributes": (
        lambda made: (made.raddb / "dictionary").write_text(""),
        "would change",
    ),
    "policies that were edited": (
        lambda made: (made.raddb / "policy.d/smsotp").write_text("smsotp_post_auth {\n\tok\n}\n"),
        "policy.d/smsotp was changed after it was written",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", STUMBLES)
def test_what_a_start_would_stumble_over_is_told(installed: Installed, what: str) -> None:
    breaker, sentence = STUMBLES[what]
    if what == "a write-ahead log of root":
        database(installed).with_name("smsotp.db-wal").touch()
    breaker(installed)
    before = contents(installed.directory)

    done = installed.check("--config", str(installed.config))

    assert done.returncode == 1, done.stdout
    assert any(sentence in line for line in done.stderr.splitlines() if line.startswith("problem: ")), (
        done.stderr
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert contents(installed.directory) == before


def test_packages_that_freerad_cannot_read_are_told(installed: Installed) -> None:
    private = installed.directory / "venv"
    private.mkdir(mode=0o700)

    told = rehearse_as(
        Raddb(installed.raddb).account(), installed.raddb / "radiusd.conf", installed.config, [private]
    )

    (problem,) = told.problems
    assert problem.startswith(
        f"freerad cannot load the plugin from {private}: No module named 'smsotp_plugin'"
    )


def test_a_directory_that_is_no_raddb_is_told(installed: Installed) -> None:
    done = installed.run("check", "--raddb", str(installed.store))

    assert done.returncode == 2
    assert "is not a FreeRADIUS configuration directory" in done.stderr


def test_before_a_start_only_what_keeps_from_starting_counts(installed: Installed) -> None:
    installed.site.write_text(re.sub(r"^\s*smsotp_\w+$", "", installed.site.read_text(), flags=re.MULTILINE))

    allowed = installed.check("--before-start", user="freerad")
    installed.config.write_text("[otp]\nlength = 2\n")
    refused = installed.check("--before-start", user="freerad")

    assert (allowed.returncode, refused.returncode) == (0, 1)
    assert "the password alone lets people in" in allowed.stderr
    assert "otp.length" in refused.stderr


def complaints(unit: Path) -> list[str]:
    """Return what systemd says about a unit; without systemd nobody does, and the rest of the test remains."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return []
    done = subprocess.run([program, "verify", unit], capture_output=True, text=True, timeout=60, check=False)
    return [line for line in done.stderr.splitlines() if unit.name in line]


def test_the_drop_in_is_one_that_systemd_takes(installed: Installed, tmp_path: Path) -> None:
    drop_in = installed.run("unit", "--raddb", str(installed.raddb), "--config", str(installed.config)).stdout
    unit = tmp_path / "radius-of-tests.service"
    unit.write_text(f"[Service]\nExecStart=/usr/sbin/freeradius -f\n{drop_in}")

    assert complaints(unit) == []
    (line,) = [line for line in drop_in.splitlines() if line.startswith("ExecStartPre=")]
    command = line.removeprefix("ExecStartPre=").split()
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


def test_what_may_be_missing_is_missing_where_the_servers_user_may_not_look(installed: Installed) -> None:
    (installed.raddb / "closed").mkdir(mode=0o700)
    (installed.raddb / "closed/more.conf").touch()
    with (installed.raddb / "clients.conf").open("a") as file:
        file.write("\n$-INCLUDE closed/more.conf\n")

    done = installed.check()

    assert "cannot be tried" not in done.stderr
    assert "closed" not in done.stderr


def test_a_configuration_of_a_user_whom_nobody_knows_is_told(installed: Installed) -> None:
    os.chown(installed.raddb / "radiusd.conf", 54321, 54321)

    done = installed.check()

    assert (
        f"{installed.raddb}/radiusd.conf belongs to the user 54321, who does not exist on this machine"
        in done.stderr
    )
    assert done.returncode == 1
