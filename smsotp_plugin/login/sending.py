"""Sends codes, sends them again, and stops sending them once their log-in is over."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from smsotp_plugin.clock import Clock
from smsotp_plugin.dispatch.outbox import Outbox
from smsotp_plugin.dispatch.routes import Plan
from smsotp_plugin.login.composing import CodeParcel
from smsotp_plugin.sms.message import Message
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.delivery_log import DeliveryEvent, DeliveryRecorder, EventKind
from smsotp_plugin.stores.kept import Parcel


class CodeSender:
    """
    Sends the code of a challenge.

    Args:
        delivery_log: Told what was asked for.
        outbox: Takes the message.
        clock: Time.
    """

    def __init__(self, delivery_log: DeliveryRecorder, outbox: Outbox, clock: Clock) -> None:
        self._delivery_log = delivery_log
        self._outbox = outbox
        self._clock = clock

    def send(self, kept: Sequence[Parcel]) -> None:
        """Get the codes of new challenges on their way; returns at once. See `KeptListener`."""
        # The store hands back the parcels that it was given.
        parcels = cast("Sequence[CodeParcel]", kept)
        try:
            for parcel in parcels:
                self._note(parcel.message, parcel.plan, parcel.challenge)
        finally:
            self._outbox.submit_all([(parcel.message, parcel.plan) for parcel in parcels])

    def send_again(self, parcel: CodeParcel, resends: int) -> None:
        """
        Get the code of a challenge on its way once more; returns at once.

        Args:
            parcel: What the store has kept.
            resends: How often the code had been sent before.
        """
        message, plan = replace(parcel.message, resends=resends), parcel.plan.turn(resends)
        try:
            self._note(message, plan, None)
        finally:
            self._outbox.submit(message, plan)

    def log_in_is_over(self, state: str) -> None:
        """Stop sending the code of a challenge: it has been used, or no longer can be."""
        self._outbox.withdraw(state)

    def _note(self, message: Message, plan: Plan, new: Challenge | None) -> None:
        """Note that a code goes out: for the first time, with its new challenge, or again where `new` is None."""
        self._delivery_log.record(
            DeliveryEvent(
                reference=message.reference,
                at=self._clock.time(),
                kind=EventKind.ASKED if new else EventKind.RESENT,
                detail=f"route {plan.route}: {', '.join(plan.gateways)}",
                user=message.user if new else "",
                number=new.number if new else "",
                number_hash=new.number_hash if new else "",
            )
        )
