"""
What becomes of messages whose process died: they are sent if their code is still valid; if not, the log says why.

The outcome of an attempt that was under way counts as unknown: the gateway may have the message.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from smsotp_plugin.clock import Clock
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.errors import CannotUnseal, Outcome, StoreError
from smsotp_plugin.grammar import agree
from smsotp_plugin.news import News
from smsotp_plugin.rounds import Rounds
from smsotp_plugin.sms.sealed import Letter, MessageSealer
from smsotp_plugin.stores.base import ChallengeStore
from smsotp_plugin.stores.delivery_log import DeliveryEvent, DeliveryRecorder, EventKind
from smsotp_plugin.stores.kept import LeftMessage
from smsotp_plugin.stores.queue import NO_CHALLENGE

log = logging.getLogger("smsotp.dispatch")

#: Why a message is not sent that could be.
NOT_NEEDED = "its log-in is over, its code is no longer valid, or a later message has taken its place"
#: How lines begin about a message that another process has left and this one does not send.
AFTER_RESTART = "not sent after the restart"
#: If this many processes died while they held a message, it may be the cause.
MOST_DEATHS = 3


class Takeover:
    """
    Takes over what other processes left.

    Args:
        store: Where they left it.
        sealer: Opens it.
        reference: Makes the name of a message for the log from its State.
        dispatcher: Sends it.
        delivery_log: Told what is not sent.
        clock: Time.
    """

    def __init__(  # noqa: PLR0913  (each is a part of its own, handed in by the assembly)
        self,
        *,
        store: ChallengeStore,
        sealer: MessageSealer,
        reference: Callable[[str], str],
        dispatcher: Dispatcher,
        delivery_log: DeliveryRecorder,
        clock: Clock,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._reference = reference
        self._dispatcher = dispatcher
        self._delivery_log = delivery_log
        self._clock = clock
        self._news = News(clock)
        self._rounds = Rounds("smsotp-takeover", self.take_over, clock)

    def start(self) -> None:
        """Take over what is there now, and from then on what other processes leave when they die."""
        self.take_over()
        self._rounds.start()

    def stop(self) -> None:
        """Take over nothing more; waits until what is under way has ended."""
        self._rounds.stop()

    def take_over(self) -> None:
        """Send what others left, if there is anything; what prevents that is logged."""
        try:
            left = self._store.take_over(self._clock.time())
        except StoreError as exc:
            if self._news.is_news(str(exc)):
                log.warning("messages that another server may have left are not looked for: %s", exc)
            return
        if left:
            waited = agree(
                len(left),
                "message was waiting or under way when the server ended",
                "messages were waiting or under way when the server ended",
            )
            log.warning("%d %s", len(left), waited)
        self.hand_over(left, AFTER_RESTART)

    def hand_over(self, left: Sequence[LeftMessage], told: str = "not sent") -> None:
        """
        Send messages that belong to this process now.

        Args:
            left: The messages.
            told: What is said about a message that is not sent, before the reason.
        """
        for each in left:
            letter = self._open(each, told)
            if letter is None:
                continue
            if each.deaths >= MOST_DEATHS:
                self._drop(each, f"{told}: {each.deaths} processes have died that had it", logging.ERROR)
            elif each.is_needed:
                self._dispatcher.resume(letter, each.may_have_it, each.holders)
            else:
                self._drop(each, f"{told}: {NOT_NEEDED}", logging.INFO)

    def _open(self, left: LeftMessage, told: str) -> Letter | None:
        kept = left.message
        try:
            letter = self._sealer.unseal(
                kept.sealed, state=kept.state, site=kept.site, expires=kept.expires, resends=kept.resends
            )
        except CannotUnseal as exc:
            # No SMS will come: the same log-in gets a new challenge next time.
            try:
                self._store.mark_undelivered(kept.state, kept.resends, Outcome.NOT_SENT)
            except StoreError as problem:
                log.warning(
                    "challenge %s cannot be marked undelivered: %s", self._reference(kept.state), problem
                )
            self._drop(left, f"{told}: {exc}", logging.ERROR)
            return None
        if not kept.state.startswith(NO_CHALLENGE):
            return letter
        return replace(letter, message=replace(letter.message, state="", stand_in=kept.state))

    def _drop(self, left: LeftMessage, text: str, level: int) -> None:
        kept = left.message
        reference = self._reference(kept.state)
        log.log(level, "message %s: %s", reference, text)
        self._delivery_log.record(
            DeliveryEvent(reference, self._clock.time(), EventKind.DROPPED, detail=text)
        )
        self._store.forget_message(kept.state, kept.resends)
