"""What the dispatcher writes down: lines of the log and of the delivery log, in the same words."""

import logging

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import DeliveryError, Outcome
from smsotp_plugin.log import quote
from smsotp_plugin.sms.message import Message
from smsotp_plugin.stores.delivery_log import DeliveryEvent, DeliveryRecorder, EventKind, describe

log = logging.getLogger("smsotp.dispatch")


class DeliveryJournal:
    """
    Notes what becomes of messages.

    Args:
        delivery_log: Where ``smsotp trace`` looks.
        clock: Time.
    """

    def __init__(self, delivery_log: DeliveryRecorder, clock: Clock) -> None:
        self._delivery_log = delivery_log
        self._clock = clock

    def note_receipt(self, message: Message, gateway: str, gateway_id: str) -> None:
        """Note that a gateway took a message."""
        event = self._make_event(
            message, EventKind.ATTEMPT, Outcome.ACCEPTED, gateway=gateway, gateway_id=gateway_id
        )
        self._note(message, logging.INFO, event)

    def note_failure(self, message: Message, gateway: str, error: DeliveryError) -> None:
        """Note that a gateway had its turn and gave no receipt."""
        event = self._make_event(message, EventKind.ATTEMPT, f"{error.outcome}: {error}", gateway=gateway)
        self._note(message, logging.WARNING, event)

    def note_end(self, message: Message, outcome: Outcome, route: str) -> None:
        """Note that nothing more is tried; nothing is written if a gateway took the message, because its receipt was noted."""
        if outcome is Outcome.NOT_NEEDED:
            self._note(message, logging.INFO, self._make_event(message, EventKind.ENDED, outcome))
        elif outcome is not Outcome.ACCEPTED:
            detail = f"{outcome}, route {route}"
            self._note(message, logging.ERROR, self._make_event(message, EventKind.ENDED, detail))

    def _note(self, message: Message, level: int, event: DeliveryEvent) -> None:
        log.log(level, "%s: %s", describe_message(message), describe(event))
        self._delivery_log.record(event)

    def _make_event(self, message: Message, kind: EventKind, detail: str, **gateway: str) -> DeliveryEvent:
        return DeliveryEvent(message.reference, self._clock.time(), kind, detail=detail, **gateway)


def describe_message(message: Message) -> str:
    """Name a message in a line of the log."""
    return f"message {message.reference} for user {quote(message.user)} at {message.number.masked}"
