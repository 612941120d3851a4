"""The user that the server runs as, and how to act as that user for a while."""

import grp
import os
import pwd
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """
    A user of this machine.

    Attributes:
        name: For example ``freerad``.
        uid: Its number.
        gid: Number of the group that the server runs as.
        groups: All groups it is in.
    """

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]

    @property
    def group(self) -> str:
        """Name of the group, or its number if it has no name."""
        try:
            return grp.getgrgid(self.gid).gr_name
        except KeyError:
            return str(self.gid)


def find_account(user: str | int, group: str | None = None) -> Account:
    """
    Return a user of this machine.

    Args:
        user: Its name or number.
        group: Name of the group that the server runs as; None takes the user's own.

    Raises:
        KeyError: This machine does not have that user or group.
    """
    entry = pwd.getpwnam(user) if isinstance(user, str) else pwd.getpwuid(user)
    gid = entry.pw_gid if group is None else grp.getgrnam(group).gr_gid
    others = (known.gr_gid for known in grp.getgrall() if entry.pw_name in known.gr_mem)
    return Account(entry.pw_name, entry.pw_uid, gid, tuple(sorted({gid, entry.pw_gid, *others})))


@contextmanager
def act_as(account: Account) -> Iterator[None]:
    """
    Act as that user for a while. Needs root, unless we already are that user; this process must have only one thread.

    Raises:
        PermissionError: We are another user.
    """
    uid, gid, groups = os.geteuid(), os.getegid(), os.getgroups()
    if uid == account.uid:
        yield
        return
    os.setgroups(account.groups)
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
        os.setgroups(groups)


def run_as(account: Account, command: Sequence[str], seconds: float) -> "subprocess.CompletedProcess[bytes]":
    """
    Run a program as a user if we are root, else as ourselves; in the folder ``/``.

    Args:
        account: The user.
        command: The program's path and its arguments.
        seconds: How long it may take.

    Raises:
        OSError: It cannot be run.
        subprocess.TimeoutExpired: It took longer, and was killed.
    """
    other = os.geteuid() == 0 and account.uid != 0
    return subprocess.run(  # noqa: S603  (no shell; root runs only what the user may choose, or our own program)
        command,
        capture_output=True,
        timeout=seconds,
        check=False,
        stdin=subprocess.DEVNULL,
        # Without the terminal: a program that has it can type there as the person who sits at it.
        start_new_session=True,
        cwd="/",
        user=account.uid if other else None,
        group=account.gid if other else None,
        extra_groups=account.groups if other else None,
    )
