"""
What every provider is built on. The base drives; a provider fills the holes.

A provider is one module or one folder of this package whose name is the provider's name in the configuration, with one
subclass of `Provider` in it. It says what its settings are (`Settings`), how a message is put on the wire (`compose`), how that is
carried (`exchange`, over what stands in `smsotp_plugin.wire`) and how the answer is judged (`judge`). Deadline, masking,
the translation of errors and the gateway's debug log stand here, once: whatever a provider returns or raises, no code,
password or whole number leaves `submit`.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random, SystemRandom
from typing import Annotated, Any, ClassVar, Generic, TypeVar, final

from pydantic import BaseModel, Field, SecretStr

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.errors import BadMessage, DeliveryError, NotSent, Unknown
from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.fields.number import RewritingSetting
from smsotp_plugin.fields.web import WebAddress, find_password
from smsotp_plugin.log import GATEWAYS, make_printable
from smsotp_plugin.providers.judging import clean_id
from smsotp_plugin.providers.masking import Secrets, mask_marked, remove
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import NumberFormat, PhoneNumber, write_number

#: Characters of what a gateway said, in a log line and in the trace.
_MOST_QUOTED = 200
#: How many ids are remembered for their delivery receipts, so that they need not be searched for secrets again.
_MOST_NAMES = 4096


class LogLevel(StrEnum):
    """How much a gateway tells the log."""

    INFO = "info"
    DEBUG = "debug"


class GatewaySettings(SettingsModel):
    """
    What every gateway has, whatever its provider.

    Attributes:
        provider: Name of the provider class, for example ``http``.
        REGEXP: Rewrites the number before it is sent: ``/pattern/replacement/``. A pattern that could take long is refused.
        NUMBER_FORMAT: How the gateway wants the number: ``plus`` (+49...), ``digits`` (49...), ``zeros`` (0049...). Not
            set: the format that is right for the provider.
        TIMEOUT: Seconds that one attempt may take in all, from 0.1 to 120.
        CONNECTIONS: How many messages may be on their way to the gateway at the same time, 1 to 64.
        LOG_LEVEL: ``debug`` writes each submitted SMS and each answer to the log, with number and code in clear.
    """

    provider: str
    REGEXP: RewritingSetting = None
    NUMBER_FORMAT: NumberFormat | None = None
    TIMEOUT: Annotated[float, Field(ge=0.1, le=120)] = 3.0
    CONNECTIONS: Annotated[int, Field(ge=1, le=64)] = 8
    LOG_LEVEL: LogLevel = LogLevel.INFO

    def problems(self) -> list[str]:
        """Return what makes the gateway useless although each value is good, as sentences that begin with the key."""
        return []

    def warnings(self) -> list[str]:
        """
        Return what is allowed but probably not meant, for ``smsotp check``.

        Returns:
            Complete sentences that begin with the key, without the gateway's name; no secret is repeated.
        """
        if self.LOG_LEVEL is LogLevel.DEBUG:
            return ["LOG_LEVEL: debug writes codes and telephone numbers to the log in clear."]
        return []

    def passwords(self) -> Iterator[str]:
        """Yield every secret that opens the gateway, wherever it stands in the settings: these are never shown."""
        yield from _find_secrets(self)


def _find_secrets(value: object) -> Iterator[str]:
    match value:
        case SecretStr():
            yield find_password(value.get_secret_value())
        case WebAddress():
            yield value.password.get_secret_value()
        case BaseModel():
            for each in vars(value).values():
                yield from _find_secrets(each)
        case dict():
            for each in value.values():
                yield from _find_secrets(each)
        case list() | tuple():
            for each in value:
                yield from _find_secrets(each)


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """
    What the network says about a message after the gateway took it.

    Attributes:
        gateway: Name of the gateway that reported it.
        gateway_id: The id of the receipt that it belongs to, as the gateway gave it in `Receipt.gateway_id`.
        status: ``delivered``, ``expired``, ``undeliverable``, ``rejected``, ``accepted`` or ``unknown``.
        detail: The network's own words or error code, at most 128 printable characters.
    """

    gateway: str
    gateway_id: str
    status: str
    detail: str


def ignore_receipt(_: DeliveryReceipt) -> None:
    """Drop a delivery receipt: nobody asked for them."""


@dataclass(frozen=True, slots=True)
class GatewayContext:
    """
    What a provider gets from the world around it.

    Attributes:
        name: The gateway's name in the configuration.
        clock: Time.
        random: For jitter; seeded in tests.
        on_delivery_receipt: Called from any thread with each delivery receipt.
    """

    name: str
    clock: Clock
    random: Random = field(default_factory=SystemRandom)
    on_delivery_receipt: Callable[[DeliveryReceipt], None] = ignore_receipt


SettingsT = TypeVar("SettingsT", bound=GatewaySettings)
RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")


class Provider(ABC, Generic[SettingsT, RequestT, AnswerT]):
    """
    One configured gateway, ready to take messages from several threads at once.

    Life: made (no I/O), `open`, any number of `submit` and `probe`, `close`.
    """

    Settings: ClassVar[type[GatewaySettings]]
    #: How numbers are written where NUMBER_FORMAT is not set.
    number_format: NumberFormat = NumberFormat.PLUS

    def __init__(self, context: GatewayContext, settings: SettingsT) -> None:
        self.context = replace(context, on_delivery_receipt=self._hand_on)
        self.settings = settings
        self._take_receipt = context.on_delivery_receipt
        self._passwords = frozenset(settings.passwords())
        #: The newest ids: the form of each that is fit for logs, and the marks of the codes of its message.
        self._names: dict[str, tuple[str, frozenset[int]]] = {}
        #: The secrets of the messages that have no id yet.
        self._under_way: set[Secrets] = set()
        self.log = logging.getLogger(f"{GATEWAYS}{context.name}")
        if settings.LOG_LEVEL is LogLevel.DEBUG:
            self.log.setLevel(logging.DEBUG)

    def open(self) -> None:
        """Start what has to run before the first message; must not wait for the gateway."""

    def close(self) -> None:
        """End connections and threads; the provider is not used again. Must not take more than 5 s."""

    @abstractmethod
    def compose(self, message: Message) -> RequestT:
        """
        Put a message into the form that goes on the wire. No I/O.

        Raises:
            Refused: It cannot be expressed for this gateway.
        """

    @abstractmethod
    def exchange(self, request: RequestT, deadline: Deadline) -> AnswerT:
        """
        Hand the request to the gateway and wait for its answer.

        Args:
            request: What `compose` made.
            deadline: Covers connecting, writing and reading together.

        Raises:
            NotSent: Before the gateway can have had the whole message.
            Unknown: After that, without an answer.
        """

    @abstractmethod
    def judge(self, answer: AnswerT) -> Receipt:
        """
        Decide what the answer means. No I/O.

        Raises:
            DeliveryError: It is not an acceptance.
        """

    def show_request(self, request: RequestT) -> str:
        """Return a request as the gateway's debug log shows it: whole; passwords are masked by the caller."""
        return repr(request)

    def show_answer(self, answer: AnswerT) -> str:
        """Return an answer as the gateway's debug log shows it; passwords are masked by the caller."""
        return repr(answer)

    @abstractmethod
    def probe(self, deadline: Deadline) -> None:
        """
        Find out whether the gateway can be reached, without sending an SMS.

        Raises:
            NotSent: It cannot.
        """

    @final
    def submit(self, message: Message, deadline: Deadline) -> Receipt:
        """
        Submit one SMS and wait for the gateway's answer.

        Args:
            message: The SMS.
            deadline: When the attempt has to be over. TIMEOUT makes it shorter, never longer.

        Returns:
            What the gateway said when it took the message.

        Raises:
            NotSent: The gateway certainly has no copy. The caller may try again or elsewhere.
            Refused: This message will never be taken here.
            Unknown: The message was written but not answered. Do not send it again silently.
        """
        now = self.context.clock.monotonic()
        if deadline.at <= now:
            raise NotSent("no time was left to try this gateway")
        deadline = Deadline(min(deadline.at, now + self.settings.TIMEOUT), self.context.clock)
        hidden = Secrets(message, self.written_number(message.number), self._passwords)
        self._under_way.add(hidden)
        try:
            return self._attempt(message, deadline, hidden)
        except DeliveryError as exc:
            exc.args = (_tell(exc, hidden), *exc.args[1:])
            exc.said = ""
            raise
        finally:
            self._under_way.discard(hidden)

    def _attempt(self, message: Message, deadline: Deadline, hidden: Secrets) -> Receipt:
        try:
            request = self.compose(message)
        except DeliveryError:
            raise
        except BaseException as exc:  # noqa: BLE001  (a provider's bug is a failed attempt, not a dead sender)
            # The text of a foreign exception may repeat its input, so only its class is shown.
            raise BadMessage(f"the message could not be put on the wire: {type(exc).__name__}") from None
        self._show("submitting %s", self.show_request, request)
        try:
            answer = self.exchange(request, deadline)
            self._show("answered: %s", self.show_answer, answer)
            receipt = self.judge(answer)
            if not receipt.gateway_id:
                return receipt
            name, _ = self._name(receipt.gateway_id, {hidden})
            return replace(receipt, gateway_id=name)
        except DeliveryError:
            raise
        except BaseException as exc:  # noqa: BLE001  (as above; the message may have left)
            raise Unknown(f"unexpected failure while sending: {type(exc).__name__}") from None

    def _show(self, text: str, show: Callable[[Any], str], shown: object) -> None:
        """Write what is sent or answered to the gateway's debug log; what cannot be shown is sent all the same."""
        if self.settings.LOG_LEVEL is not LogLevel.DEBUG:
            return
        try:
            self.log.debug(text, remove(self._passwords, show(shown)))
        except BaseException as exc:  # noqa: BLE001  (as above)
            self.log.warning("what is sent or answered cannot be shown: %s", type(exc).__name__)

    def _name(self, gateway_id: str, hidden: Collection[Secrets]) -> tuple[str, frozenset[int]]:
        """Return an id in a form fit for logs, empty if it repeats anything of a message, and the marks of the messages' codes."""
        name = "" if any(each.are_hidden_in(gateway_id) for each in hidden) else clean_id(gateway_id)
        known = name, frozenset[int]().union(*(each.mark_codes() for each in hidden))
        if gateway_id:
            self._names[gateway_id] = known
        if len(self._names) > _MOST_NAMES:
            with suppress(KeyError, RuntimeError, StopIteration):
                # Another thread may do the same now.
                del self._names[next(iter(self._names))]
        return known

    def _hand_on(self, receipt: DeliveryReceipt) -> None:
        """Hand a delivery receipt on; it may come before the answer that tells the message's id."""
        # Before the id is looked up: a message is under way until its id is known.
        hidden = self._under_way.copy()
        # Looked up once: another thread may forget the id at any moment.
        name, marks = self._names.get(receipt.gateway_id) or self._name(receipt.gateway_id, hidden)
        self._take_receipt(replace(receipt, gateway_id=name, detail=mask_marked(receipt.detail, marks)))

    @final
    def written_number(self, number: PhoneNumber) -> str:
        """Write a number as this gateway wants it: rewritten by REGEXP, else in its format."""
        if self.settings.REGEXP:
            return self.settings.REGEXP.apply(number.e164)
        return write_number(number, self.settings.NUMBER_FORMAT or self.number_format)


def _tell(exc: DeliveryError, hidden: Secrets) -> str:
    """Return the text of an error with the gateway's own words, if there are any, all of it without secrets."""
    text = hidden.mask_own(str(exc))
    said = " ".join(hidden.mask_foreign(exc.said).split())
    if not said:
        return text
    cut = said if len(said) <= _MOST_QUOTED else said[:_MOST_QUOTED] + "..."
    return f"{text}; it said: {make_printable(cut)}"
