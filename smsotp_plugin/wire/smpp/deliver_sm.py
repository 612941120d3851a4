"""
What an SMSC brings: deliver_sm and data_sm, and the delivery receipts in them.

SMPP 3.4 sections 4.6, 4.7 and 5.2.12, and appendix B for the text of a receipt. That text ends with the beginning of
the message itself, and so with the code: only its named fields are read, and none of it is shown.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from smsotp_plugin.errors import ProtocolViolation
from smsotp_plugin.grammar import agree
from smsotp_plugin.wire.smpp.pdu import DATA_SM, Pdu

# Optional parameters, SMPP 3.4 section 5.3.2.
RECEIPTED_MESSAGE_ID: Final = 0x001E
NETWORK_ERROR_CODE: Final = 0x0423
MESSAGE_PAYLOAD: Final = 0x0424
MESSAGE_STATE: Final = 0x0427

#: Longer than any C-octet string of a response or a receipt: a message_id has at most 64 characters (section 5.2.23).
_LONGEST_STRING = 256
#: Tag and length of an optional parameter.
_OPTION = struct.Struct(">HH")


@dataclass(frozen=True, slots=True)
class DeliverSm:
    """
    What a deliver_sm or a data_sm holds. SMPP 3.4 sections 4.6.1 and 4.7.1.

    Attributes:
        source: Address of the sender: of a receipt, the number that the message went to.
        destination: Address of the recipient.
        esm_class: What kind of message it is (section 5.2.12).
        data_coding: What the text is coded in.
        text: short_message, or message_payload where that is empty. Never shown.
        options: Optional parameters by tag, as far as they are complete.
        defect: What is wrong behind the addresses, fit for the log; empty: nothing.
    """

    source: bytes = field(repr=False)
    destination: bytes = field(repr=False)
    esm_class: int
    data_coding: int
    text: bytes = field(repr=False)
    options: Mapping[int, bytes] = field(repr=False)
    defect: str = ""


def read_delivery(pdu: Pdu) -> DeliverSm:
    """
    Read a deliver_sm or a data_sm. What is complete counts, whatever follows it: some SMSCs add a stray octet to each.

    Raises:
        ProtocolViolation: It ends before its text, or a string has no end.
    """
    body = _Body(pdu.body)
    body.take_string()
    body.take_octets(2)
    source = body.take_string()
    body.take_octets(2)
    destination = body.take_string()
    if pdu.command == DATA_SM:
        esm_class, _, data_coding = body.take_octets(3)
        text = b""
    else:
        esm_class = body.take_octets(3)[0]
        body.take_string()
        body.take_string()
        _, _, data_coding, _, length = body.take_octets(5)
        text = body.take_up_to(length)
    options = body.options()
    text = text or options.get(MESSAGE_PAYLOAD, b"")
    return DeliverSm(source, destination, esm_class, data_coding, text, options, body.defect)


class _Body:
    """Reads the body of a PDU from front to end."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0
        self.defect = ""

    def take_octets(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        if self._at > len(self._body):
            raise ProtocolViolation("a PDU of the SMSC ends too early")
        return self._body[start : self._at]

    def take_string(self) -> bytes:
        end = self._body.find(b"\0", self._at, self._at + _LONGEST_STRING)
        if end < 0:
            raise ProtocolViolation("a string in a PDU of the SMSC has no end")
        start, self._at = self._at, end + 1
        return self._body[start:end]

    def take_up_to(self, count: int) -> bytes:
        """Return so many octets, or what there is of them."""
        left = len(self._body) - self._at
        if count > left:
            self.defect = f"its text should have {count} {agree(count, 'octet')} and has {left}"
        return self.take_octets(min(count, left))

    def options(self) -> dict[int, bytes]:
        """Return the optional parameters that are complete. SMPP 3.4 section 5.3."""
        found = {}
        while left := len(self._body) - self._at:
            if left < _OPTION.size:
                self.defect = f"{left} stray {agree(left, 'octet stands', 'octets stand')} at its end"
                break
            tag, length = _OPTION.unpack(self.take_octets(_OPTION.size))
            if length > left - _OPTION.size:
                self.defect = f"its optional parameter 0x{tag:04X} is longer than what is left of it"
                break
            found[tag] = self.take_octets(length)
        return found


@dataclass(frozen=True, slots=True)
class NetworkReceipt:
    """
    A delivery receipt as the SMSC words it.

    Attributes:
        message_id: As the SMSC spells it here, which may not be as in its submit_sm_resp; at most 64 characters.
        status: ``delivered``, ``expired``, ``undeliverable``, ``rejected``, ``accepted`` or ``unknown``.
        detail: State and error code in the SMSC's words, as far as they are such.
        numbers: Digits of both addresses; one of them is the number that the message went to. Never shown.
    """

    message_id: str
    status: str
    detail: str
    numbers: tuple[str, str] = field(repr=False)


#: Section 5.2.28 and appendix B.
_STATES: Final = (
    ("ENROUTE", "accepted"),
    ("DELIVRD", "delivered"),
    ("EXPIRED", "expired"),
    ("DELETED", "undeliverable"),
    ("UNDELIV", "undeliverable"),
    ("ACCEPTD", "accepted"),
    ("UNKNOWN", "unknown"),
    ("REJECTD", "rejected"),
)
_STATUS_OF_WORD: Final = {
    **dict(_STATES),
    # Some SMSCs write the names of section 5.2.28 out, for which appendix B has no room.
    "DELIVERED": "delivered",
    "UNDELIVERABLE": "undeliverable",
    "ACCEPTED": "accepted",
    "REJECTED": "rejected",
}
#: Characters of an error code; appendix B has three, and network_error_code is a number of 16 bits.
_LONGEST_ERROR: Final = 5
#: Some SMSCs put a blank before the value, or a comma or semicolon behind it; a word that is a name itself is not a value.
_FIELD = re.compile(r"\b(id|stat|err):(?:[ \t](?![A-Za-z]+:))?([!-+\--:<-~]{1,64})", re.IGNORECASE)
_MESSAGE_TEXT = re.compile(r"\btext:", re.IGNORECASE)


def read_receipt(delivery: DeliverSm) -> NetworkReceipt | None:
    """
    Return the receipt in a delivery, or None where it is something else: a subscriber's SMS, say.

    The optional parameters are believed before the text. A text alone is a receipt only if esm_class says so: a
    subscriber may write what looks like one.
    """
    if delivery.esm_class & 0x3C != 0x04 and RECEIPTED_MESSAGE_ID not in delivery.options:
        return None
    fields = _read_fields(delivery)
    message_id = _decode_ascii(delivery.options.get(RECEIPTED_MESSAGE_ID, b"")) or fields.get("id", "")
    if not message_id:
        return None
    word = _find_state_word(delivery.options.get(MESSAGE_STATE, b"")) or fields.get("stat", "").upper()
    # What is neither a state nor an error code may be a piece of the message, or the number.
    state = word if word in _STATUS_OF_WORD else "another state" if word else "no state"
    error = _describe_network_error(delivery.options.get(NETWORK_ERROR_CODE, b"")) or fields.get("err", "")
    return NetworkReceipt(
        message_id,
        _STATUS_OF_WORD.get(word, "unknown"),
        f"{state}, error {error}" if error.strip("0") and len(error) <= _LONGEST_ERROR else state,
        (_keep_digits(delivery.source), _keep_digits(delivery.destination)),
    )


def _read_fields(delivery: DeliverSm) -> dict[str, str]:
    coding = "utf-16-be" if delivery.data_coding == 0x08 else "latin-1"
    text = _MESSAGE_TEXT.split(delivery.text.decode(coding, "replace"), maxsplit=1)[0]
    found: dict[str, str] = {}
    for name, value in _FIELD.findall(text):
        found.setdefault(name.lower(), value)
    return found


def _decode_ascii(value: bytes) -> str:
    """Return the printable beginning of a C-octet string; the NUL at its end is sometimes forgotten."""
    text = value.partition(b"\0")[0].decode("latin-1")[:64]
    return text if text.isascii() and text.isprintable() else ""


def _find_state_word(value: bytes) -> str:
    state = value[0] - 1 if len(value) == 1 else -1
    return _STATES[state][0] if 0 <= state < len(_STATES) else ""


def _describe_network_error(value: bytes) -> str:
    """Section 5.3.2.31: the kind of network and a number."""
    return str(int.from_bytes(value[1:], "big")) if len(value) == 3 else ""


def _keep_digits(address: bytes) -> str:
    return address.decode("latin-1").lstrip("+0")
