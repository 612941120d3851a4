"""``smsotp freeradius uninstall``: leave a FreeRADIUS configuration as it was before the installation."""

from pathlib import Path

from rich.text import Text

from smsotp_plugin.commands.freeradius_install import (
    carry_out,
    refuse_without_rights,
    tell_judgement,
)
from smsotp_plugin.commands.terminal import looks_at_server, open_consoles, print_problems
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.tree import Raddb
from smsotp_plugin.raddb.uninstall import plan_removal


def uninstall(raddb: Path, *, dry_run: bool) -> int:
    """
    Plan a removal; make it, or only show it.

    Args:
        raddb: FreeRADIUS's configuration directory.
        dry_run: Show only.

    Returns:
        The exit code: 0, 1 when FreeRADIUS refuses the result, 2 when nothing was changed because of problems.
    """
    out, err = open_consoles()
    try:
        with looks_at_server():
            tree = Raddb(raddb.absolute())
            refuse_without_rights(tree, dry_run=dry_run)
            plan = plan_removal(tree)
    except ConfigError as exc:
        print_problems(err, exc.problems)
        return 2
    if not carry_out(out, plan, dry_run=dry_run):
        return 0
    judgement = tell_judgement(out, err, tree)
    if judgement and judgement.problems:
        return 1
    out.print(
        Text(
            "Next: remove the drop-in of FreeRADIUS's unit if it calls smsotp, or FreeRADIUS does not start; then restart "
            "FreeRADIUS. After that, the packages, the configuration and the store can go."
        )
    )
    return 0
