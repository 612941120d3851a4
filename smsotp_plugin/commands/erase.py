"""``smsotp erase``: remove what is kept of one person, whether or not a server is running."""

import threading
from pathlib import Path

from rich.text import Text

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.commands.person import find_person
from smsotp_plugin.commands.terminal import open_consoles, tells_failures
from smsotp_plugin.grammar import agree
from smsotp_plugin.settings import load_settings
from smsotp_plugin.stores.person import Erased
from smsotp_plugin.stores.schemes import erase_person

#: Seconds.
_LATE = 2.0


@tells_failures
def erase(config: Path, whom: str) -> int:
    """
    Erase a person, and print how much there was.

    Args:
        config: The configuration.
        whom: A User-Name or a telephone number.

    Returns:
        The exit code: 0, 1 if the store cannot be written, 2 if the configuration cannot be used.
    """
    out, _ = open_consoles()
    settings = load_settings(config)
    person = find_person(settings, whom)
    erased = erase_person(settings.store, person)
    _wait()
    erased += erase_person(settings.store, person)
    out.print(Text(_describe(erased) if erased else "nothing is kept of this user or number"))
    return 0


def _wait() -> None:
    """Wait until a running server has written what it had noted before: it writes once a second."""
    never = threading.Condition()
    with never:
        SystemClock().wait(never, _LATE)


def _describe(erased: Erased) -> str:
    parts = (
        (erased.challenges, agree(erased.challenges, "log-in")),
        (erased.messages, "SMS that waited"),
        (erased.counts, f"{agree(erased.counts, 'count')} of wrong codes"),
        (erased.events, f"{agree(erased.events, 'line')} of the delivery log"),
        (erased.spent, "SMS that counted for limits"),
    )
    return "erased: " + ", ".join(f"{count} {what}" for count, what in parts if count)
