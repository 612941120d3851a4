"""Delivery receipts of the SMPP mock: message ids, and the text that networks report back. SMPP 3.4 appendix B."""

import itertools
import time
from dataclasses import dataclass
from typing import Literal

from smsotp_mocks.gateways.smpp.pdu import DeliverSm, SubmitSm, Tag

State = Literal["ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD"]
IdForm = Literal["hex", "decimal"]
# Section 5.2.28, in the order of its numbers from 1.
STATES: tuple[State, ...] = (
    "ENROUTE",
    "DELIVRD",
    "EXPIRED",
    "DELETED",
    "UNDELIV",
    "ACCEPTD",
    "UNKNOWN",
    "REJECTD",
)
_DELIVERED = "DELIVRD"
_QUOTED = 20  # appendix B: the first 20 characters of the message


@dataclass(frozen=True, slots=True)
class ReceiptPolicy:
    """
    How this SMSC reports delivery.

    Attributes:
        state: What it reports by itself.
        delay: Seconds between submission and report.
        submit_ids: How submit_sm_resp writes the message id.
        receipt_ids: How the receipt writes the same id; some SMSCs differ here.
        automatic: Reports come by themselves where the client asked for them.
        again: Seconds after which a report is repeated that the client could not take now (0x64).
    """

    state: State = "DELIVRD"
    delay: float = 0.0
    submit_ids: IdForm = "hex"
    receipt_ids: IdForm = "hex"
    automatic: bool = True
    again: float = 1.0


@dataclass(frozen=True, slots=True)
class Submitted:
    """
    What has to be known of a submitted part to report on it.

    Attributes:
        number: What its message id is written from.
        system_id: The client that submitted it.
        source: Type of number, numbering plan and address of the sender.
        destination: The same of the recipient.
        registered_delivery: Which reports the client asked for (section 5.2.17).
        text: The first 20 characters of its text.
        submitted: Unix seconds.
        receipt_ids: How its receipts write its id; None: as the policy says.
    """

    number: int
    system_id: str
    source: tuple[int, int, str]
    destination: tuple[int, int, str]
    registered_delivery: int
    text: str
    submitted: float
    receipt_ids: IdForm | None = None

    def wants(self, state: State) -> bool:
        """Return whether the client asked for a report of this state (section 5.2.17)."""
        asked = self.registered_delivery & 0x03
        return asked == 1 or (asked == 2 and state != _DELIVERED)

    def receipt(self, state: State, form: IdForm) -> DeliverSm:
        """Return the report."""
        message_id = write_id(self.number, form)
        delivered = 1 if state == _DELIVERED else 0
        text = (
            f"id:{message_id} sub:001 dlvrd:{delivered:03d} submit date:{_format_minute(self.submitted)} "
            f"done date:{_format_minute(time.time())} stat:{state} err:{0 if delivered else 1:03d} text:{self.text}"
        )
        tlvs = {
            int(Tag.RECEIPTED_MESSAGE_ID): message_id.encode() + b"\0",
            int(Tag.MESSAGE_STATE): bytes([STATES.index(state) + 1]),
        }
        return DeliverSm(self.destination, self.source, text, tlvs)


@dataclass(frozen=True, slots=True)
class Report:
    """
    A receipt on its way to the client.

    Attributes:
        form: How it writes the message's id.
        tries: How often it was sent before.
    """

    submitted: Submitted
    state: State
    form: IdForm
    tries: int = 0

    def message(self) -> DeliverSm:
        """Return what goes over the wire."""
        return self.submitted.receipt(self.state, self.form)


class MessageIds:
    """Gives every submission a number that differs between hex and decimal."""

    def __init__(self) -> None:
        self._next = itertools.count(0x1000_000A)

    def submitted(self, submit: SubmitSm, system_id: str, text: str) -> Submitted:
        """Give the next number to a submission."""
        return Submitted(
            number=next(self._next),
            system_id=system_id,
            source=(submit.source_addr_ton, submit.source_addr_npi, submit.source_addr),
            destination=(submit.dest_addr_ton, submit.dest_addr_npi, submit.destination_addr),
            registered_delivery=submit.registered_delivery,
            text=text[:_QUOTED],
            submitted=time.time(),
        )


def write_id(number: int, form: IdForm) -> str:
    """Return a message id as text."""
    return f"{number:x}" if form == "hex" else str(number)


def _format_minute(seconds: float) -> str:
    return time.strftime("%y%m%d%H%M", time.gmtime(seconds))
