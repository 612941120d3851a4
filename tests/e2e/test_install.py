"""``smsotp freeradius install`` on copies of Debian's configuration: what it changes, tells and refuses."""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from smsotp_mocks.net.ports import find_free_udp_port

from .raddbs import DEBIAN, Copied, change_raddb, contents, copy_debian, install, set_main, write_config

pytestmark = [
    pytest.mark.skipif(not DEBIAN.is_dir(), reason="FreeRADIUS is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a server that changes its user"),
]


@dataclass(frozen=True)
class Installed(Copied):
    """What an installation with the example has made of it."""

    listen: str
    told: str


@pytest.fixture(scope="module")
def installed() -> Iterator[Installed]:
    """Install once, for the tests that only look."""
    with tempfile.TemporaryDirectory(prefix="smsotp-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        raddb, config = copy_debian(directory), write_config(directory, "http://127.0.0.1:1")
        (raddb / "mods-config/files/mine").touch(mode=0o600)
        listen = f"127.0.0.1:{find_free_udp_port()}"
        done = install(raddb, config, "--listen", listen)
        assert done.returncode == 0, done.stderr
        yield Installed(directory, listen, done.stdout)


def test_what_root_keeps_for_itself_stays_so(installed: Installed) -> None:
    secret = (installed.raddb / "mods-config/files/mine").stat()

    assert (secret.st_uid, secret.st_gid, stat.S_IMODE(secret.st_mode)) == (0, 0, 0o600)


def test_a_second_run_changes_nothing(installed: Installed) -> None:
    before = contents(installed.directory)

    done = install(installed.raddb, installed.config, "--listen", installed.listen)

    assert done.returncode == 0
    assert "Nothing had to be changed." in done.stdout
    assert contents(installed.directory) == before


def test_files_belong_to_the_server_like_those_of_debian(installed: Installed) -> None:
    raddb = installed.raddb
    model = (raddb / "radiusd.conf").stat()

    for name in ("mods-available/smsotp-plugin", "policy.d/smsotp", "sites-available/smsotp", "dictionary"):
        found = (raddb / name).stat()
        assert (found.st_uid, found.st_gid, found.st_mode) == (model.st_uid, model.st_gid, model.st_mode)
    assert (raddb / "mods-enabled/smsotp-plugin").readlink() == Path("../mods-available/smsotp-plugin")
    assert (raddb / "sites-enabled/smsotp").readlink() == Path("../sites-available/smsotp")


def test_the_store_gets_a_private_directory_of_the_servers_user(installed: Installed) -> None:
    found = (installed.directory / "store").stat()

    assert found.st_uid == pwd.getpwnam("freerad").pw_uid
    assert stat.S_IMODE(found.st_mode) == 0o700


def test_the_servers_group_gets_to_read_the_configuration(installed: Installed) -> None:
    assert f"done: let the group freerad read {installed.config}" in installed.told
    assert stat.S_IMODE(installed.config.stat().st_mode) == 0o640


def test_without_listen_the_example_is_written_and_not_enabled(raddb: Path, config: Path) -> None:
    assert install(raddb, config).returncode == 0

    assert (raddb / "sites-available/smsotp").is_file()
    assert not (raddb / "sites-enabled/smsotp").exists()


def test_a_dry_run_shows_a_diff_and_writes_nothing(directory: Path, raddb: Path, config: Path) -> None:
    before = contents(directory)

    done = install(raddb, config, "--listen", f"127.0.0.1:{find_free_udp_port()}", "--dry-run")

    assert done.returncode == 0
    assert contents(directory) == before
    assert f"--- {raddb}/dictionary\n+++ {raddb}/dictionary\n@@" in done.stdout
    assert f"--- /dev/null\n+++ {raddb}/mods-available/smsotp-plugin\n@@" in done.stdout
    assert "+python3 smsotp {\n" in done.stdout
    assert done.stdout.endswith("Nothing was changed.\n")


def test_a_policy_that_was_edited_is_not_written_over(raddb: Path, config: Path) -> None:
    change_raddb(raddb, config)
    policy = raddb / "policy.d/smsotp"
    policy.write_text(policy.read_text() + "# mine\n")

    done = install(raddb, config)

    assert done.returncode == 2
    assert f"problem: {policy} was changed after it was written, or is not ours" in done.stderr
    assert policy.read_text().endswith("# mine\n")


def test_a_site_that_was_edited_stays(raddb: Path, config: Path) -> None:
    listen = f"127.0.0.1:{find_free_udp_port()}"
    change_raddb(raddb, config, listen)
    site = raddb / "sites-available/smsotp"
    site.write_text(site.read_text() + "# mine\n")

    done = install(raddb, config, "--listen", listen)

    assert done.returncode == 0
    assert f"note: {site} was changed by hand and stays as it is" in done.stdout
    assert site.read_text().endswith("# mine\n")


def test_an_enabled_site_of_an_earlier_version_is_renewed_where_it_serves(raddb: Path, config: Path) -> None:
    site = raddb / "sites-available/smsotp"
    change_raddb(raddb, config, "[::1]:11812")
    new = site.read_text()
    body = "#  An older one.\n" + new.split("\n", 1)[1]
    site.write_text(
        f"#  Written by smsotp, sha256 of the rest: {hashlib.sha256(body.encode()).hexdigest()}\n{body}"
    )

    done = install(raddb, config)

    assert (done.returncode, site.read_text()) == (0, new)
    assert f"done: change {site}" in done.stdout


def test_a_new_port_is_taken_over(raddb: Path, config: Path) -> None:
    change_raddb(raddb, config, f"127.0.0.1:{find_free_udp_port()}")
    port = find_free_udp_port()

    assert install(raddb, config, "--listen", f"127.0.0.1:{port}").returncode == 0

    assert f"port = {port}\n" in (raddb / "sites-available/smsotp").read_text()


def test_a_port_that_another_site_has_is_refused(raddb: Path, config: Path) -> None:
    port = find_free_udp_port()
    (raddb / "sites-enabled/mine").write_text(
        f"server mine {{\n  listen {{\n    type = auth\n    ipaddr = *\n    port = {port}\n  }}\n}}\n"
    )

    done = install(raddb, config, "--listen", f"127.0.0.1:{port}")

    assert done.returncode == 2
    assert f"{raddb}/sites-enabled/mine listens on 0.0.0.0:{port} already" in done.stderr


def test_another_python_module_is_refused(raddb: Path, config: Path) -> None:
    (raddb / "mods-enabled/mine").write_text("python3 mine {\n\tmodule = mine\n}\n")

    done = install(raddb, config)

    assert done.returncode == 2
    assert f"{raddb}/mods-enabled/mine has another instance of rlm_python3, mine" in done.stderr


def test_another_python_is_refused(directory: Path, raddb: Path, config: Path) -> None:
    (directory / "rlm_python3.so").write_bytes(b"\0libpython3.7m.so.1.0\0")
    main = raddb / "radiusd.conf"
    main.write_text(main.read_text().replace("libdir = /usr/lib/freeradius", f"libdir = {directory}"))

    done = install(raddb, config)

    assert done.returncode == 2
    assert "rlm_python3.so runs Python 3.7, but smsotp is installed for Python 3." in done.stderr


def test_a_missing_rlm_python3_is_told_with_its_package(directory: Path, raddb: Path, config: Path) -> None:
    main = raddb / "radiusd.conf"
    main.write_text(main.read_text().replace("libdir = /usr/lib/freeradius", f"libdir = {directory}"))

    done = install(raddb, config)

    assert done.returncode == 2
    assert (
        f"{directory}/rlm_python3.so is missing: install it, on Debian with: apt install freeradius-python3"
        in (done.stderr)
    )


def test_the_component_that_blocks_the_configuration_is_told(directory: Path, raddb: Path) -> None:
    private = directory / "private"
    private.mkdir(mode=0o700)
    config = write_config(directory, "http://127.0.0.1:1").rename(private / "smsotp.toml")

    done = install(raddb, config)

    assert done.returncode == 2
    assert (
        f"problem: {config} cannot be used: freerad may not enter {private}; type: chgrp freerad {private} && chmod g+x {private}"
    ) in done.stderr


def test_a_database_of_root_is_told(directory: Path, raddb: Path, config: Path) -> None:
    (directory / "store").mkdir()
    shutil.chown(directory / "store", "freerad")
    (directory / "store/smsotp.db").touch(mode=0o600)

    done = install(raddb, config)

    assert done.returncode == 2
    assert f"{directory}/store/smsotp.db cannot be used: freerad may not read it" in done.stderr


def test_a_configuration_with_problems_is_not_installed(directory: Path, raddb: Path) -> None:
    config = directory / "smsotp.toml"
    config.write_text("[otp]\nlength = 2\n")
    before = contents(directory)

    done = install(raddb, config)

    assert done.returncode == 2
    assert f"problem: {config}: otp.length: it must be greater than or equal to 4" in done.stderr
    assert contents(directory) == before


def test_a_directory_that_is_no_raddb_is_refused(directory: Path, config: Path) -> None:
    done = install(directory, config)

    assert done.returncode == 2
    assert f"{directory} is not a FreeRADIUS configuration directory: it has no radiusd.conf" in done.stderr


@pytest.mark.parametrize("text", ["localhost", ""])
def test_a_bad_address_is_refused(raddb: Path, config: Path, text: str) -> None:
    done = install(raddb, config, "--listen", text)

    assert done.returncode == 2
    assert f"--listen: {text} is not ADDR:PORT, such as 127.0.0.1:1812, *:1812 or [::1]:1812" in done.stderr


def test_it_takes_root(directory: Path, raddb: Path, config: Path) -> None:
    subprocess.run(["chmod", "-R", "o+rX", directory], check=True)

    done = install(raddb, config, user="nobody")

    assert done.returncode == 2
    assert "this has to be run as root, because FreeRADIUS runs as freerad" in done.stderr


def test_a_configuration_that_freeradius_does_not_accept_is_told(raddb: Path, config: Path) -> None:
    (raddb / "sites-enabled/broken").write_text("server broken {\n  authorize {\n    nonsense\n  }\n}\n")

    done = install(raddb, config)

    assert done.returncode == 1
    assert "FreeRADIUS does not accept its configuration" in done.stderr
    assert 'Failed to find "nonsense" as a module or policy.' in done.stderr


@pytest.mark.parametrize(
    "name", ["policy.d/smsotp", "mods-available/smsotp-plugin", "sites-available/smsotp", "dictionary"]
)
def test_a_link_that_leads_out_of_the_raddb_is_not_followed(
    directory: Path, raddb: Path, config: Path, name: str
) -> None:
    outside = directory / "root's own"
    outside.mkdir()
    (raddb / name).unlink(missing_ok=True)
    (raddb / name).symlink_to(outside / "planted")

    done = install(raddb, config)

    assert done.returncode == 2
    assert (
        f"problem: {raddb / name} is a link that leads out of {raddb}, to {outside}/planted: nothing is done through it"
    ) in done.stderr
    assert [*outside.iterdir()] == []


@pytest.mark.parametrize("name", ["policy.d", "mods-available", "mods-enabled", "sites-available"])
def test_a_directory_that_is_a_link_out_of_the_raddb_is_not_followed(
    directory: Path, raddb: Path, config: Path, name: str
) -> None:
    outside = directory / "root's own"
    (raddb / name).rename(outside)
    (raddb / name).symlink_to(outside)
    before = contents(outside)

    done = install(raddb, config)

    assert done.returncode == 2
    assert f"is a link that leads out of {raddb}" in done.stderr
    assert contents(outside) == before


def test_a_link_that_stays_in_the_raddb_is_followed_and_stays(raddb: Path, config: Path) -> None:
    (raddb / "dictionary").rename(raddb / "mods-config/dictionary")
    (raddb / "dictionary").symlink_to("mods-config/dictionary")

    assert install(raddb, config).returncode == 0

    assert (raddb / "dictionary").is_symlink()
    assert "SMSOTP-Phone" in (raddb / "mods-config/dictionary").read_text()


def test_a_file_that_others_could_replace_is_not_opened_to_the_group(directory: Path, raddb: Path) -> None:
    config = write_config(directory, "http://127.0.0.1:1").rename(raddb / "smsotp.toml")

    done = install(raddb, config)

    assert done.returncode == 2
    assert f"(not done for you: somebody other than root can change what is in {raddb})" in done.stderr
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_what_a_configuration_of_somebody_else_names_is_not_opened_to_the_group(
    directory: Path, raddb: Path, config: Path
) -> None:
    secret = directory / "root's own"
    secret.write_text("secret-of-root")
    secret.chmod(0o600)
    config.write_text(config.read_text() + f'key = {{ file = "{secret}" }}\n')
    shutil.chown(config, "daemon")

    done = install(raddb, config)

    assert done.returncode == 2
    assert f"{secret} cannot be used: freerad may not read it" in done.stderr
    assert f"(not done for you: somebody other than root can change {config})" in done.stderr
    assert (secret.stat().st_gid, stat.S_IMODE(secret.stat().st_mode)) == (0, 0o600)


def test_a_store_in_a_directory_of_the_servers_user_is_made_as_that_user(
    directory: Path, raddb: Path
) -> None:
    (directory / "theirs").mkdir()
    shutil.chown(directory / "theirs", "freerad", "freerad")
    config = write_config(directory, "http://127.0.0.1:1")
    config.write_text(config.read_text().replace("/store/", "/theirs/store/"))

    assert install(raddb, config).returncode == 0

    found = (directory / "theirs/store").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (pwd.getpwnam("freerad").pw_uid, 0o700)


def test_what_freeradius_wrote_to_its_error_output_is_shown(
    directory: Path, raddb: Path, config: Path
) -> None:
    program = directory / "bin/freeradius"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'cannot open shared object file' >&2\nexit 127\n")
    program.chmod(0o755)
    set_main(raddb, sbindir=str(program.parent))

    done = install(raddb, config)

    assert done.returncode == 1
    assert f"does not accept its configuration ({program} -C" in done.stderr
    assert "problem: cannot open shared object file\n" in done.stderr


def test_what_a_configuration_names_runs_as_whoever_can_write_it(
    directory: Path, raddb: Path, config: Path
) -> None:
    program = directory / "bin/freeradius"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nid -un >&2\nid -Gn >&2\nexit 1\n")
    program.chmod(0o755)
    set_main(raddb, sbindir=str(program.parent), user="root", group="root")

    done = install(raddb, config)

    assert done.returncode == 1
    assert "problem: freerad\n" in done.stderr
    assert "root" not in done.stderr.partition("problem: freerad\n")[2]
