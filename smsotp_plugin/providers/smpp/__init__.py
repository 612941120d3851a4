"""
The provider ``smpp``: one SMPP 3.4 session to an SMSC, kept for as long as the server runs.

The session and everything on the wire stand in `smsotp_plugin.wire.smpp`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Final

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import BadRecipient, DeliveryError, NotSent, Unknown
from smsotp_plugin.grammar import agree
from smsotp_plugin.providers.base import DeliveryReceipt, GatewayContext, GatewaySettings, Provider
from smsotp_plugin.providers.smpp.parts import PartMaker, pack_validity_period
from smsotp_plugin.providers.smpp.settings import LONGEST_ADDRESS, SmppSettings
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import NumberFormat
from smsotp_plugin.wire.smpp.deliver_sm import DeliverSm, read_receipt
from smsotp_plugin.wire.smpp.events import Answered
from smsotp_plugin.wire.smpp.link import SmppLink
from smsotp_plugin.wire.smpp.pacing import Pacer
from smsotp_plugin.wire.smpp.pdu import Address, Bind, SubmitStyle, describe_status, pack_submit
from smsotp_plugin.wire.smpp.receipts import Expected, Matched, ReceiptBook
from smsotp_plugin.wire.smpp.setup import LinkSetup
from smsotp_plugin.wire.smpp.status import submit_failure
from smsotp_plugin.wire.smpp.times import LinkTimes, SessionTimes
from smsotp_plugin.wire.smpp.transport import SmscAddress
from smsotp_plugin.wire.tls import make_tls_context

#: The thread has to be gone within 5 s; the unbind takes 1 s at most.
_STOP_LIMIT: Final = 4.0
#: So many kinds of defect in what an SMSC brings are told.
_MOST_DEFECTS: Final = 8


@dataclass(frozen=True, slots=True)
class SmppRequest:
    """
    One message as submit_sm.

    Attributes:
        number: Digits of the recipient, for matching receipts. Never shown.
        text: The whole of it, for the debug level of the gateway.
        bodies: One for each part, at least one. Never shown.
    """

    number: str = field(repr=False)
    text: str = field(repr=False)
    bodies: tuple[bytes, ...] = field(repr=False)


#: What became of each part that was tried, in order.
Results = list[Answered | DeliveryError]


class SmppProvider(Provider[SmppSettings, SmppRequest, Results]):
    """Sends each SMS as one submit_sm, or several for a long text."""

    Settings: ClassVar[type[GatewaySettings]] = SmppSettings
    number_format = NumberFormat.DIGITS

    def __init__(self, context: GatewayContext, settings: SmppSettings) -> None:
        super().__init__(context, settings)
        self._style = SubmitStyle(
            settings.SERVICE_TYPE.encode("ascii"), settings.sender(), settings.registered_delivery
        )
        self._parts = PartMaker(settings.DATA_CODING, context.random)
        self._receipts = ReceiptBook()
        self._defects = set[str]()
        self._pacer = Pacer(settings.TPS, context.clock)
        self._link = SmppLink(
            LinkSetup(
                name=context.name,
                smsc=SmscAddress(
                    settings.SMSC_HOST,
                    settings.SMSC_PORT,
                    make_tls_context(settings.CHECK_SSL) if settings.TLS else None,
                ),
                bind=Bind(
                    settings.BIND_TYPE == "transceiver",
                    settings.SYSTEM_ID,
                    settings.PASSWORD.get_secret_value(),
                    settings.SYSTEM_TYPE,
                ),
                window=settings.CONNECTIONS,
                times=LinkTimes(SessionTimes(idle=settings.ENQUIRE_LINK)),
                clock=context.clock,
                random=context.random,
                log=self.log,
                on_delivery=self._take_delivery,
            )
        )

    def open(self) -> None:
        """Bind in the background."""
        self._link.start()

    def close(self) -> None:
        """Unbind."""
        self._link.stop(_STOP_LIMIT)

    def compose(self, message: Message) -> SmppRequest:
        """Code and cut the text, and pack its parts."""
        number = self.written_number(message.number)
        if not number.isascii() or not number.isprintable() or not 1 <= len(number) <= LONGEST_ADDRESS:
            raise BadRecipient(f"the number has no place in SMPP: 1 to {LONGEST_ADDRESS} ASCII characters")
        text = message.sentence.get_secret_value()
        destination = Address(self.settings.D_ADDR_TON, self.settings.D_ADDR_NPI, number.encode("ascii"))
        validity = pack_validity_period(
            self.settings.VALIDITY_PERIOD, now=self.context.clock.time(), expires=message.expires
        )
        parts = self._parts.make(text, number)
        return SmppRequest(
            number, text, tuple(pack_submit(self._style, destination, validity, part) for part in parts)
        )

    def exchange(self, request: SmppRequest, deadline: Deadline) -> Results:
        """
        Submit the parts.

        The first goes alone: it is what the SMSC mostly refuses, and then nothing at all has been sent.
        """
        expected = Expected(request.number, len(request.bodies))
        self._receipts.begin(expected)
        try:
            results = self._submit(request.bodies[:1], expected, deadline)
            if len(request.bodies) > 1 and _find_failure(results[0]) is None:
                results += self._submit(request.bodies[1:], expected, deadline)
        finally:
            self._tell(self._receipts.finish(expected))
        return results

    def judge(self, answer: Results) -> Receipt:
        """Take it for sent when all parts were taken; a part of a message may show on the handset or not."""
        failures = [failure for failure in map(_find_failure, answer) if failure is not None]
        taken = [
            result.message_id
            for result in answer
            if _find_failure(result) is None and isinstance(result, Answered)
        ]
        if not failures:
            return Receipt(taken[0], len(taken))
        if not taken:
            raise failures[0]
        raise Unknown(
            f"the SMSC took {len(taken)} {agree(len(taken), 'part')} of the text, and then: {failures[0]}"
        )

    def show_request(self, request: SmppRequest) -> str:
        """Return number and text."""
        return f"for {request.number}: {request.text!r}"

    def show_answer(self, answer: Results) -> str:
        """Return what became of each part."""
        return "; ".join(map(_describe, answer))

    def probe(self, deadline: Deadline) -> None:
        """Bind, and ask with an enquire_link."""
        self._link.probe(deadline)

    def _submit(self, bodies: Sequence[bytes], expected: Expected, deadline: Deadline) -> Results:
        """Submit parts without waiting in between, then wait for all; after one that could not go, none is tried."""
        on_taken = partial(self._take_id, expected) if self._style.registered_delivery else None
        tickets = []
        unsent: Results = []
        try:
            for body in bodies:
                self._pacer.take(deadline)
                tickets.append(self._link.submit(body, deadline, on_taken))
        except NotSent as exc:
            unsent = [exc]
        results: Results = []
        for ticket in tickets:
            try:
                results.append(self._link.wait(ticket))
            except DeliveryError as exc:
                results.append(exc)
        return results + unsent

    def _take_id(self, expected: Expected, message_id: str) -> None:
        self._tell(self._receipts.expect(expected, message_id))

    def _take_delivery(self, delivery: DeliverSm) -> None:
        if delivery.defect and delivery.defect not in self._defects and len(self._defects) < _MOST_DEFECTS:
            self._defects.add(delivery.defect)
            self.log.warning(
                "what the SMSC delivers does not conform to SMPP: %s; what is complete is used, and this is logged once",
                delivery.defect,
            )
        receipt = read_receipt(delivery)
        if receipt is None:
            self.log.info("the SMSC brought an SMS that is not a delivery receipt; it is dropped")
            return
        matched = self._receipts.match(receipt)
        self._tell([] if matched is None else [matched])

    def _tell(self, receipts: list[Matched]) -> None:
        for matched in receipts:
            self.context.on_delivery_receipt(
                DeliveryReceipt(self.context.name, matched.gateway_id, matched.status, matched.detail)
            )


def _find_failure(result: Answered | DeliveryError) -> DeliveryError | None:
    if isinstance(result, DeliveryError):
        return result
    return None if result.status == 0 else submit_failure(result.status)


def _describe(result: Answered | DeliveryError) -> str:
    if isinstance(result, DeliveryError):
        return str(result)
    return f"{describe_status(result.status)}, id {result.message_id!r}"
