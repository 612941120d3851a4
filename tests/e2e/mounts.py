"""Programs that see other files than the machine has: in a mount namespace of their own, which ends with them."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import find_program

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a program other mounts")

_SCRIPT = """#!/bin/sh
exec unshare --mount sh -euc '
{mounts}
exec "$@"
' sh {program} "$@"
"""


def wrap(script: Path, program: str | Path, mounts: str) -> Path:
    """
    Write a program that is another one with mounts of its own; it keeps the process id.

    Args:
        script: Where to write it.
        program: The full path of the other one, or words of shell that end with it.
        mounts: Lines of shell, without a single quote.
    """
    script.write_text(_SCRIPT.format(mounts=mounts, program=program))
    script.chmod(0o755)
    return script


def pam_services(folder: Path, services: Mapping[str, str]) -> str:
    """Write PAM services, and return the mount that makes them the only ones."""
    folder.mkdir()
    for name, stack in services.items():
        (folder / name).write_text(stack)
    return f"mount --bind {folder} /etc/pam.d"


def wrap_server(server: FreeRadiusServer, mounts: str, run_by: str = "") -> None:
    """
    Make a FreeRADIUS run with mounts of its own, by the `sbindir` of its configuration.

    Args:
        server: It has been prepared.
        mounts: Lines of shell.
        run_by: Words to put before the program.
    """
    folder = server.directory / "sbin"
    folder.mkdir()
    program = find_program(server.raddb)
    wrap(folder / program.name, f"{run_by} {program}", mounts)
    main = server.raddb / "radiusd.conf"
    main.write_text(main.read_text().replace("\nsbindir = ", f"\nsbindir = {folder}\n#sbindir = ", 1))
