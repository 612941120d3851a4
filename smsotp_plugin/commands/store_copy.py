"""``smsotp store copy``: copies everything in a store into another one, while no server uses either."""

from pathlib import Path

from rich.text import Text

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.commands.terminal import open_consoles, tells_failures
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.grammar import agree
from smsotp_plugin.settings import Settings, load_settings
from smsotp_plugin.settings.keys import find_keys
from smsotp_plugin.stores.contents import StoreContents
from smsotp_plugin.stores.schemes import copy_store

_DAY = 86400.0


@tells_failures
def copy(source: Path, target: Path) -> int:
    """
    Copy, and print how much there was.

    Args:
        source: The configuration whose store is read.
        target: The configuration whose store is filled.

    Returns:
        The exit code: 0, 1 if a store cannot be used, 2 if a configuration cannot be used.
    """
    out, _ = open_consoles()
    old, new = load_settings(source), load_settings(target)
    _demand_same_key(old, new, target)
    contents = copy_store(old.store, new.store, events_kept=new.delivery_log.days * _DAY, clock=SystemClock())
    out.print(Text(_describe(contents)))
    return 0


def _demand_same_key(old: Settings, new: Settings, target: Path) -> None:
    if find_keys(old)[0] not in find_keys(new):
        raise ConfigError(
            [
                f"{target}: store.key: it must be the key of the other store, or what is copied would let nobody in"
            ]
        )


def _describe(contents: StoreContents) -> str:
    logins, waiting, lines = len(contents.challenges), len(contents.messages), len(contents.events)
    return (
        f"copied: {logins} {agree(logins, 'log-in')}, {waiting} SMS that {agree(waiting, 'waits', 'wait')}, "
        f"{lines} {agree(lines, 'line')} of the delivery log, and what is counted"
    )
