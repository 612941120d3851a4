"""
What root looks at in a raddb of the server's user can neither keep it waiting nor fill its memory, and a program that is
run as that user does not get root's terminal.
"""

import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .raddbs import DEBIAN, SMSOTP, install, set_main

pytestmark = [
    pytest.mark.skipif(not DEBIAN.is_dir(), reason="FreeRADIUS is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to lose"),
]

#: Whoever has the terminal can type there as the one who sits at it (TIOCSTI, ioctl_tty(2)).
THIEF = """#!/bin/sh
if ( : < /dev/tty ) 2> /dev/null; then echo has it >> {record}; else echo has none >> {record}; fi
"""


def pipe_as_configuration(raddb: Path) -> None:
    os.mkfifo(raddb / "trap")
    module = raddb / "mods-available/smsotp-plugin"
    text = module.read_text()
    module.write_text(text.replace('smsotp.toml"', 'raddb/trap"'))
    assert module.read_text() != text


def pipe_as_secret(raddb: Path) -> None:
    os.mkfifo(raddb / "trap")
    with (raddb.parent / "smsotp.toml").open("a") as file:
        file.write(
            f'[gateways.own]\nprovider = "sipgate"\nUSERNAME = "u"\nPASSWORD = {{ file = "{raddb}/trap" }}\n'
        )


def device_as_library(raddb: Path) -> None:
    (raddb / "lib").mkdir()
    (raddb / "lib/rlm_python3.so").symlink_to("/dev/zero")
    set_main(raddb, libdir=str(raddb / "lib"))


@pytest.mark.parametrize("trap", [pipe_as_configuration, pipe_as_secret, device_as_library])
def test_nothing_keeps_root_waiting(raddb: Path, config: Path, trap: Callable[[Path], None]) -> None:
    assert install(raddb, config).returncode == 0
    trap(raddb)

    done = subprocess.run(
        ["prlimit", f"--as={2 << 30}", SMSOTP, "freeradius", "check", "--raddb", raddb],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode in (1, 2)
    assert "trap" in done.stderr or "rlm_python3.so" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_program_that_the_raddb_names_gets_roots_terminal(
    raddb: Path, config: Path, directory: Path
) -> None:
    assert install(raddb, config).returncode == 0
    record, program = directory / "record", directory / "bin/thief"
    record.touch()
    record.chmod(0o666)
    program.parent.mkdir()
    program.write_text(THIEF.format(record=record))
    program.chmod(0o755)
    set_main(raddb, name="thief", sbindir=str(program.parent))

    child, terminal = pty.fork()
    if child == 0:
        os.execv(SMSOTP, [str(SMSOTP), "freeradius", "check", "--raddb", str(raddb)])
    said = read_to_end(terminal)
    os.waitpid(child, 0)

    assert record.read_text() == "has none\n", said


def read_to_end(terminal: int) -> bytes:
    said = b""
    try:
        while part := os.read(terminal, 4096):
            said += part
    except OSError:
        # Linux says so where nobody has the other side any more.
        pass
    os.close(terminal)
    return said
