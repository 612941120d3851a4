"""The flow: what becomes of a first leg and of an answer leg. Decisions only; no RADIUS, no SQL, no sockets."""

import re
from dataclasses import replace

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import Fingerprints
from smsotp_plugin.codes.keyed import HEX_DIGITS
from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.errors import (
    AlreadyUsed,
    CannotSend,
    ChallengeError,
    NumberError,
    OverBudget,
    StoreError,
    TooManyAttempts,
    TooManyGuesses,
    UnknownChallenge,
    WrongCode,
)
from smsotp_plugin.grammar import agree
from smsotp_plugin.login.budgets import Budgets
from smsotp_plugin.login.composing import CodeParcel, Composer
from smsotp_plugin.login.decisions import Accept, Ask, NotOurs, Prompter, Reject, explain_undelivered
from smsotp_plugin.login.ending import UNDELIVERED
from smsotp_plugin.login.guard import Guard
from smsotp_plugin.login.journal import Journal
from smsotp_plugin.login.promising import Promise, Promiser
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.login.resend import Resender
from smsotp_plugin.login.sending import CodeSender
from smsotp_plugin.login.waiting import Waiting
from smsotp_plugin.settings import Settings
from smsotp_plugin.settings.sections.challenge import OnWrongCode
from smsotp_plugin.sms.phone import PhoneNumber
from smsotp_plugin.stores.base import Challenge, ChallengeStore
from smsotp_plugin.stores.delivery_log import DeliveryRecorder

_LIKE_OURS = re.compile(rf"[0-9A-Fa-f]{{{HEX_DIGITS}}}")


