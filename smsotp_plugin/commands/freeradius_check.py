"""``smsotp freeradius check``: whether FreeRADIUS can be restarted, and whether anybody gets in without a code."""

import os
from pathlib import Path

from rich.console import Console
from rich.text import Text

from smsotp_plugin.commands.terminal import looks_at_server, open_consoles, print_problems, write_table
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.grammar import agree
from smsotp_plugin.log import make_printable
from smsotp_plugin.raddb.readiness import Readiness, find_configured_file, judge_readiness
from smsotp_plugin.raddb.server_check import judge_with_server
from smsotp_plugin.raddb.tree import Raddb
from smsotp_plugin.radius.wiring import Wiring

_FAILED, _PROBLEMS = 1, 2


def check_server(raddb: Path, config: Path | None, default: Path, *, before_start: bool) -> int:
    """
    Print everything that would go wrong at a start, and how the virtual servers call the policies.

    Args:
        raddb: FreeRADIUS's configuration directory.
        config: The plugin's configuration; None takes the one that the installed module names.
        default: The configuration to take if no module is installed either.
        before_start: Only what keeps the server from starting counts, and FreeRADIUS is not asked: its unit does that.

    Returns:
        The exit code: 0, 1 when something is wrong, 2 when there is nothing to look at.
    """
    out, err = open_consoles()
    try:
        with looks_at_server():
            tree = Raddb(raddb.absolute())
            file = (config or find_configured_file(tree) or default).absolute()
            account = tree.account()
            readiness = judge_readiness(tree, file)
    except ConfigError as exc:
        print_problems(err, exc.problems)
        return _PROBLEMS
    if os.geteuid() not in (0, account.uid):
        out.print(Text(f"note: what {account.name} may read was not checked: that takes root"))
    startable = tell_readiness(out, err, tree, readiness, ask_server=not before_start)
    right = readiness.wiring is not None and tell_wiring(out, err, readiness.wiring)
    return 0 if startable and (right or before_start) else _FAILED


def tell_readiness(
    out: Console, err: Console, tree: Raddb, readiness: Readiness, *, ask_server: bool
) -> bool:
    """Print what would go wrong at a start; return whether nothing would."""
    for warning in readiness.warnings:
        out.print(Text.assemble(("warning: ", "bold yellow"), make_printable(warning)))
    problems = list(readiness.problems)
    judgement = judge_with_server(tree) if ask_server else None
    if judgement is not None:
        told = {*problems, *_list_wiring_sentences(readiness)}
        problems += [line for line in judgement.problems if _own(line) not in told]
    if problems:
        err.print(Text("FreeRADIUS would not start, or the plugin would not work:"))
        print_problems(err, problems)
        return False
    if judgement is not None:
        out.print(Text(f"{judgement.program.name} -C accepts the configuration."))
    elif ask_server:
        out.print(Text("FreeRADIUS was not found, so its own check of the configuration was left out."))
    out.print(Text(f"{tree.account().name} can start with it."))
    return True


def tell_installed(out: Console, err: Console, tree: Raddb, config: Path) -> bool | None:
    """
    Print, after an installation and FreeRADIUS's own check, what would go wrong at a start and what is wired.

    Returns:
        Whether a virtual server calls the policies, which none has to do yet; None if something is wrong.
    """
    readiness = judge_readiness(tree, config)
    if readiness.problems:
        print_problems(err, readiness.problems)
        return None
    wiring = readiness.wiring
    if wiring is None or not wiring.begun:
        return False
    # Rejections that can be told apart let nobody in: that is reported, and the installation still succeeds.
    is_right = tell_wiring(out, err, wiring) or not (wiring.problems or wiring.unread)
    return True if is_right else None


def tell_wiring(out: Console, err: Console, wiring: Wiring) -> bool:
    """Print the table and what is wrong in it; return whether nothing is."""
    out.print(_write_table(wiring))
    for note in wiring.notes:
        out.print(Text(f"note: {make_printable(note)}"))
    for sentence in wiring.unread:
        err.print(Text.assemble(("problem: ", "bold red"), make_printable(sentence)))
    for problem in (*wiring.problems, *wiring.uneven):
        err.print(Text.assemble(("problem: ", "bold red"), make_printable(str(problem))))
        for line in problem.lines:
            err.print(Text(f"    {line.expandtabs(4)}"))
    wrong = len(wiring.problems) + len(wiring.uneven) + len(wiring.unread)
    if wrong:
        err.print(Text(f"{wrong} {agree(wrong, 'problem')}."))
    else:
        out.print(Text("Every virtual server that asks for a code calls the policies where it must."))
    return not wrong


def _write_table(wiring: Wiring) -> Text:
    """Return the rows under their heads, each column as wide as its longest cell."""
    heads = ("virtual server", "reached by", "guard", "authorize", "challenge", "post_auth", "sign_reply")
    rows = [heads, *((row.site, row.ways, *row.cells.values()) for row in wiring.rows)]
    return write_table(rows)


def _list_wiring_sentences(readiness: Readiness) -> set[str]:
    return {str(problem) for problem in readiness.wiring.problems} if readiness.wiring else set()


def _own(line: str) -> str:
    """Return a line of FreeRADIUS's log without the name with which our own lines begin."""
    return line.removeprefix("smsotp: ")
