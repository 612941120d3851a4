"""The command ``smsotp`` as a program."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer import BadParameter

from smsotp_plugin import __version__
from smsotp_plugin.cli import app
from smsotp_plugin.commands.freeradius_unit import drop_in

SMSOTP = Path(sys.executable).parent / "smsotp"
GOOD = """
[store]
key = "0123456789abcdef0123456789abcdef"
[gateways.gtx]
provider = "http"
URL = "https://gateway.example/send"
PASSWORD = "geheim"
USERNAME = "me"
RETURN_SUCCESS = "OK"
[gateways.gtx.options]
to = "{phone}"
text = "{otp}"
"""


def smsotp(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SMSOTP, *arguments], capture_output=True, text=True, check=False, timeout=100, env={"PATH": "/usr/bin:/bin", **environment}
    )  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "smsotp.toml"
    path.touch(mode=0o600)
    path.write_text(GOOD)
    return path


def test_the_version_is_shown() -> None:
    done = smsotp("--version")

    assert (done.returncode, done.stdout) == (0, f"smsotp {__version__}\n")


def test_the_package_can_be_run_as_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "smsotp_plugin", "--version"],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert (done.returncode, done.stdout) == (0, f"smsotp {__version__}\n")


@pytest.mark.parametrize(("loaded", "status"), [("typer", -signal.SIGINT), ("pydantic", 130)])
def test_ctrl_c_while_it_is_loaded_shows_no_traceback(tmp_path: Path, loaded: str, status: int) -> None:
    (tmp_path / f"{loaded}.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")

    done = smsotp("check", PYTHONPATH=str(tmp_path))

    assert (done.returncode, "Traceback" in done.stderr) == (status, False)


@pytest.mark.parametrize("command", [(), ("check",), ("freeradius",), ("freeradius", "install"), ("mocks",)])
def test_help_has_a_short_option_everywhere(command: tuple[str, ...]) -> None:
    short, long = smsotp(*command, "-h"), smsotp(*command, "--help")

    assert short.returncode == long.returncode == 0
    assert short.stdout == long.stdout


def test_the_shell_can_be_taught_the_words_of_the_command() -> None:
    # It asks which shell has called it.
    done = subprocess.run(
        ["/bin/bash", "-c", f"'{SMSOTP}' --show-completion; exit $?"], capture_output=True, text=True, check=False, timeout=100
    )  # fmt: skip

    assert "smsotp" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize(
    "command", ["trace", "unlock", "erase", "limits", "route", "route +491701234567 --user"]
)
@pytest.mark.parametrize(("whom", "why"), [("x" * 254, "more than 253 bytes"), ("\udcff", "not UTF-8 text")])
def test_nobody_is_looked_for_whom_no_packet_can_name(command: str, whom: str, why: str) -> None:
    with pytest.raises(BadParameter, match=why):
        app([*command.split(), whom], standalone_mode=False)


def test_a_name_is_read_whatever_the_character_set_of_the_terminal_is(file: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    assert "there is no database" in smsotp("trace", "Jürgen", "--config", file, **ascii_only).stderr


@pytest.mark.parametrize("command", ["trace", "unlock", "erase", "route"])
def test_whoever_is_meant_has_a_name(command: str) -> None:
    with pytest.raises(BadParameter, match="it is empty"):
        app([command, ""], standalone_mode=False)


def test_a_good_configuration_is_summed_up(file: Path) -> None:
    done = smsotp("check", "--config", file)

    assert done.returncode == 0
    assert "gateway gtx" in done.stdout
    assert f"{file} can be used." in done.stdout


def test_no_secret_is_shown(file: Path) -> None:
    done = smsotp("check", "--config", file)

    assert "geheim" not in done.stdout + done.stderr
    assert "0123456789abcdef" not in done.stdout + done.stderr


def test_problems_go_to_the_error_output_one_per_line(file: Path) -> None:
    file.write_text("[otp]\nlength = 2\n" + GOOD + "[nonsense]\n")

    done = smsotp("check", "--config", file)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"problem: {file}: otp.length: it must be greater than or equal to 4",
        done.stderr.splitlines()[1],
        "2 problems.",
    ]
    assert done.stderr.splitlines()[1].startswith(
        f"problem: {file}: nonsense: there is no such key here; there are:"
    )


def test_warnings_do_not_fail_the_check(file: Path) -> None:
    file.chmod(0o644)

    done = smsotp("check", "--config", file)

    assert done.returncode == 0
    assert f"warning: {file}: everyone on this machine can read it" in done.stderr


def test_the_environment_names_the_configuration(file: Path) -> None:
    assert smsotp("check", SMSOTP_CONFIG=str(file)).returncode == 0


def test_the_option_wins_over_the_environment(file: Path) -> None:
    assert smsotp("check", "--config", file, SMSOTP_CONFIG="/nowhere").returncode == 0


def test_a_missing_configuration_is_one_sentence() -> None:
    done = smsotp("check", "--config", "/nowhere/smsotp.toml")

    assert done.returncode == 2
    assert done.stderr == (
        "problem: /nowhere/smsotp.toml: it cannot be read: No such file or directory\n1 problem.\n"
    )


def test_what_cannot_be_printed_is_shown_as_an_escape(file: Path) -> None:
    file.write_text(
        GOOD.replace("[gateways.gtx.options]", 'CHECK_SSL = "/\\u001b[31m"\n[gateways.gtx.options]')
    )

    escape, no_utf8 = (smsotp("check", "--config", path) for path in (file, file.with_name("no\udcff")))

    assert (escape.returncode, "/\\x1b[31m cannot be read" in escape.stderr) == (2, True)
    assert (no_utf8.returncode, "no\\udcff: it cannot be read" in no_utf8.stderr) == (2, True)


def test_a_terminal_without_a_character_shows_an_escape(file: Path) -> None:
    file.write_text('[challenge]\nprompt = "Code für {number}"\n' + GOOD)

    done = smsotp("check", "--config", file, PYTHONIOENCODING="ascii")

    assert (done.returncode, "Code f\\xfcr {number}" in done.stdout) == (0, True)


def test_square_brackets_are_shown_as_they_are(file: Path) -> None:
    file.write_text("otp = 1\n" + GOOD)

    assert "otp: it must be a table, written [otp]" in smsotp("check", "--config", file).stderr


def test_nothing_is_cut_off_where_there_is_little_room(file: Path) -> None:
    url = "unix:///run/redis/a-directory-with-a-long-name/and-another-one/redis.sock"
    file.write_text(GOOD.replace("[store]", f'[store]\nurl = "{url}"'))

    done = smsotp("check", "--config", file, COLUMNS="20")

    assert f" redis at {url.removeprefix('unix://')}\n" in done.stdout


def test_help_leaves_out_no_section_in_square_brackets() -> None:
    assert '[queue] mode = "workers"' in smsotp("worker", "--help", COLUMNS="200").stdout


def test_help_loads_none_of_the_plugin() -> None:
    code = "import sys, smsotp_plugin.cli; print(sorted(m for m in sys.modules if m.startswith('smsotp_plugin')))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "['smsotp_plugin', 'smsotp_plugin.cli']\n"


def make_raddb(path: Path) -> Path:
    for name in ("mods-available", "mods-enabled", "policy.d", "sites-available", "sites-enabled"):
        (path / name).mkdir(parents=True)
    (path / "radiusd.conf").touch()
    return path


def test_no_garbage_is_looked_for_at_the_end_in_what_a_command_has_loaded() -> None:
    code = (
        "import atexit, gc, sys\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 1000))\n"
        "from smsotp_plugin.__main__ import main\n"
        "sys.argv = ['smsotp', '--version']\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[1:] == ["True"]


def test_a_path_with_a_line_break_stays_one_argument_of_the_drop_in(tmp_path: Path) -> None:
    text = drop_in(make_raddb(tmp_path / "rad\n[Service]\ndb"), None)

    assert text.splitlines()[-1].endswith('/rad\\n[Service]\\ndb"')


def test_there_is_no_drop_in_for_what_is_not_there(tmp_path: Path, file: Path) -> None:
    no_raddb = smsotp("freeradius", "unit", "--raddb", "/nowhere", "--config", file)
    no_file = smsotp("freeradius", "unit", "--raddb", make_raddb(tmp_path / "raddb"), "--config", "/nowhere")

    assert (no_raddb.returncode, no_raddb.stdout) == (2, "")
    assert no_raddb.stderr.startswith("/nowhere is not a FreeRADIUS configuration directory")
    assert (no_file.returncode, no_file.stdout) == (2, "")
    assert no_file.stderr.startswith("/nowhere is not a file")