class Login:
    """
    The flow of all log-ins.

    Args:
        settings: The whole configuration.
        codes: Makes and seals codes.
        store: Keeps challenges.
        delivery_log: Told how each challenge is answered.
        composer: Composes the messages with the codes.
        sender: Sends them.
        waiting: Lets a log-in wait for the end of its message, where the configuration allows that.
        budgets: Says which budgets are used up.
        clock: Time.
    """

    def __init__(  # noqa: PLR0913  (each is a part of its own, handed in by the assembly)
        self,
        *,
        settings: Settings,
        codes: CodeMaker,
        store: ChallengeStore,
        delivery_log: DeliveryRecorder,
        composer: Composer,
        sender: CodeSender,
        waiting: Waiting,
        budgets: Budgets,
        clock: Clock,
    ) -> None:
        self._otp = settings.otp
        self._texts = settings.challenge
        self._codes = codes
        self._names = codes.names
        self._store = store
        self._composer = composer
        self._sender = sender
        self._waiting = waiting
        self._budgets = budgets
        self._clock = clock
        self._journal = Journal(codes.names, delivery_log, clock)
        self._prompter = Prompter(clock)
        self._guard = Guard(settings, codes.names, store, self._journal, clock)
        self._promiser = Promiser(composer, self._guard)
        self._resender = Resender(
            settings=settings.challenge,
            names=codes.names,
            store=store,
            composer=composer,
            sender=sender,
            promiser=self._promiser,
            guard=self._guard,
            budgets=budgets,
            journal=self._journal,
            clock=clock,
        )
        self._ends_at_once = settings.challenge.on_wrong_code is OnWrongCode.REJECT

    def first_leg(self, request: LoginRequest) -> Ask | Reject:
        """
        Begin a log-in whose first factor was right: open a challenge and have the code sent.

        The same first leg seen again gets the same challenge, and no second SMS.
        """
        decision = self._begin(request)
        if self._texts.uniform and isinstance(decision, Reject):
            return replace(decision, text="")
        return decision

    def _begin(self, request: LoginRequest) -> Ask | Reject:
        self._journal.note_step(
            request,
            "the first factor was right; client %s, station %s, site %s, numbers: %s",
            request.client,
            request.station,
            request.site,
            len(request.numbers),
        )
        try:
            number = self._composer.find_number(request)
        except NumberError as exc:
            self._journal.note_rejected(request, None, exc)
            return Reject(self._texts.no_number_text.fill(), f"no SMS can be sent: {exc}")
        try:
            return self._challenge(request, number)
        except OverBudget as exc:
            if self._budgets.is_news(exc):
                self._journal.note_over_budget(request, number, exc)
            return Reject(self._texts.limit_text.fill(), str(exc))
        except (CannotSend, StoreError) as exc:
            self._journal.note_rejected(request, number, exc)
            return Reject(self._texts.unavailable_text.fill(), str(exc))

    def is_answer(self, request: LoginRequest) -> bool:
        """Tell whether the request answers a challenge, that is, whether its User-Password is a code and not a password."""
        if not request.state:
            return False
        maker = self._codes.maker_of(request.state, request.site)
        if maker is None:
            if _LIKE_OURS.fullmatch(request.state):
                self._journal.note_strange_state(
                    request, "was made with another key, at another site or by another server"
                )
            return False
        if self._is_surely_answer(request, request.state, maker.names):
            return True
        try:
            self._store.find(request.state, request.user)
        except UnknownChallenge:
            self._journal.note_strange_state(
                request, "is of another user's challenge, or of one that was over long ago"
            )
            return False
        except StoreError:
            # It may be one; `answer_leg` will meet the same error, and reject it.
            return True
        return True

    def answer_leg(self, request: LoginRequest) -> Ask | Accept | Reject | NotOurs:
        """Judge the answer to a challenge; a right one is accepted once, ever."""
        # Another site has another first factor, about which this State proves nothing.
        maker = self._codes.maker_of(request.state, request.site) if request.state else None
        if not request.state or maker is None:
            self._journal.note_step(request, "the State was not made for site %s", request.site)
            return NotOurs()
        if request.password is None:
            self._journal.note_without_password(request, request.state)
            return Reject("", "an answer without User-Password cannot be checked")
        typed = request.password.get_secret_value()
        if self._resender.asks_for_resend(typed):
            self._journal.note_step(request, "another SMS is asked for")
            decision: Ask | Accept | Reject | NotOurs = self._resender.resend(request, request.state)
        else:
            length = len(typed)
            self._journal.note_step(
                request, agree(length, "an answer of %s character", "an answer of %s characters"), length
            )
            decision = self._judge(request, request.state, maker.seal(request.state, typed))
        if isinstance(decision, NotOurs):
            self._journal.note_lost_challenge(request, request.state)
        return decision

    def stop_waiting(self) -> None:
        """Answer at once from now on: the server is being stopped."""
        self._waiting.stop()

    def note_refusal(self, user: str, why: str) -> None:
        """Log that the policies reject a request, and why."""
        self._journal.note_refusal(user, why)

    def _is_surely_answer(self, request: LoginRequest, state: str, names: Fingerprints) -> bool:
        """
        Tell, without asking the store, whether a request certainly answers the challenge of a State that is ours.

        If what was typed can be neither a code nor a request for another SMS, it may be the password of a first leg, sent with a
        State that the store has lost.
        """
        if request.password is None or not names.is_of(
            state, request.user, self._clock.time(), self._otp.ttl
        ):
            return False
        typed = request.password.get_secret_value()
        return self._codes.may_be_code(typed) or self._resender.asks_for_resend(typed)

    def _challenge(self, request: LoginRequest, number: PhoneNumber) -> Ask | Reject:
        logins = self._names.fingerprints(
            request.site, request.user, request.client, request.station, number.e164
        )
        new, code = self._make_challenge(request, number, logins[0])
        refusal = self._guard.refusal(request, number)
        if refusal is not None:
            return refusal
        for older in logins[1:]:
            same = self._store.find_same(older, new.created)
            if same is not None:
                return self._same(request, same)
        try:
            promise = self._promiser.promise(request, number, new.state, new.number_hash)
        except CannotSend:
            # This log-in may have been sent its code before; that stays valid although nothing can be sent now.
            same = self._store.find_same(new.login, new.created)
            if same is None:
                raise
            return self._prompter.ask(same, self._texts.prompt)
        try:
            return self._open_promised(request, new, number, code, promise)
        except OverBudget as exc:
            promise = self._promiser.promise_again(promise, exc, request, number, new.state, new.number_hash)
        return self._open_promised(request, new, number, code, promise)

    def _open_promised(
        self, request: LoginRequest, new: Challenge, number: PhoneNumber, code: str, promise: Promise
    ) -> Ask | Reject:
        self._journal.note_step(
            request,
            "number %s, route %s because %s: %s",
            number.masked,
            promise.plan.route,
            promise.plan.reason,
            ", ".join(promise.plan.gateways),
        )
        with self._waiting.turn(new.state) as waits:
            message = self._composer.compose(request, new, number, code, spending=promise.spending)
            parcel = self._composer.pack(request, new, message, promise.plan, spending=promise.spending)
            return self._open(request, new, parcel, waits=waits)

    def _open(
        self, request: LoginRequest, new: Challenge, parcel: CodeParcel, *, waits: bool
    ) -> Ask | Reject:
        challenge = self._store.open_challenge(new, parcel)
        if challenge.state != new.state:
            return self._same(request, challenge)
        self._budgets.pumping.note_sent(challenge.state, request, parcel.message.number)
        self._journal.note_opened(request, challenge)
        if waits:
            self._store.flush()
            if self._waiting.wait() in UNDELIVERED:
                return self._prompter.refuse(
                    new.state, self._texts.undelivered_text, "no gateway took the SMS with the code"
                )
        return self._prompter.ask(challenge, self._texts.prompt)

    def _same(self, request: LoginRequest, challenge: Challenge) -> Ask:
        self._journal.note_same(request, challenge.state)
        return self._prompter.ask(challenge, self._texts.prompt)

    def _make_challenge(
        self, request: LoginRequest, number: PhoneNumber, login: str
    ) -> tuple[Challenge, str]:
        """Return a challenge and its code."""
        now = self._clock.time()
        end = now + self._otp.ttl
        state, seed = self._names.make_state(request.site, request.user, end), self._codes.make_seed()
        code = self._codes.code(seed)
        challenge = Challenge(
            state=state,
            user=request.user,
            login=login,
            seed=seed,
            seal=self._codes.seal(state, code),
            number=number.masked,
            number_hash=self._names.number_hash(number),
            created=now,
            expires=end,
            tries_left=1 if self._ends_at_once else self._otp.max_attempts,
        )
        return challenge, code

    def _judge(self, request: LoginRequest, state: str, seal: str) -> Ask | Accept | Reject | NotOurs:
        try:
            self._store.answer(state, request.user, seal, self._clock.time(), self._guard.guesser(request))
        except UnknownChallenge:
            self._journal.note_step(request, "no challenge of this user has this State")
            return NotOurs()
        except StoreError as exc:
            return self._refuse_unavailable(request, exc)
        except AlreadyUsed as exc:
            self._journal.note_answer(request, state, str(exc))
            return self._prompter.refuse(state, self._texts.expired_text, str(exc))
        except TooManyGuesses as exc:
            # At debug level only: one line has said that the account is locked, and anybody can send answers.
            self._journal.note_step(request, str(exc))
            return self._prompter.refuse(state, self._guard.text(exc.wait), str(exc))
        except ChallengeError as exc:
            return self._refuse_answer(request, state, exc)
        self._sender.log_in_is_over(state)
        self._budgets.pumping.note_answered(state)
        self._journal.note_answer(request, state, "accepted")
        return Accept()

    def _refuse_answer(self, request: LoginRequest, state: str, why: ChallengeError) -> Ask | Reject:
        if isinstance(why, WrongCode | TooManyAttempts):
            self._guard.note_wrong(request, why)
        challenge = why.challenge
        if not isinstance(challenge, Challenge):
            raise TypeError(f"a store raised {type(why).__name__} without the challenge") from why
        if challenge.undelivered:
            # Whatever was typed, it cannot be a code that was never sent, and for which the person waits in vain.
            self._journal.note_answer(request, state, explain_undelivered(challenge))
            return self._prompter.refuse(state, self._texts.undelivered_text, explain_undelivered(challenge))
        if not isinstance(why, WrongCode):
            self._sender.log_in_is_over(state)
        self._journal.note_answer(request, state, str(why))
        match why:
            case WrongCode() | TooManyAttempts() if self._ends_at_once:
                return self._prompter.refuse(
                    state, self._guard.text_after(why, self._texts.wrong_code_text), str(why)
                )
            case WrongCode():
                return self._prompter.ask(challenge, self._texts.wrong_code_prompt)
            case TooManyAttempts():
                text = self._guard.text_after(why, self._texts.too_many_attempts_text)
                return self._prompter.refuse(state, text, str(why))
            case _:
                return self._prompter.refuse(state, self._texts.expired_text, str(why))

    def _refuse_unavailable(self, request: LoginRequest, why: Exception) -> Reject:
        self._journal.note_unavailable(request, why)
        return Reject(self._texts.unavailable_text.fill(), str(why))
