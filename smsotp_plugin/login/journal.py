"""What the flow writes down: lines of the log and of the delivery log, in the same words."""

import logging

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import Fingerprints, reference_of
from smsotp_plugin.errors import OverBudget
from smsotp_plugin.log import quote
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.sms.phone import PhoneNumber
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.delivery_log import DeliveryEvent, DeliveryRecorder, EventKind

log = logging.getLogger("smsotp.login")


class Journal:
    """
    Notes the steps of log-ins.

    Args:
        names: Knows numbers by their hash.
        delivery_log: Where ``smsotp trace`` looks.
        clock: Time.
    """

    def __init__(self, names: Fingerprints, delivery_log: DeliveryRecorder, clock: Clock) -> None:
        self._names = names
        self._delivery_log = delivery_log
        self._clock = clock

    def note_step(self, request: LoginRequest, text: str, *values: object) -> None:
        """
        Note a step at debug level; costs nothing while that is not asked for.

        Args:
            request: Whose log-in.
            text: A constant, with ``%s`` for values.
            values: Texts are quoted here. No code, no password, no whole number.
        """
        if log.isEnabledFor(logging.DEBUG):
            shown = tuple(quote(value) if isinstance(value, str) else value for value in values)
            log.debug(f"user %s: {text}", self._name_user(request), *shown)  # noqa: G004  (the text is a constant of the caller)

    def note_opened(self, request: LoginRequest, challenge: Challenge) -> None:
        """Note a new challenge, at debug level."""
        if log.isEnabledFor(logging.DEBUG):
            seconds = challenge.expires - challenge.created
            reference = reference_of(challenge.state)
            log.debug("user %s: challenge %s is open for %g s", self._name_user(request), reference, seconds)

    def note_rejected(self, request: LoginRequest, number: PhoneNumber | None, why: Exception) -> None:
        """Note that somebody whose first factor was right is refused before any SMS; `number` where it is known."""
        detail = f"is refused: {why}" if number is not None else f"no SMS can be sent: {why}"
        log.log(
            logging.WARNING if number is None else logging.ERROR,
            "user %s%s%s",
            self._name_user(request),
            ": " if number is None else " ",
            detail,
        )
        self._record_rejection(request, number, detail)

    def waits(self, request: LoginRequest, number: PhoneNumber, why: str) -> None:
        """Note for ``smsotp trace`` that somebody gets no challenge now; the log has it since the wait began."""
        self._record_rejection(request, number, f"is refused: {why}")

    def note_over_budget(self, request: LoginRequest, number: PhoneNumber, why: OverBudget) -> None:
        """Note that a budget is spent, once for all whom it keeps out."""
        log.warning(
            "user %s, client %s, station %s is refused: %s; further refusals are counted, not logged",
            *(self._name_user(request), quote(request.client), quote(request.station), why),
        )
        self._record_rejection(request, number, f"is refused: {why}")

    def note_answer(
        self, request: LoginRequest, state: str, judgement: str, level: int = logging.INFO
    ) -> None:
        """Note how an answer to a challenge was judged, in the words that the person was told."""
        reference = reference_of(state)
        log.log(level, "user %s answers challenge %s: %s", self._name_user(request), reference, judgement)
        self._delivery_log.record(
            DeliveryEvent(reference, self._clock.time(), EventKind.ANSWERED, detail=judgement)
        )

    def _record_rejection(self, request: LoginRequest, number: PhoneNumber | None, detail: str) -> None:
        self._delivery_log.record(
            DeliveryEvent(
                reference=reference_of(self._names.make_state(request.site)),
                at=self._clock.time(),
                kind=EventKind.REJECTED,
                detail=detail,
                user=self._names.mask_user(request.user),
                number=number.masked if number else "",
                number_hash=self._names.number_hash(number) if number else "",
            )
        )

    def _name_user(self, request: LoginRequest) -> str:
        return quote(self._names.mask_user(request.user))
