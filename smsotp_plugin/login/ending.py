"""What follows from the end of a message: for its challenge, for the log-in that waits for it, and for what it cost."""

import logging

from smsotp_plugin.errors import Outcome, StoreError
from smsotp_plugin.login.budgets import Budgets
from smsotp_plugin.login.waiting import Waiting
from smsotp_plugin.sms.message import Message
from smsotp_plugin.stores.base import ChallengeStore

log = logging.getLogger("smsotp.login")

#: No gateway has the message, and none will get it.
UNDELIVERED = (Outcome.REFUSED, Outcome.NOT_SENT)


class Aftermath:
    """
    Does what follows when a message ends, or when its cost changes.

    Args:
        store: Told when a code was not sent.
        waiting: Told how each message ended.
        budgets: Told what it cost in the end.
    """

    def __init__(self, store: ChallengeStore, waiting: Waiting, budgets: Budgets) -> None:
        self._store = store
        self._waiting = waiting
        self._budgets = budgets

    def note_end(self, message: Message, outcome: Outcome) -> None:
        """Note how a message ended; see `EndListener`."""
        # The store ignores this if another SMS was asked for in the meantime: that one may arrive.
        if message.state and outcome in UNDELIVERED:
            self._budgets.pumping.note_unsent(message.state)
            try:
                self._store.mark_undelivered(message.state, message.resends, outcome)
            except StoreError as exc:
                log.error("challenge %s cannot be marked undelivered: %s", message.reference, exc)  # noqa: TRY400  (one line says it)
        self._waiting.settle(message.state, outcome)

    def adjust(self, message: Message, copies: int) -> None:
        """Correct the cost of a message by some SMS, fewer than 0 where too many were counted; see `CostListener`."""
        self._budgets.adjust(message.budgets, message.price, copies)
