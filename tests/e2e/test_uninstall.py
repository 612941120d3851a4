"""``smsotp freeradius uninstall`` on copies of Debian's configuration, judged by the real FreeRADIUS."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from smsotp_mocks.net.ports import find_free_udp_port

from .raddbs import DEBIAN, USERS, change_raddb, contents, freeradius, install, set_main

pytestmark = [
    pytest.mark.skipif(not DEBIAN.is_dir(), reason="FreeRADIUS is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can change a raddb of FreeRADIUS's user"),
]


@pytest.fixture
def clean(raddb: Path) -> Path:
    """Give a raddb in which nobody has a number yet."""
    users = raddb / "mods-config/files/authorize"
    users.write_text(users.read_text().removeprefix(USERS))
    return raddb


@pytest.fixture
def installed(clean: Path, config: Path) -> Path:
    change_raddb(clean, config)
    return clean


def uninstall(raddb: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return freeradius("uninstall", "--raddb", raddb, *options)


def expect_refusal(raddb: Path, told: str) -> None:
    """Assert that nothing is removed, and why."""
    before = contents(raddb)

    done = uninstall(raddb)

    assert done.returncode == 2
    assert told in done.stderr
    assert contents(raddb) == before


def write(path: Path, text: str) -> None:
    """Append to a file."""
    path.write_text((path.read_text() if path.exists() else "") + text)


@pytest.mark.parametrize("dictionary", ["ends without a line break", "empty", "missing"])
def test_the_raddb_is_as_it_was_before(clean: Path, config: Path, dictionary: str) -> None:
    match dictionary:
        case "ends without a line break":
            write(clean / "dictionary", "# mine")
        case "empty":
            (clean / "dictionary").write_text("")
        case "missing":
            (clean / "dictionary").unlink()
    before = contents(clean)
    change_raddb(clean, config)
    assert contents(clean) != before

    done = uninstall(clean)

    assert (done.returncode, done.stderr) == (0, "")
    assert contents(clean) == before


def test_what_the_command_has_installed_with_the_example_is_removed(clean: Path, config: Path) -> None:
    before = contents(clean)
    assert install(clean, config, "--listen", f"127.0.0.1:{find_free_udp_port()}").returncode == 0
    assert contents(clean) != before

    done = uninstall(clean)

    assert (done.returncode, done.stderr) == (0, "")
    assert contents(clean) == before
    assert "freeradius -C accepts the configuration.\n" in done.stdout


def test_a_dry_run_shows_a_diff_and_removes_nothing(clean: Path, config: Path) -> None:
    change_raddb(clean, config)
    before = contents(clean)

    done = uninstall(clean, "--dry-run")

    assert done.returncode == 0
    assert contents(clean) == before
    assert (
        f"would remove {clean}/policy.d/smsotp\n--- {clean}/policy.d/smsotp\n+++ /dev/null\n" in done.stdout
    )
    assert re.search(r"^-ATTRIBUTE\s+SMSOTP-Phone", done.stdout, re.MULTILINE)
    assert f"would remove the link {clean}/mods-enabled/smsotp-plugin\n" in done.stdout
    assert done.stdout.endswith("Nothing was changed.\n")


def test_where_nothing_is_installed_nothing_has_to_be_changed(clean: Path) -> None:
    before = contents(clean)

    done = uninstall(clean)

    assert done.returncode == 0
    assert "Nothing had to be changed.\n" in done.stdout
    assert contents(clean) == before


LDAP = "ldap {\n\tupdate {\n\t\tcontrol:SMSOTP-Phone += 'mobile'\n\t}\n}\n"
SQL = "sql {\n\tpost-auth {\n\t\tquery = \"INSERT INTO log VALUES ('%{control:smsotp-result}')\"\n\t}\n}\n"
SITE = "server mine {\n\tauthorize {\n\t\tpap\n\t\t%s\n\t}\n}\n"


#: What may use the plugin: file, what is added to it, the line in that, and what it uses.
USES = [
    ("mods-config/files/authorize", 'bob SMSOTP-Phone := "+491701234567"\n', 1, "SMSOTP-Phone"),
    ("mods-config/files/authorize", "x\nbob Auth-Type := smsotp\n", 2, "smsotp"),
    ("mods-config/preprocess/hints", 'bob\n\tSMSOTP-Language = "de"\n', 2, "SMSOTP-Language"),
    ("mods-enabled/ldap", LDAP, 3, "SMSOTP-Phone"),
    ("mods-enabled/sql", SQL, 3, "smsotp-result"),
    ("mods-config/sql/main/mysql/queries.conf", "q = '%{SMSOTP-Gateway}'\n", 1, "SMSOTP-Gateway"),
    ("sites-enabled/policy", SITE % "smsotp_guard", 4, "smsotp_guard"),
    ("sites-enabled/optional", SITE % "-smsotp", 4, "smsotp"),
    ("sites-enabled/method", SITE % "smsotp.authorize {", 4, "smsotp"),
    ("sites-enabled/condition", SITE % "if (&control:SMSOTP-Site == 'x') {", 4, "SMSOTP-Site"),
    ("sites-enabled/text", SITE % 'update reply {\nReply-Message := "%{smsotp:x}"\n}', 5, "smsotp"),
    ("policy.d/mine", "mine {\n\tsmsotp_challenge\n}\n", 2, "smsotp_challenge"),
    (
        "clients.conf",
        'client x {\n\tipaddr = 192.0.2.1\n\tsecret = "x"\n\tSMSOTP-Site = "x"\n}\n',
        4,
        "SMSOTP-Site",
    ),
    ("dictionary", "VALUE SMSOTP-Site x 1\n", 1, "SMSOTP-Site"),
]


def test_while_something_uses_it_nothing_is_removed(installed: Path) -> None:
    expected = []
    for name, text, line, used in USES:
        file = installed / name
        lines = len(file.read_text().splitlines()) if file.exists() else 0
        write(file, text)
        expected.append(f"problem: {file}:{lines + line} uses {used}: take that out first")
    before = contents(installed)

    done = uninstall(installed)

    assert done.returncode == 2
    assert sorted(done.stderr.splitlines()) == sorted([*expected, f"{len(USES)} problems."])
    assert contents(installed) == before


def test_files_outside_that_the_server_reads_are_looked_at(
    directory: Path, clean: Path, config: Path
) -> None:
    included, users = directory / "more.conf", directory / "users"
    included.write_text("server more {\n\tauthorize {\n\t\tsmsotp_guard\n\t}\n}\n")
    users.write_text('bob SMSOTP-Phone := "+491701234567"\n')
    change_raddb(clean, config)
    set_main(clean, localstatedir=str(directory))
    write(clean / "radiusd.conf", "$INCLUDE ${localstatedir}/more.conf\n")
    write(clean / "mods-enabled/mine", f"files mine {{\n\tfilename = {users}\n}}\n")

    done = uninstall(clean)

    assert f"problem: {included}:3 uses smsotp_guard: take that out first\n" in done.stderr
    assert f"problem: {users}:1 uses SMSOTP-Phone: take that out first\n" in done.stderr


def test_what_a_section_includes_by_its_own_name_is_looked_at(
    directory: Path, clean: Path, config: Path
) -> None:
    queries, log = directory / "mine.queries", directory / "mine.log"
    queries.write_text("\tquery = \"INSERT INTO x VALUES ('%{SMSOTP-Phone}')\"\n")
    log.write_text('bob has SMSOTP-Phone "+491701234567"\n')
    change_raddb(clean, config)
    write(
        clean / "mods-enabled/mine",
        f"always mine {{\n\trcode = ok\n\t$INCLUDE {directory}/${{.:instance}}.queries\n}}\n"
        f"linelog log_of_mine {{\n\tfilename = {log}\n}}\n",
    )

    done = uninstall(clean)

    assert done.stderr == f"problem: {queries}:1 uses SMSOTP-Phone: take that out first\n1 problem.\n"


NO_USES = [
    ("mods-config/files/authorize", '# bob SMSOTP-Phone := "+491701234567"\n'),
    ("mods-config/files/authorize~", 'bob SMSOTP-Phone := "+491701234567"\n'),
    ("sites-available/mine", SITE % "smsotp_guard"),
    ("sites-enabled/mine", "server smsotp {\n\tauthorize {\n\t\tok\t# not smsotp_guard\n\t}\n}\n"),
    ("mods-enabled/mine", 'linelog mine {\n\tfilename = "/var/log/smsotp/smsotp_guard"\n\tformat = ""\n}\n'),
]


def test_what_the_server_does_not_take_for_ours_is_no_use(clean: Path, config: Path) -> None:
    for name, text in NO_USES:
        write(clean / name, text)
    before = contents(clean)
    change_raddb(clean, config)

    done = uninstall(clean)

    assert (done.returncode, done.stderr) == (0, "")
    assert contents(clean) == before


def test_an_attribute_of_the_administrators_own_may_stay_in_use(clean: Path, config: Path) -> None:
    write(clean / "dictionary", "ATTRIBUTE SMSOTP-Phone 3000 string\n")
    write(clean / "mods-config/files/authorize", 'bob SMSOTP-Phone := "+491701234567"\n')
    before = contents(clean)
    change_raddb(clean, config)

    assert uninstall(clean).returncode == 0

    assert contents(clean) == before


def test_an_example_that_was_edited_stays_unless_it_is_enabled(clean: Path, config: Path) -> None:
    change_raddb(clean, config, f"127.0.0.1:{find_free_udp_port()}")
    site, link = clean / "sites-available/smsotp", clean / "sites-enabled/smsotp"
    write(site, "# mine\n")

    refused = uninstall(clean)
    link.unlink()
    done = uninstall(clean)

    assert refused.returncode == 2
    assert f"problem: {link}:" in refused.stderr
    assert done.returncode == 0
    assert f"note: {site} was changed by hand and stays\n" in done.stdout
    assert site.read_text().endswith("# mine\n")


@pytest.mark.parametrize("name", ["policy.d/smsotp", "mods-available/smsotp-plugin"])
def test_what_was_edited_is_not_removed(clean: Path, config: Path, name: str) -> None:
    change_raddb(clean, config)
    write(clean / name, "# mine\n")

    expect_refusal(
        clean, f"problem: {clean / name} was changed after it was written, or is not ours: move it away"
    )


def test_it_does_not_follow_a_link_out_of_the_raddb(directory: Path, clean: Path, config: Path) -> None:
    change_raddb(clean, config)
    outside = directory / "root's own"
    shutil.copy(clean / "policy.d/smsotp", outside)
    (clean / "policy.d/smsotp").unlink()
    (clean / "policy.d/smsotp").symlink_to(outside)

    done = uninstall(clean)

    assert done.returncode == 2
    assert f"{clean}/policy.d/smsotp is a link that leads out of {clean}" in done.stderr
    assert outside.exists()


def test_it_takes_root(directory: Path, clean: Path) -> None:
    subprocess.run(["chmod", "-R", "o+rX", directory], check=True)

    done = freeradius("uninstall", "--raddb", clean, user="nobody")

    assert done.returncode == 2
    assert "this has to be run as root, because FreeRADIUS runs as freerad" in done.stderr
