"""``smsotp freeradius install``: put the plugin into a FreeRADIUS configuration."""

import os
import shutil
import subprocess
from pathlib import Path

from rich.console import Console
from rich.text import Text

from smsotp_plugin.commands.check import print_problems, print_warnings
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.changes import Change
from smsotp_plugin.raddb.install import Plan, plan_installation
from smsotp_plugin.raddb.tree import Listener, Raddb, read_listener
from smsotp_plugin.settings import load_settings

_CHECK_SECONDS = 60


def install(raddb: Path, config: Path, listen: str | None, *, dry_run: bool) -> int:
    """
    Plan an installation; make it, or only show it.

    Args:
        raddb: FreeRADIUS's configuration directory.
        config: The plugin's configuration.
        listen: ``ADDR:PORT`` for the example site, or None.
        dry_run: Show only.

    Returns:
        The exit code: 0, 1 when FreeRADIUS refuses the result, 2 when nothing was changed because of problems.
    """
    out, err = (Console(stderr=stderr, soft_wrap=True, highlight=False) for stderr in (False, True))
    raddb, config = raddb.absolute(), config.absolute()
    try:
        settings = load_settings(config)
        listener = None if listen is None else read_listener(listen)
        tree = Raddb(raddb)
        _refuse_without_rights(tree, dry_run=dry_run)
        plan = plan_installation(tree, config, settings, listener)
    except ValueError as exc:
        print_problems(err, [f"--listen: {exc}"])
        return 2
    except ConfigError as exc:
        print_problems(err, exc.problems)
        return 2
    print_warnings(err, settings, config)
    for note in plan.notes:
        out.print(Text(f"note: {note}"))
    if dry_run:
        _show(out, plan)
        return 0
    _make(out, plan.changes)
    return _verify(out, err, tree, listener)


def _refuse_without_rights(tree: Raddb, *, dry_run: bool) -> None:
    account = tree.account()
    if not dry_run and os.geteuid() not in (0, account.uid):
        raise ConfigError([f"this has to be run as root, because FreeRADIUS runs as {account.name}"])


def _show(out: Console, plan: Plan) -> None:
    for change in plan.changes:
        out.print(Text(f"would {change.told()}"))
        out.print(Text(change.shown()), end="")
    out.print(Text("Nothing was changed." if plan.changes else "Nothing has to be changed."))


def _make(out: Console, changes: list[Change]) -> None:
    for change in changes:
        change.make()
        out.print(Text(f"done: {change.told()}"))
    if not changes:
        out.print(Text("Nothing had to be changed."))


def _verify(out: Console, err: Console, tree: Raddb, listener: Listener | None) -> int:
    """Let FreeRADIUS itself judge the result."""
    program = next((path for name in ("freeradius", "radiusd") if (path := _find_program(name))), None)
    if program is None:
        out.print(Text("FreeRADIUS was not found, so that its own check of the configuration was left out."))
        return 0
    command = [program, "-C", "-l", "stdout", "-d", str(tree.path)]
    try:
        done = subprocess.run(  # noqa: S603  (no shell; the program is the system's own)
            command, capture_output=True, timeout=_CHECK_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        print_problems(err, [f"{' '.join(command)} did not end within {_CHECK_SECONDS} s"])
        return 1
    if done.returncode:
        lines = done.stdout.decode(errors="replace").splitlines()
        errors = [line.partition(": Error: ")[2] for line in lines if ": Error: " in line]
        err.print(
            Text(f"All is written, but FreeRADIUS does not accept its configuration ({' '.join(command)}):")
        )
        print_problems(err, errors or lines[-5:])
        return 1
    out.print(Text(f"{Path(program).name} -C accepts the configuration."))
    _tell_next_steps(out, tree, listener, program)
    return 0


def _tell_next_steps(out: Console, tree: Raddb, listener: Listener | None, program: str) -> None:
    if listener:
        out.print(
            Text(
                f"Next: give users an SMSOTP-Phone in {tree.path / 'mods-config/files/authorize'} and start "
                f"FreeRADIUS, for a try with: {Path(program).name} -X -d {tree.path}. It serves on {listener}."
            )
        )
        return
    out.print(
        Text(
            f"Next: call the policies from your own virtual server, as {tree.path / 'policy.d/smsotp'} says, and "
            "restart FreeRADIUS; or run this with --listen for a whole example."
        )
    )


def _find_program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
