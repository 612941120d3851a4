"""Commands of somebody who may not look, and on a disk that takes nothing: one sentence, and an exit code that is true."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smsotp_plugin.cli import app
from smsotp_plugin.commands import check, erase, limits, route, trace, unlock, worker
from smsotp_plugin.commands.freeradius_check import check_server
from smsotp_plugin.commands.freeradius_install import install
from smsotp_plugin.commands.freeradius_uninstall import uninstall
from smsotp_plugin.commands.freeradius_unit import drop_in
from smsotp_plugin.errors import ConfigError

#: What a command imports when it is called; somebody else may not be able to.
IMPORTED = (check, erase, limits, route, trace, unlock, worker)
NOBODY = 65534


@contextmanager
def somebody_else() -> Iterator[None]:
    """Be a user who may not look at what has no rights for anybody: not root."""
    uids = os.getresuid()
    if uids[1] == 0:
        # The saved one leads back.
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.seteuid(uids[1])
        os.setresuid(*uids)


@pytest.fixture
def config(enterable: Path) -> Path:
    path = enterable / "smsotp.toml"
    path.write_text('[gateways.any]\nprovider = "script"\nSCRIPT = "/bin/true"\n')
    path.chmod(0o644)
    return path


@pytest.fixture
def raddb(enterable: Path) -> Path:
    path = enterable / "raddb"
    path.mkdir()
    for name in ("mods-available", "mods-enabled", "policy.d", "sites-available", "sites-enabled"):
        (path / name).mkdir()
    (path / "radiusd.conf").write_text("name = freeradius\n")
    return path


@pytest.mark.parametrize(
    "command",
    ["check", "route 0170", "trace bob", "erase bob", "unlock bob", "limits", "limits bob", "worker"],
)
def test_a_configuration_that_may_not_be_read_is_told_in_our_words(
    config: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    config.chmod(0)
    with somebody_else():
        try:
            code = app([*command.split(), "--config", str(config)], standalone_mode=False)
            said = capsys.readouterr().err
        except ConfigError as exc:
            code, said = 2, str(exc)

    assert code == 2
    assert f"{config}: it cannot be read: Permission denied" in said


@pytest.mark.parametrize("hidden", [".", "radiusd.conf"])
@pytest.mark.parametrize(
    "command",
    [
        lambda raddb, config: install(raddb, config, None, dry_run=True),
        lambda raddb, _: uninstall(raddb, dry_run=True),
        lambda raddb, _: check_server(raddb, None, raddb / "nowhere", before_start=False),
    ],
    ids=["install", "uninstall", "check"],
)
def test_a_server_that_may_not_be_looked_at_is_told_and_nothing_was_changed(
    raddb: Path,
    config: Path,
    capsys: pytest.CaptureFixture[str],
    command: Callable[[Path, Path], int],
    hidden: str,
) -> None:
    (raddb / hidden).chmod(0)
    with somebody_else():
        code = command(raddb, config)
    (raddb / hidden).chmod(0o755)

    said = capsys.readouterr().err
    assert code == 2
    assert f"problem: {raddb}" in said
    assert "Permission denied" in said


def test_there_is_no_drop_in_for_a_server_that_may_not_be_looked_at(raddb: Path) -> None:
    raddb.chmod(0)
    with somebody_else(), pytest.raises(ConfigError, match="Permission denied; do it as root"):
        drop_in(raddb, None)
    raddb.chmod(0o755)


def test_what_cannot_be_written_is_named_with_what_was_not_done(raddb: Path, config: Path) -> None:
    smsotp = Path(sys.executable).parent / "smsotp"
    done = subprocess.run(
        # No file may have a byte, as on a disk that is full.
        [
            "bash",
            "-c",
            'ulimit -f 0; exec "$@"',
            "-",
            smsotp,
            "freeradius",
            "install",
            "--raddb",
            raddb,
            "--config",
            config,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert done.returncode == 1
    assert f"smsotp: it is not possible to write {raddb}/" in done.stderr
    assert (
        "File too large; only the changes listed above were made: mend that, and run this again"
        in done.stderr
    )


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("worker", "--unit")])
def test_output_that_cannot_be_written_is_told_where(arguments: tuple[str, ...], unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [Path(sys.executable).parent / "smsotp", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            text=True,
            check=False,
            timeout=100,
        )

    assert (done.returncode, done.stderr) == (
        1,
        "smsotp: a file without a name, such as standard output: No space left on device\n",
    )
