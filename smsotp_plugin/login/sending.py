"""From a challenge to the message that carries its code: whose number, what text, which gateways, and what became of it."""

import logging
from collections.abc import Callable

from pydantic import SecretStr

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.dispatch.delivery import Final
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.dispatch.routes import Plan, Recipient, realm_of
from smsotp_plugin.errors import NumberError, StoreError, UnknownChallenge
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.settings import Settings
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import PhoneNumber, parse_number
from smsotp_plugin.stores.base import Challenge, ChallengeStore
from smsotp_plugin.stores.delivery_log import DeliveryEvent, DeliveryLog, EventKind

log = logging.getLogger("smsotp.login")

#: Of a State; enough to spread messages over gateways evenly.
_SHARE_DIGITS = 8

#: What a provider without a template of its own sends where ``[otp] text`` is not set.
DEFAULT_SENTENCE = "{otp} is your code to log in."


class CodeSender:
    """
    Sends the code of a challenge.

    Args:
        settings: The whole configuration.
        codes: Derives the code from the challenge.
        store: Told when a code did not get out.
        delivery_log: Told what was asked for.
        dispatcher: Takes the message.
        clock: Time.
    """

    def __init__(  # noqa: PLR0913  (each is a part of its own, handed in by the assembly)
        self,
        *,
        settings: Settings,
        codes: CodeMaker,
        store: ChallengeStore,
        delivery_log: DeliveryLog,
        dispatcher: Dispatcher,
        clock: Clock,
    ) -> None:
        self._places = settings.users.number
        self._region = settings.users.default_region
        self._text = settings.otp.text
        self._texts = settings.otp.texts
        self._codes = codes
        self._names = codes.names
        self._store = store
        self._delivery_log = delivery_log
        self._dispatcher = dispatcher
        self._clock = clock

    def number_of(self, request: LoginRequest) -> PhoneNumber:
        """
        Return the first usable number of those that the configured places hold.

        Raises:
            NumberError: There is none.
        """
        if not request.numbers:
            raise NumberError(f"the user has no telephone number (looked in {', '.join(self._places)})")
        problems = []
        for text in request.numbers:
            try:
                return parse_number(text, self._region)
            except NumberError as exc:
                problems.append(str(exc))
        raise NumberError(f"the user's telephone number cannot be used: {'; '.join(problems)}")

    def plan(self, request: LoginRequest, number: PhoneNumber, state: str) -> Plan:
        """
        Choose the gateways, before the user is promised a code.

        Args:
            request: Whose log-in.
            number: Where the code goes.
            state: Of the challenge; decides where gateways share the messages.

        Raises:
            QueueFull: There is no room.
            NoRoute: No gateway is meant for this user.
            NoGatewayAlive: All of them are known to be dead.
        """
        return self._dispatcher.plan(
            Recipient(
                number=number.e164,
                realm=realm_of(request.user),
                language=request.language,
                gateway=request.gateway,
                share=int(state[:_SHARE_DIGITS], 16) / 16**_SHARE_DIGITS,
                user=self._names.shown_name(request.user),
            )
        )

    def send(
        self,
        request: LoginRequest,
        challenge: Challenge,
        number: PhoneNumber,
        plan: Plan,
        tell: Callable[[Final], None] | None = None,
    ) -> None:
        """
        Get the code of a challenge on its way; returns at once.

        Args:
            request: Whose log-in; its language chooses the text.
            challenge: Whose code.
            number: Where it goes.
            plan: Through which gateways.
            tell: Called once, from any thread, when nothing more is tried.
        """

        def ended(final: Final) -> None:
            if final in (Final.REFUSED, Final.NOT_SENT):
                self._mark_undelivered(challenge, final)
            if tell is not None:
                tell(final)

        message = self._message(challenge, number, self._text_in(request.language))
        self._note(challenge, message, plan)
        self._dispatcher.submit(message, plan, ended)

    def log_in_is_over(self, state: str) -> None:
        """Send the code of a challenge nowhere else: it was used, or can no longer be."""
        self._dispatcher.withdraw(state)

    def _text_in(self, language: str) -> str | None:
        """Return the text of the SMS in a language such as ``de-at``: that of ``de`` where it has none of its own."""
        return self._texts.get(language) or self._texts.get(language.partition("-")[0]) or self._text

    def _message(self, challenge: Challenge, number: PhoneNumber, text: str | None) -> Message:
        code = self._codes.code(challenge.seed)
        return Message(
            reference=self._names.reference(challenge.state),
            user=self._names.shown_name(challenge.user),
            number=number,
            otp=SecretStr((text or "{otp}").replace("{otp}", code)),
            sentence=SecretStr((text or DEFAULT_SENTENCE).replace("{otp}", code)),
            expires=challenge.expires,
            state=challenge.state,
            login=challenge.login,
            code=SecretStr(code),
        )

    def _note(self, challenge: Challenge, message: Message, plan: Plan) -> None:
        resent = challenge.resends > 0
        self._delivery_log.record(
            DeliveryEvent(
                reference=message.reference,
                at=self._clock.time(),
                kind=EventKind.RESENT if resent else EventKind.ASKED,
                detail=f"route {plan.route}: {', '.join(plan.gateways)}",
                user="" if resent else message.user,
                number="" if resent else challenge.number,
                number_hash="" if resent else challenge.number_hash,
            )
        )

    def _mark_undelivered(self, challenge: Challenge, final: Final) -> None:
        """Tell the store, unless a further SMS was asked for meanwhile and may arrive."""
        try:
            if self._store.find(challenge.state, challenge.user).resends == challenge.resends:
                self._store.mark_undelivered(challenge.state, final)
        except UnknownChallenge:
            return
        except StoreError as exc:
            reference = self._names.reference(challenge.state)
            log.error("challenge %s cannot be marked undelivered: %s", reference, exc)  # noqa: TRY400  (one line says it)
