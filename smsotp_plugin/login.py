"""The flow: what becomes of a first leg and of an answer leg. Decisions only; no RADIUS, no SQL, no sockets."""

import logging
from dataclasses import dataclass

from pydantic import SecretStr

from smsotp_plugin.clock import Clock
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.errors import (
    ChallengeError,
    NumberError,
    QueueFull,
    StoreError,
    TooManyAttempts,
    UnknownChallenge,
    WrongCode,
)
from smsotp_plugin.log import quoted
from smsotp_plugin.message import Message
from smsotp_plugin.onetime import CodeMaker
from smsotp_plugin.phone import PhoneNumber, parse_number
from smsotp_plugin.radius_attributes import LoginRequest
from smsotp_plugin.setting_sections import OnWrongCode
from smsotp_plugin.settings import Settings
from smsotp_plugin.stores.base import Challenge, ChallengeStore

log = logging.getLogger("smsotp.login")

#: What a provider without a template of its own sends where ``[otp] text`` is not set.
DEFAULT_SENTENCE = "{otp} is your code to log in."


@dataclass(frozen=True, slots=True)
class Ask:
    """
    Access-Challenge.

    Attributes:
        state: State, printable ASCII.
        prompt: Reply-Message, at most 253 bytes of UTF-8.
        seconds: Session-Timeout: how long the code is good, at least 1.
    """

    state: str
    prompt: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Accept:
    """Access-Accept."""


@dataclass(frozen=True, slots=True)
class Reject:
    """
    Access-Reject.

    Attributes:
        text: Reply-Message for the user, at most 253 bytes of UTF-8; empty for none.
    """

    text: str


@dataclass(frozen=True, slots=True)
class NotOurs:
    """The State is not one of ours: the request is a first leg, if it is anything."""


class Login:
    """
    The flow of all log-ins.

    Args:
        settings: The whole configuration.
        codes: Makes codes.
        store: Keeps challenges.
        dispatcher: Takes messages.
        clock: Time.
    """

    def __init__(
        self,
        settings: Settings,
        codes: CodeMaker,
        store: ChallengeStore,
        dispatcher: Dispatcher,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._codes = codes
        self._store = store
        self._dispatcher = dispatcher
        self._clock = clock
        self._ends_at_once = settings.challenge.on_wrong_code is OnWrongCode.REJECT

    def first_leg(self, request: LoginRequest) -> Ask | Reject:
        """
        Begin a log-in whose first factor was right: open a challenge and have the code sent.

        The same first leg seen again gets the same challenge, and no second SMS.
        """
        try:
            number = self._number(request)
        except NumberError as exc:
            log.warning("user %s: no SMS can be sent: %s", quoted(request.user), exc)
            return Reject(self._settings.challenge.no_number_text)
        new, code = self._new_challenge(request, number)
        message = self._message(request, number, code, new)
        try:
            self._dispatcher.check_room()
            challenge = self._store.open_challenge(new, then=lambda: self._dispatcher.submit(message))
        except (QueueFull, StoreError) as exc:
            return self._unavailable(request, exc)
        if challenge.state != new.state:
            log.info("user %s: the same log-in again, no second SMS", quoted(request.user))
        return self._ask(challenge, self._settings.challenge.prompt)

    def answer_leg(self, request: LoginRequest) -> Ask | Accept | Reject | NotOurs:
        """Judge the answer to a challenge; a right one is accepted once, ever."""
        if request.password is None:
            log.info("user %s: an answer without User-Password cannot be checked", quoted(request.user))
            return Reject("")
        if not request.state:
            return NotOurs()
        seal = self._codes.seal(request.state, request.password.get_secret_value())
        try:
            challenge = self._store.answer(request.state, request.user, seal, self._clock.time())
        except UnknownChallenge:
            return NotOurs()
        except StoreError as exc:
            return self._unavailable(request, exc)
        except ChallengeError as exc:
            log.info("user %s: %s", quoted(request.user), exc)
            return self._not_accepted(request, request.state, exc)
        log.info(
            "user %s: challenge %s answered rightly",
            quoted(request.user),
            self._codes.reference(challenge.state),
        )
        return Accept()

    def _not_accepted(self, request: LoginRequest, state: str, why: ChallengeError) -> Ask | Reject:
        texts = self._settings.challenge
        match why:
            case WrongCode() | TooManyAttempts() if self._ends_at_once:
                return Reject(texts.wrong_code_text)
            case WrongCode():
                return self._ask_again(request, state)
            case TooManyAttempts():
                return Reject(texts.too_many_attempts_text)
            case _:
                return Reject(texts.expired_text)

    def _number(self, request: LoginRequest) -> PhoneNumber:
        """Return the first usable number of those that the configured places hold."""
        if not request.numbers:
            places = ", ".join(self._settings.users.number)
            raise NumberError(f"the user has no telephone number (looked in {places})")
        problems = []
        for text in request.numbers:
            try:
                return parse_number(text, self._settings.users.default_region)
            except NumberError as exc:
                problems.append(str(exc))
        raise NumberError(f"the user's telephone number cannot be used: {'; '.join(problems)}")

    def _new_challenge(self, request: LoginRequest, number: PhoneNumber) -> tuple[Challenge, str]:
        now = self._clock.time()
        state, seed = self._codes.new_state(), self._codes.new_seed()
        code = self._codes.code(seed)
        challenge = Challenge(
            state=state,
            user=request.user,
            login=self._codes.fingerprint(request.user, request.client, request.station, number.e164),
            seed=seed,
            seal=self._codes.seal(state, code),
            number=number.masked,
            created=now,
            expires=now + self._settings.otp.ttl,
            tries_left=1 if self._ends_at_once else self._settings.otp.max_attempts,
        )
        return challenge, code

    def _message(
        self, request: LoginRequest, number: PhoneNumber, code: str, challenge: Challenge
    ) -> Message:
        text = self._settings.otp.text
        return Message(
            reference=self._codes.reference(challenge.state),
            user=request.user,
            number=number,
            otp=SecretStr((text or "{otp}").replace("{otp}", code)),
            sentence=SecretStr((text or DEFAULT_SENTENCE).replace("{otp}", code)),
            expires=challenge.expires,
        )

    def _ask(self, challenge: Challenge, prompt: str) -> Ask:
        return Ask(
            state=challenge.state,
            prompt=prompt.replace("{number}", challenge.number),
            seconds=max(1, round(challenge.expires - self._clock.time())),
        )

    def _ask_again(self, request: LoginRequest, state: str) -> Ask | Reject:
        try:
            challenge = self._store.find(state, request.user)
        except (StoreError, UnknownChallenge) as exc:
            return self._unavailable(request, exc)
        return self._ask(challenge, self._settings.challenge.wrong_code_prompt)

    def _unavailable(self, request: LoginRequest, why: Exception) -> Reject:
        log.error("user %s is refused: %s", quoted(request.user), why)
        return Reject(self._settings.challenge.unavailable_text)
