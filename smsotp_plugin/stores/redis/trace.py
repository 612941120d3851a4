"""The delivery log in Redis: how a line is written, and how lines are found again."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import cast

from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind, Wanted
from smsotp_plugin.stores.redis.foreign import read_row, reads_replies
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.scripts import Scripts

#: Kinds of lines that can be found by a user or a number, too.
_FOUND_BY_PERSON = frozenset({EventKind.ASKED, EventKind.REJECTED})
# `dataclasses.asdict` copies each value, which takes ten times as long.
_NAMES = tuple(field.name for field in fields(DeliveryEvent))
_row_of = attrgetter(*_NAMES)


def write_events(scripts: Scripts, kept: float, events: Sequence[DeliveryEvent]) -> Command:
    """
    Make the command that writes some lines.

    Args:
        scripts: Makes commands.
        kept: Seconds for which they are kept.
        events: The lines, in their order.
    """
    keys: list[str] = []
    words: list[str | float] = [kept]
    for event in events:
        own = _name_keys(event)
        keys += own
        line = json.dumps(dict(zip(_NAMES, _row_of(event), strict=True)))
        words += (line, event.at, event.reference, len(own))
    return scripts.command("record", keys, *words)


def _name_keys(event: DeliveryEvent) -> list[str]:
    if not event.reference:
        return [f"receipts:{event.gateway}:{event.gateway_id}"]
    keys = [f"events:{event.reference}"]
    if event.kind in _FOUND_BY_PERSON:
        keys += [f"of-user:{event.user}"] if event.user else []
        keys += [f"of-number:{event.number_hash}"] if event.number_hash else []
    return keys


@reads_replies
def read_events(scripts: Scripts, wanted: Wanted, limit: int) -> Sequence[DeliveryEvent]:
    """
    Return the lines of somebody's newest messages, the oldest first.

    Raises:
        StoreError: Redis does not answer, or with an error.
    """
    keys = [f"events:{wanted.reference}", f"of-user:{wanted.user}", f"of-number:{wanted.number_hash}"]
    reply = scripts.run("trace", keys, wanted.reference, limit)
    events = [
        read_event(line, reference.decode()) for reference, line in cast("list[tuple[bytes, bytes]]", reply)
    ]
    return sorted(events, key=lambda event: event.at)


def read_event(line: bytes, reference: str | None = None) -> DeliveryEvent:
    """
    Read a line that `write_events` has written.

    Args:
        line: The line.
        reference: The message that it belongs to; None: the one that the line itself names.

    Raises:
        ValueError: It is something else.
        TypeError: The same.
    """
    event = read_row(DeliveryEvent, line, **({} if reference is None else {"reference": reference}))
    return replace(event, kind=EventKind(event.kind))
