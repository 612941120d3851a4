"""The user asks for the code again: the same code, through the next gateway, limited in number and pace."""

import logging

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import Fingerprints
from smsotp_plugin.errors import (
    CannotSend,
    Expired,
    OverBudget,
    ResendRefused,
    StoreError,
    UnknownChallenge,
)
from smsotp_plugin.fields.template import Template
from smsotp_plugin.login.budgets import Budgets
from smsotp_plugin.login.composing import Composer
from smsotp_plugin.login.decisions import Ask, NotOurs, Prompter, Reject, explain_undelivered
from smsotp_plugin.login.guard import Guard
from smsotp_plugin.login.journal import Journal
from smsotp_plugin.login.promising import Promise, Promiser
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.login.sending import CodeSender
from smsotp_plugin.settings.sections.challenge import ChallengeSettings
from smsotp_plugin.sms.phone import PhoneNumber
from smsotp_plugin.sms.typed import fold_word
from smsotp_plugin.stores.base import Challenge, ChallengeStore, ResendRules


class Resender:
    """
    Sends codes again.

    Args:
        settings: The section ``[challenge]``.
        names: Knows numbers by their hash.
        store: Counts.
        composer: Composes the message.
        sender: Sends it.
        promiser: Settles what the message goes through, and what it costs.
        guard: Says whose account is locked.
        budgets: Tells what is over budget.
        journal: Told what becomes of each request.
        clock: Time.
    """

    def __init__(  # noqa: PLR0913  (each is a part of its own, handed in by the flow)
        self,
        *,
        settings: ChallengeSettings,
        names: Fingerprints,
        store: ChallengeStore,
        composer: Composer,
        sender: CodeSender,
        promiser: Promiser,
        guard: Guard,
        budgets: Budgets,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._texts = settings
        self._rules = ResendRules(limit=settings.max_resends, pace=settings.resend_after)
        self._word = _read_word(settings.resend_word)
        self._names = names
        self._store = store
        self._composer = composer
        self._sender = sender
        self._promiser = promiser
        self._guard = guard
        self._budgets = budgets
        self._journal = journal
        self._clock = clock
        self._prompter = Prompter(clock)

    def asks_for_resend(self, typed: str) -> bool:
        """Tell whether an answer is not a code but asks for another SMS: ``resend_word``, or nothing at all."""
        word = _read_word(typed)
        return not word or word == self._word

    def resend(self, request: LoginRequest, state: str) -> Ask | Reject | NotOurs:
        """Send the code of a challenge again; uses up no try."""
        try:
            challenge = self._store.find(state, request.user)
            if challenge.undelivered:
                self._journal.note_answer(request, state, explain_undelivered(challenge))
                return self._prompter.refuse(
                    state, self._texts.undelivered_text, explain_undelivered(challenge)
                )
            locked = self._guard.find_lock(request, challenge.number_hash)
            if locked is not None:
                return self._prompter.refuse(state, self._guard.text(locked.wait), str(locked))
            return self._resend(request, challenge)
        except UnknownChallenge:
            return NotOurs()
        except Expired as exc:
            self._journal.note_no_resend(request, state, exc)
            return self._prompter.refuse(state, self._texts.expired_text, str(exc))
        except (CannotSend, StoreError) as exc:
            self._journal.note_no_resend(request, state, exc, logging.ERROR)
            return Reject(self._texts.unavailable_text.fill(), f"no further SMS: {exc}")

    def _resend(self, request: LoginRequest, challenge: Challenge) -> Ask:
        try:
            return self._send(request, challenge)
        except ResendRefused as exc:
            self._journal.note_no_resend(request, challenge.state, exc)
            return self._prompter.ask(challenge, self._explain_refusal(exc))
        except OverBudget as exc:
            if self._budgets.is_news(exc):
                self._journal.note_no_resend(request, challenge.state, exc, logging.WARNING)
            # The code that they have stays valid.
            return self._prompter.ask(challenge, self._texts.no_resend_prompt)

    def _send(self, request: LoginRequest, challenge: Challenge) -> Ask:
        number = self._composer.find_number(request)
        if challenge.number_hash not in self._names.number_hashes(number):
            raise Expired("the telephone number has changed since the challenge")
        promise = self._promiser.promise(request, number, challenge.state, challenge.number_hash)
        try:
            return self._send_promised(request, challenge, number, promise)
        except OverBudget as exc:
            promise = self._promiser.promise_again(
                promise, exc, request, number, challenge.state, challenge.number_hash
            )
        return self._send_promised(request, challenge, number, promise)

    def _send_promised(
        self, request: LoginRequest, challenge: Challenge, number: PhoneNumber, promise: Promise
    ) -> Ask:
        code = self._composer.code_of(request, challenge)
        message = self._composer.compose(request, challenge, number, code, spending=promise.spending)
        parcel = self._composer.pack(request, challenge, message, promise.plan, spending=promise.spending)
        challenge = self._store.resend(challenge.state, request.user, self._clock.time(), self._rules, parcel)
        self._sender.send_again(parcel, challenge.resends)
        self._budgets.pumping.note_sent(challenge.state, request, number)
        return self._prompter.ask(challenge, self._texts.prompt)

    def _explain_refusal(self, refused: ResendRefused) -> Template:
        if refused.wait is None:
            return self._texts.no_resend_prompt
        return self._texts.resend_later_prompt.bind(seconds=f"{refused.wait:.0f}")


def _read_word(typed: str) -> str:
    return fold_word(typed).casefold()
