"""Tells the store which gateway may have a message, so that a process that takes the message over knows it."""

import logging
from collections.abc import Sequence

from smsotp_plugin.dispatch.journal import describe_message
from smsotp_plugin.errors import NotNeeded, NotSent, StoreError, Throttled
from smsotp_plugin.sms.message import Message
from smsotp_plugin.stores.kept import Attempt, MessageStore

log = logging.getLogger("smsotp.dispatch")


class Keeper:
    """
    Notes attempts where they survive this process; for messages that no store keeps, nothing is noted.

    Args:
        store: Keeps the messages.
    """

    def __init__(self, store: MessageStore) -> None:
        self._store = store
        #: The results of noting attempts before their turn. Needs no lock: no two threads have the same attempt.
        self._early: dict[Attempt, Exception | None] = {}

    def has_noted(self, message: Message, gateway: str) -> bool:
        """Tell whether an attempt was noted before its turn, which has not come yet."""
        return _make_attempt(message, gateway) in self._early

    def begin(self, message: Message, gateway: str, others: Sequence[Message] = ()) -> NotSent | None:
        """
        Note that a gateway may have a message; returns why it must not have it yet.

        Args:
            message: The message.
            gateway: Its name.
            others: Messages that the gateway is about to get too. They are noted in the same call.

        Raises:
            NotNeeded: It must never have it.
        """
        if not message.known_as:
            return None
        attempt = _make_attempt(message, gateway)
        if attempt not in self._early:
            self._note([attempt, *(_make_attempt(each, gateway) for each in others if each.known_as)])
        problem = self._early.pop(attempt)
        if problem is None:
            return None
        if isinstance(problem, NotNeeded):
            raise problem
        why = str(problem) if isinstance(problem, StoreError) else f"unexpected {type(problem).__name__}"
        log.warning("%s: waits, because its attempt cannot be noted: %s", describe_message(message), why)
        # The gateway is not to blame, and its turn does not count.
        return Throttled(why)

    def take_back(self, message: Message, gateway: str) -> None:
        """Note that an attempt, which may have been noted before its turn, does not begin after all."""
        attempt = _make_attempt(message, gateway)
        if attempt in self._early and self._early.pop(attempt) is None:
            self.end(message, gateway)

    def end(self, message: Message, gateway: str) -> None:
        """Note that a gateway certainly does not have a message."""
        if message.known_as:
            self._store.end_attempt(message.known_as, message.resends, gateway)

    def forget(self, message: Message) -> None:
        """Keep a message no longer: it has ended."""
        if message.known_as:
            self._store.forget_message(message.known_as, message.resends)

    def _note(self, attempts: Sequence[Attempt]) -> None:
        new = [attempt for attempt in attempts if attempt not in self._early]
        try:
            early: dict[Attempt, Exception | None] = dict(
                zip(new, self._store.begin_attempts(new), strict=True)
            )
        except Exception as exc:  # noqa: BLE001  (whatever it is, it may be over soon)
            early = dict.fromkeys(new, exc)
            for each in new:
                # It may have been noted before that.
                self._store.end_attempt(each.state, each.resends, each.gateway)
        self._early.update(early)


def _make_attempt(message: Message, gateway: str) -> Attempt:
    return Attempt(message.known_as, message.resends, gateway)
