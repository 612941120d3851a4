"""Tells the store which gateway may have a message, so that whoever takes the message over knows it."""

import logging

from smsotp_plugin.dispatch.journal import describe_message
from smsotp_plugin.errors import NotNeeded, NotSent, StoreError, Throttled
from smsotp_plugin.sms.message import Message
from smsotp_plugin.stores.kept import MessageStore

log = logging.getLogger("smsotp.dispatch")


class Keeper:
    """
    Notes attempts where they survive this process; of what no store keeps, nothing is noted.

    Args:
        store: Keeps the messages.
    """

    def __init__(self, store: MessageStore) -> None:
        self._store = store

    def begin(self, message: Message, gateway: str) -> NotSent | None:
        """
        Note that a gateway may have a message; returns why it must not have it yet.

        Raises:
            NotNeeded: It must never have it.
        """
        if not message.known_as:
            return None
        try:
            self._store.begin_attempt(message.known_as, message.resends, gateway)
        except NotNeeded:
            raise
        except Exception as exc:  # noqa: BLE001  (whatever it is, it may be over soon)
            why = str(exc) if isinstance(exc, StoreError) else f"unexpected {type(exc).__name__}"
            log.warning("%s: waits, because its attempt cannot be noted: %s", describe_message(message), why)
            # The gateway is as good as before, and no turn is lost.
            return Throttled(why)
        return None

    def end(self, message: Message, gateway: str) -> None:
        """Note that a gateway certainly does not have a message."""
        if message.known_as:
            self._store.end_attempt(message.known_as, message.resends, gateway)

    def forget(self, message: Message) -> None:
        """Keep a message no longer: it has ended."""
        if message.known_as:
            self._store.forget_message(message.known_as, message.resends)
