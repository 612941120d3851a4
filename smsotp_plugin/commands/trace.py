"""``smsotp trace``: what became of somebody's newest messages. Only reads, whether or not a server is running."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

from rich.text import Text

from smsotp_plugin.commands.person import find_traced
from smsotp_plugin.commands.terminal import open_consoles, tells_failures
from smsotp_plugin.grammar import agree
from smsotp_plugin.log import make_printable, quote
from smsotp_plugin.settings import Settings, load_settings
from smsotp_plugin.stores.delivery_log import DeliveryEvent, Wanted, describe
from smsotp_plugin.stores.schemes import read_trace

_REFERENCE = re.compile(r"[0-9a-fA-F]{8}")

_STYLES = {
    "accepted": "green",
    "delivered": "green",
    "refused": "red",
    "not sent": "red",
    "unknown": "yellow",
}


@tells_failures
def trace(config: Path, whom: str, messages: int) -> int:
    """
    Print timelines, the newest message last.

    Args:
        config: The configuration.
        whom: A User-Name, a telephone number or a reference.
        messages: How many messages at most.

    Returns:
        The exit code: 0, 1 if nothing is found or the store cannot be read, 2 if the configuration cannot be used.
    """
    out, err = open_consoles()
    settings = load_settings(config)
    found = [read_trace(settings.store, wanted, messages) for wanted in _read_wanted(settings, whom)]
    lives = _lives(found)[-messages:]
    if not lives:
        days = settings.delivery_log.days
        err.print(
            Text(
                f"smsotp: no message of the last {days:g} {agree(days, 'day')} has this user, number or reference"
            )
        )
        return 1
    for number, life in enumerate(lives):
        out.print(_write_timeline(life, first=number == 0))
    return 0


def _read_wanted(settings: Settings, whom: str) -> list[Wanted]:
    """Return what to look for: the fingerprints of a name or a number under the present key, and under the one before it."""
    reference = whom.lower() if _REFERENCE.fullmatch(whom) else ""
    person = find_traced(settings, whom)
    return [
        Wanted(user=name, reference=reference, number_hash=number_hash)
        for name, number_hash in zip_longest(person.shown, person.number_hashes, fillvalue="")
    ]


def _lives(found: Iterable[Sequence[DeliveryEvent]]) -> list[list[DeliveryEvent]]:
    """Return the events of each message, each message once, the newest last."""
    lives: dict[str, list[DeliveryEvent]] = {}
    for events in found:
        some: dict[str, list[DeliveryEvent]] = {}
        for event in events:
            some.setdefault(event.reference, []).append(event)
        lives |= some
    return sorted(lives.values(), key=lambda life: life[0].at)


def _write_timeline(life: Sequence[DeliveryEvent], *, first: bool) -> Text:
    begin = life[0]
    asked = next((event for event in life if event.user), begin)
    day = datetime.fromtimestamp(begin.at, UTC).astimezone()
    shown = Text("" if first else "\n")
    shown.append(make_printable(begin.reference), "bold")
    number = make_printable(asked.number) or "none"
    shown.append(f"  user {quote(asked.user)}  number {number}  {day:%Y-%m-%d %H:%M:%S %Z}")
    for event in life:
        shown.append(f"\n  {event.at - begin.at:+10.3f} s  {event.kind:<8}  ")
        shown.append_text(_tell(event))
    return shown


def _tell(event: DeliveryEvent) -> Text:
    """Write what one event says, in the colour of its outcome."""
    outcome = event.detail.partition(":")[0].partition(",")[0]
    return Text(
        make_printable(describe(event)), _STYLES.get(outcome.partition(" ")[0], _STYLES.get(outcome, ""))
    )
