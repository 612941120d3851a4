"""The live events of the inbox page as a stream of server-sent events (WHATWG HTML, section 9.2)."""

import json
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.inbox.messages import InboxEvent, ReceivedMessage
from smsotp_mocks.inbox.subscription import Subscription

_TICK = 0.25  # seconds between two checks of the faults, and of whether the server is ending
_SIGN_OF_LIFE = 15.0  # seconds
_MOST_AT_ONCE = 200  # events in one write
_SEND_LIMIT = 20.0  # seconds until a listener that does not read is given up


def summarise(message: ReceivedMessage) -> dict[str, Any]:
    """Return a message as JSON types, without its wire form."""
    whole = message.as_dict()
    del whole["wire"]
    return whole


def list_faults(gateways: Sequence[Gateway]) -> dict[str, list[dict[str, Any]]]:
    """Return the fault rules of every gateway, by its kind."""
    return {gateway.kind: [rule.as_dict() for rule in gateway.faults.list()] for gateway in gateways}


class EventStream:
    """
    Sends one listener what happens: ``ready``, then ``message``, ``refused``, ``clear``, ``lost`` and ``faults``.

    Args:
        since: Messages after this mark are sent at once.
    """

    def __init__(self, inbox: Inbox, gateways: Sequence[Gateway], since: int | None) -> None:
        self._inbox = inbox
        self._gateways = gateways
        self._since = since

    def run(self, connection: socket.socket, stopping: threading.Event) -> None:
        """Send events until the listener has gone or the server stops."""
        connection.settimeout(_SEND_LIMIT)
        with self._inbox.subscribe() as subscription:
            told = self._inbox.mark() if self._since is None else self._since
            faults = list_faults(self._gateways)
            connection.sendall(_write_event("ready", {"mark": told}) + _write_event("faults", faults))
            for message in () if self._since is None else self._inbox.messages(since=self._since):
                connection.sendall(_write_event("message", summarise(message), message.id))
                told = message.id
            last_sign = last_look = time.monotonic()
            while not stopping.is_set():
                data = _write_next_events(subscription, told)
                now = time.monotonic()
                if now - last_look >= _TICK:
                    last_look, before, faults = now, faults, list_faults(self._gateways)
                    data += _write_event("faults", faults) if faults != before else b""
                if not data and now - last_sign < _SIGN_OF_LIFE:
                    continue
                last_sign = now
                connection.sendall(data or b": still here\n\n")


def _write_next_events(subscription: Subscription, told: int) -> bytes:
    """Wait for an event for a short time; return it and those that follow."""
    data = b""
    event = subscription.get(_TICK)
    for _ in range(_MOST_AT_ONCE):
        if event is None:
            break
        data += _write(event, told)
        event = subscription.get(0)
    else:
        data += b"" if event is None else _write(event, told)
    return data


def _write(event: InboxEvent, told: int) -> bytes:
    if event.message is None:
        return _write_event(event.kind, {})
    return (
        _write_event("message", summarise(event.message), event.message.id)
        if event.message.id > told
        else b""
    )


def _write_event(kind: str, data: Any, id_: int | None = None) -> bytes:
    line = "" if id_ is None else f"id: {id_}\n"
    return f"event: {kind}\n{line}data: {json.dumps(data)}\n\n".encode()
