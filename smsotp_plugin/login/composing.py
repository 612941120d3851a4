"""Composes the message that carries the code of a challenge: to which number, in what words, how, and at what cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import SecretStr

from smsotp_plugin.codes.fingerprints import reference_of
from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.dispatch.outbox import Outbox
from smsotp_plugin.dispatch.routes import Plan, Recipient, find_realm
from smsotp_plugin.errors import CannotSend, NumberError, UnknownChallenge
from smsotp_plugin.fields.template import Template
from smsotp_plugin.login.budgets import Budgets
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.settings import Settings
from smsotp_plugin.settings.sections.otp import SMS_TAGS
from smsotp_plugin.sms.language import find_language
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import PhoneNumber, parse_number
from smsotp_plugin.sms.sealed import Letter, MessageSealer
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.budgets import Spending
from smsotp_plugin.stores.guesses import is_station_place
from smsotp_plugin.stores.kept import KeptMessage

Text = TypeVar("Text", str, Template)

#: How many digits of a State decide which gateway comes first: enough to share messages out evenly.
_SHARE_DIGITS = 8

#: What a provider without a template of its own sends where ``[otp] text`` is not set.
DEFAULT_SENTENCE = SMS_TAGS.read("{otp} is your code to log in.")


@dataclass(frozen=True, slots=True)
class CodeParcel:
    """
    A message with a code, ready for the store to keep; see `Parcel`.

    Attributes:
        challenge: The challenge that the code belongs to.
        message: Carries the code; as if it were the first message of the challenge.
        plan: Through which gateways it goes; likewise as for the first message.
        site: The virtual server of the log-in.
        sealer: Seals the message.
        spending: What the message costs.
    """

    challenge: Challenge
    message: Message
    plan: Plan
    site: str
    sealer: MessageSealer
    spending: Spending

    @property
    def resends(self) -> int:
        """See `Parcel.resends`."""
        return self.challenge.resends

    @property
    def holders(self) -> tuple[str, ...]:
        """See `Parcel.holders`."""
        return self.plan.holders

    def seal(self) -> KeptMessage:
        """See `Parcel.seal`."""
        message = self.message
        letter = Letter(message, self.plan.route, self.plan.gateways)
        return KeptMessage(message.state, self.site, message.expires, self.sealer.seal(letter, self.site))


class Composer:
    """
    Composes messages with codes.

    Args:
        settings: The whole configuration.
        codes: Derives the code from the challenge.
        budgets: Knows what an SMS costs, and which numbers get one.
        sealer: Seals messages for the store.
        outbox: Chooses the gateways.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        codes: CodeMaker,
        budgets: Budgets,
        sealer: MessageSealer,
        outbox: Outbox,
    ) -> None:
        self._places = settings.users.number
        self._region = settings.users.default_region
        self._text = settings.otp.text
        self._texts = settings.otp.texts
        any_code = "0" * settings.otp.length
        #: Texts as long as those that will be sent, whose segments can be counted before there is a code.
        self._samples = {language: text.fill(otp=any_code) for language, text in self._texts.items()}
        self._sample = (self._text or DEFAULT_SENTENCE).fill(otp=any_code)
        self._codes = codes
        self._names = codes.names
        self._budgets = budgets
        self._sealer = sealer
        self._outbox = outbox

    def find_number(self, request: LoginRequest) -> PhoneNumber:
        """
        Return the first usable telephone number of those that were found in the configured places.

        Raises:
            NumberError: There is none; the text says what is wrong with each.
        """
        if not request.numbers:
            raise NumberError(f"the user has no telephone number (looked in {', '.join(self._places)})")
        problems = []
        for text in request.numbers:
            try:
                number = parse_number(text, self._region)
                self._budgets.check_number(number)
            except NumberError as exc:
                problems.append(str(exc))
            else:
                return number
        raise NumberError(f"the user's telephone number cannot be used: {'; '.join(problems)}")

    def calculate(self, request: LoginRequest, number: PhoneNumber, place: str = "") -> Spending:
        """
        Return what an SMS with a code costs.

        Args:
            request: Whose log-in.
            number: Where the code goes.
            place: The known place whose own budget pays, or that of all known clients that send no station; empty if the budgets of
                the account and the number do.
        """
        sample = _choose_text(self._samples, request.language) or self._sample
        # Those who have stolen a password may come through the same client: more clients must not mean more SMS.
        kept_for = place if is_station_place(place) else "client"
        purpose = f"known {kept_for}" if place else ""
        return self._budgets.calculate(request, number, sample, purpose)

    def plan(
        self,
        request: LoginRequest,
        number: PhoneNumber,
        state: str,
        spending: Spending,
        *,
        at_known_place: bool = False,
    ) -> Plan:
        """
        Choose the gateways, before the user is promised a code.

        Args:
            request: Whose log-in.
            number: Where the code goes.
            state: Of the challenge; decides which gateway comes first where several share the messages.
            spending: What the message costs.
            at_known_place: Whether right codes for the account have come from the same place: then no brake applies.

        Raises:
            OverBudget: The budgets do not allow it, as far as this process knows, or such codes are hardly ever answered.
            QueueFull: There is no room.
            NoRoute: No gateway is meant for this user.
            NoGatewayAlive: All gateways of the route are known to be dead.
        """
        self._budgets.check(request, number, spending, at_known_place=at_known_place)
        return self._outbox.plan(
            Recipient(
                number=number.e164,
                realm=find_realm(request.user),
                language=request.language,
                gateway=request.gateway,
                share=int(state[:_SHARE_DIGITS], 16) / 16**_SHARE_DIGITS,
                user=self._names.mask_user(request.user),
                station=request.station,
                client=request.client,
            )
        )

    def code_of(self, request: LoginRequest, challenge: Challenge) -> str:
        """
        Derive the code of a challenge that was opened earlier, with the present key or the older one.

        Raises:
            CannotSend: The present settings give another code.
            UnknownChallenge: It was made for another site.
        """
        maker = self._codes.maker_of(challenge.state, request.site)
        if maker is None:
            raise UnknownChallenge("the challenge was made for another site")
        code = maker.code(challenge.seed)
        if maker.seal(challenge.state, code) != challenge.seal:
            raise CannotSend(
                "the code was made with another [otp] length or alphabet, by another server or before a restart: give all servers "
                "the same"
            )
        return code

    def compose(
        self,
        request: LoginRequest,
        challenge: Challenge,
        number: PhoneNumber,
        code: str,
        *,
        spending: Spending,
    ) -> Message:
        """
        Return the message with the code of a challenge.

        Args:
            request: Whose log-in; its language chooses the text.
            challenge: What the code is for.
            number: Where it goes.
            code: The code.
            spending: What the message costs.
        """
        text = _choose_text(self._texts, request.language) or self._text
        secret, sentence = SecretStr(code), SecretStr((text or DEFAULT_SENTENCE).fill(otp=code))
        return Message(
            reference=reference_of(challenge.state),
            user=self._names.mask_user(challenge.user),
            number=number,
            otp=sentence if text else secret,
            sentence=sentence,
            expires=challenge.expires,
            state=challenge.state,
            login=challenge.login,
            code=secret,
            budgets=spending.keys,
            price=spending.money,
        )

    def pack(
        self,
        request: LoginRequest,
        challenge: Challenge,
        message: Message,
        plan: Plan,
        *,
        spending: Spending,
    ) -> CodeParcel:
        """
        Return a message for the store to keep.

        Args:
            request: Whose log-in.
            challenge: Whose code.
            message: What `compose` made.
            plan: What `plan` chose, as for the first message of the challenge.
            spending: What the message costs.
        """
        return CodeParcel(challenge, message, plan, request.site, self._sealer, spending)


def _choose_text(texts: Mapping[str, Text], language: str) -> Text | None:
    found = find_language(language, texts)
    return texts[found[0]] if found else None
