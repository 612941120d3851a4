"""``smsotp freeradius install``: put the plugin into a FreeRADIUS configuration."""

import os
from pathlib import Path

from rich.console import Console
from rich.text import Text

from smsotp_plugin.commands.freeradius_check import tell_installed
from smsotp_plugin.commands.terminal import (
    looks_at_server,
    open_consoles,
    print_problems,
    print_warnings,
)
from smsotp_plugin.errors import ConfigError, SmsOtpError
from smsotp_plugin.raddb.changes import Change
from smsotp_plugin.raddb.install import PlannedChanges, plan_installation
from smsotp_plugin.raddb.server_check import Judgement, judge_with_server
from smsotp_plugin.raddb.tree import Listener, Raddb, read_listener
from smsotp_plugin.settings import load_settings


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
    out, err = open_consoles()
    raddb, config = raddb.absolute(), config.absolute()
    try:
        settings = load_settings(config)
        listener = None if listen is None else read_listener(listen)
        with looks_at_server():
            tree = Raddb(raddb)
            refuse_without_rights(tree, dry_run=dry_run)
            plan = plan_installation(tree, config, settings, listener)
    except ValueError as exc:
        print_problems(err, [f"--listen: {exc}"])
        return 2
    except ConfigError as exc:
        print_problems(err, exc.problems)
        return 2
    print_warnings(err, settings, config)
    if not carry_out(out, plan, dry_run=dry_run):
        return 0
    judgement = tell_judgement(out, err, tree)
    if judgement and judgement.problems:
        return 1
    is_called = tell_installed(out, err, tree, config)
    if is_called is None:
        return 1
    if judgement:
        _tell_next_steps(out, tree, listener, judgement.program, is_called=is_called)
    return 0


def refuse_without_rights(tree: Raddb, *, dry_run: bool) -> None:
    """
    Stop if the files cannot be changed.

    Raises:
        ConfigError: It takes root.
    """
    account = tree.account()
    if not dry_run and os.geteuid() not in (0, account.uid):
        raise ConfigError([f"this has to be run as root, because FreeRADIUS runs as {account.name}"])


def carry_out(out: Console, plan: PlannedChanges, *, dry_run: bool) -> bool:
    """Print the notes, and make the changes or only show them; return whether they were made."""
    for note in plan.notes:
        out.print(Text(f"note: {note}"))
    if dry_run:
        _show_changes(out, plan.changes)
    else:
        _make_changes(out, plan.changes)
    return not dry_run


def _show_changes(out: Console, changes: list[Change]) -> None:
    for change in changes:
        out.print(Text(f"would {change.describe()}"))
        out.print(Text(change.show()), end="")
    out.print(Text("Nothing was changed." if changes else "Nothing has to be changed."))


def _make_changes(out: Console, changes: list[Change]) -> None:
    for change in changes:
        try:
            change.make()
        except OSError as exc:
            raise SmsOtpError(
                f"it is not possible to {change.describe()}: {exc.strerror}; only the changes listed above were made: mend that, and "
                "run this again"
            ) from exc
        out.print(Text(f"done: {change.describe()}"))
    if not changes:
        out.print(Text("Nothing had to be changed."))


def tell_judgement(out: Console, err: Console, tree: Raddb) -> Judgement | None:
    """
    Let FreeRADIUS itself judge the result, and print what it said.

    Returns:
        None if it was not found.
    """
    judgement = judge_with_server(tree)
    if judgement is None:
        out.print(Text("FreeRADIUS was not found, so its own check of the configuration was left out."))
    elif judgement.problems:
        err.print(
            Text(
                f"Everything was written, but FreeRADIUS does not accept its configuration ({judgement.command}):"
            )
        )
        print_problems(err, judgement.problems)
    else:
        out.print(Text(f"{judgement.program.name} -C accepts the configuration."))
    return judgement


def _tell_next_steps(
    out: Console, tree: Raddb, listener: Listener | None, program: Path, *, is_called: bool
) -> None:
    if listener:
        out.print(
            Text(
                f"Next: give users an SMSOTP-Phone in {tree.path / 'mods-config/files/authorize'} and start "
                f"FreeRADIUS, for a try with: {program.name} -X -d {tree.path}. It serves on {listener}."
            )
        )
        return
    if is_called:
        out.print(Text("Next: restart FreeRADIUS."))
        return
    out.print(
        Text(
            f"Next: call the policies from your own virtual server, as {tree.path / 'policy.d/smsotp'} says, and "
            "restart FreeRADIUS; or run this with --listen for a whole example."
        )
    )
