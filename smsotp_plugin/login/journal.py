"""What the flow writes down: lines of the log and of the delivery log, in the same words."""

import logging

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import Fingerprints, reference_of
from smsotp_plugin.errors import OverBudget
from smsotp_plugin.log import make_printable, quote
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.news import News, Ration
from smsotp_plugin.sms.phone import PhoneNumber
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.delivery_log import DeliveryEvent, DeliveryRecorder, EventKind

log = logging.getLogger("smsotp.login")

#: How many different reasons of the policies are told apart: more than there are.
_MOST_REASONS = 100


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
        self._news = News(clock)
        self._refusals: dict[str, Ration] = {}
        self._strange = Ration(clock)

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
        """
        Note that somebody whose first factor was right is refused before any SMS, once a minute for each account and kind.

        Args:
            request: Whose log-in.
            number: Where it is known.
            why: What prevents it.
        """
        if not self._news.is_news(self._names.accounts(request.user)[0], type(why).__name__):
            return
        detail = f"is refused: {why}" if number is not None else f"no SMS can be sent: {why}"
        log.log(
            logging.WARNING if number is None else logging.ERROR,
            "user %s%s%s",
            self._name_user(request),
            ": " if number is None else " ",
            detail,
        )
        self._record_rejection(request, number, detail)

    def note_wait(self, request: LoginRequest, number: PhoneNumber, why: str) -> None:
        """Note for ``smsotp trace`` that somebody gets no challenge now; the log has it since the wait began."""
        self._record_rejection(request, number, f"is refused: {why}")

    def note_over_budget(self, request: LoginRequest, number: PhoneNumber, why: OverBudget) -> None:
        """Note that a budget is spent, once for all whom it keeps out."""
        log.warning(
            "user %s, client %s, station %s is refused: %s; further refusals are counted, not logged",
            *(self._name_user(request), quote(request.client), quote(request.station), why),
        )
        self._record_rejection(request, number, f"is refused: {why}")

    def note_answer(self, request: LoginRequest, state: str, judgement: str) -> None:
        """
        Note how an answer to a challenge was judged, in the words that the person was told; once a minute, if it is the same.

        Args:
            request: The answer.
            state: Of the challenge.
            judgement: In words.
        """
        if self._news.is_news(state, judgement):
            self._note_answer(request, state, judgement, logging.INFO)

    def note_no_resend(
        self, request: LoginRequest, state: str, why: Exception, level: int = logging.INFO
    ) -> None:
        """Note that somebody is sent no further SMS, once a minute for each challenge and kind of reason."""
        if self._news.is_news(state, type(why).__name__):
            self._note_answer(request, state, f"gets no further SMS: {why}", level)

    def note_same(self, request: LoginRequest, state: str) -> None:
        """Note that a first leg came again while its challenge is open, once a minute for each challenge."""
        if self._news.is_news(state):
            log.info("user %s: the same log-in again, no second SMS", self._name_user(request))

    def note_strange_state(self, request: LoginRequest, why: str) -> None:
        """Note a State that looks like ours and is not, in a limited number of lines a minute: anybody can make one up."""
        more = self._strange.take()
        if more is not None:
            log.info(
                "user %s at site %s: the State of the request %s; it is taken for a first request%s",
                *(self._name_user(request), quote(request.site), why, more),
            )

    def note_lost_challenge(self, request: LoginRequest, state: str) -> None:
        """Note an answer to a challenge that the store should hold and does not, once a minute for each challenge."""
        if self._news.is_news(state, "lost"):
            log.info(
                "user %s at site %s: the State of the request is of a challenge that the store does not hold; the answer is rejected",
                *(self._name_user(request), quote(request.site)),
            )

    def note_without_password(self, request: LoginRequest, state: str) -> None:
        """Note an answer that has none, once a minute for each challenge."""
        if self._news.is_news(state, "without"):
            log.info("user %s: an answer without User-Password cannot be checked", self._name_user(request))

    def note_unavailable(self, request: LoginRequest, why: Exception) -> None:
        """Note that an answer cannot be judged, once a minute for each account and kind of reason."""
        if self._news.is_news(self._names.accounts(request.user)[0], type(why).__name__):
            log.error("user %s is refused: %s", self._name_user(request), why)

    def note_refusal(self, user: str, why: str) -> None:
        """Note that the policies reject a request, in a limited number of lines a minute for each reason."""
        if why not in self._refusals and len(self._refusals) < _MOST_REASONS:
            self._refusals[why] = Ration(self._clock)
        more = self._refusals.get(why, self._strange).take()
        if more is not None:
            user = quote(self._names.mask_user(user))
            log.warning("user %s is refused by %s", user, make_printable(why) + more)

    def _note_answer(self, request: LoginRequest, state: str, judgement: str, level: int) -> None:
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
