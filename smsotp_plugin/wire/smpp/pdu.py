"""
SMPP 3.4 PDUs as bytes: cutting the stream, packing what we send, reading what comes. No I/O, no state of a session.

The words for a command status are those of `smpplib`. It packs nothing here: it is ten times slower, and cuts off what is
longer than the specification has room for. Nor does it read: its parser takes no bound and fails on optional parameters
that it does not expect.
"""

import struct
from dataclasses import dataclass, field
from typing import Final

from smpplib import consts

from smsotp_plugin.errors import ProtocolViolation
from smsotp_plugin.grammar import agree

# Command identifiers, SMPP 3.4 section 5.1.2.1. A response has the highest bit set.
RESPONSE: Final = 0x80000000
GENERIC_NACK: Final = 0x80000000
BIND_TRANSMITTER: Final = 0x02
SUBMIT_SM: Final = 0x04
DELIVER_SM: Final = 0x05
UNBIND: Final = 0x06
BIND_TRANSCEIVER: Final = 0x09
OUTBIND: Final = 0x0B
ENQUIRE_LINK: Final = 0x15
ALERT_NOTIFICATION: Final = 0x102
DATA_SM: Final = 0x103

SUBMIT_SM_RESP: Final = RESPONSE | SUBMIT_SM
UNBIND_RESP: Final = RESPONSE | UNBIND
ENQUIRE_LINK_RESP: Final = RESPONSE | ENQUIRE_LINK

#: A message_payload of 65 535 octets and everything else around it.
LARGEST_PDU: Final = 0x11000
#: Sequence numbers are 1 to this (section 3.2).
LAST_SEQUENCE: Final = 0x7FFFFFFF

#: interface_version (section 5.2.4).
_VERSION: Final = 0x34
_HEADER = struct.Struct(">4I")


@dataclass(frozen=True, slots=True)
class Pdu:
    """
    One PDU, its body unread.

    Attributes:
        command: Command identifier.
        status: Command status; 0 in requests.
        sequence: Sequence number: a response has that of its request.
        body: Never shown: it holds codes and numbers.
    """

    command: int
    status: int
    sequence: int
    body: bytes = field(repr=False)


class PduReader:
    """Cuts a stream of bytes into PDUs, whatever pieces it comes in. Holds at most one PDU and the last piece."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes from the stream."""
        self._received += data

    def take_pdu(self) -> Pdu | None:
        """
        Return the next PDU, or None while it is not complete.

        Raises:
            ProtocolViolation: Its length cannot be true; the stream is of no use any more.
        """
        received = self._received
        if len(received) < _HEADER.size:
            if len(received) >= 4:
                _judge_length(int.from_bytes(received[:4], "big"))
            return None
        length, command, status, sequence = _HEADER.unpack_from(received)
        _judge_length(length)
        if len(received) < length:
            return None
        body = bytes(received[_HEADER.size : length])
        del received[:length]
        return Pdu(command, status, sequence, body)


def _judge_length(length: int) -> None:
    if not _HEADER.size <= length <= LARGEST_PDU:
        raise ProtocolViolation(f"the SMSC announced a PDU of {length} {agree(length, 'byte')}")


def pack_pdu(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    """Return a whole PDU."""
    return _HEADER.pack(_HEADER.size + len(body), command, status, sequence) + body


@dataclass(frozen=True, slots=True)
class Bind:
    """
    How a session introduces itself. SMPP 3.4 section 4.1.

    Attributes:
        transceiver: Whether delivery receipts may come on the same session; else bind_transmitter.
        system_id: ASCII without NUL; the specification has room for 15 characters.
        password: Likewise, 8 characters; never shown. Longer ones are sent whole: many an SMSC takes them.
        system_type: Likewise, 12 characters.
    """

    transceiver: bool
    system_id: str
    password: str = field(repr=False)
    system_type: str

    @property
    def command(self) -> int:
        """Return the command identifier."""
        return BIND_TRANSCEIVER if self.transceiver else BIND_TRANSMITTER

    def pack(self, sequence: int) -> bytes:
        """Return the whole PDU; the interface version is 3.4, the address range is the SMSC's own."""
        words = f"{self.system_id}\0{self.password}\0{self.system_type}\0".encode("ascii")
        return pack_pdu(self.command, sequence, words + bytes((_VERSION, 0, 0, 0)))


@dataclass(frozen=True, slots=True)
class Address:
    """
    A sender or a recipient.

    Attributes:
        ton: Type of number, 0 to 255 (section 5.2.5).
        npi: Numbering plan indicator, 0 to 255 (section 5.2.6).
        text: At most 20 bytes without NUL; never shown.
    """

    ton: int
    npi: int
    text: bytes = field(repr=False)

    def pack(self) -> bytes:
        """Return type, plan and the address as a C-octet string."""
        return b"%c%c%b\0" % (self.ton, self.npi, self.text)


@dataclass(frozen=True, slots=True)
class SubmitStyle:
    """
    What all messages of a gateway have in common.

    Attributes:
        service_type: At most 5 bytes.
        source: The sender.
        registered_delivery: Which receipts are asked for (section 5.2.17).
    """

    service_type: bytes
    source: Address
    registered_delivery: int


@dataclass(frozen=True, slots=True)
class Part:
    """
    What one SMS carries.

    Attributes:
        data_coding: What the text is coded in (section 5.2.19).
        header: User data header, or empty; where there is one, esm_class says so (section 5.2.12).
        text: Coded; with the header at most 254 bytes. Never shown.
    """

    data_coding: int
    header: bytes
    text: bytes = field(repr=False)


def pack_submit(style: SubmitStyle, destination: Address, validity: bytes, part: Part) -> bytes:
    """
    Return the body of a submit_sm. SMPP 3.4 section 4.4.1.

    Args:
        style: What all messages have in common.
        destination: The recipient.
        validity: Validity period as in section 7.1.1, or empty for the SMSC's default.
        part: What it carries.
    """
    return b"%b\0%b%b%c\0\0\0%b\0%c\0%c\0%c%b%b" % (
        style.service_type,
        style.source.pack(),
        destination.pack(),
        0x40 if part.header else 0,
        validity,
        style.registered_delivery,
        part.data_coding,
        len(part.header) + len(part.text),
        part.header,
        part.text,
    )


def read_message_id(body: bytes) -> str:
    """
    Return the id in a submit_sm_resp, empty where it has none.

    Lenient on purpose: the status has already said that the message was taken.
    """
    text = body.partition(b"\0")[0][:64].decode("latin-1")
    return text if text.isprintable() else "".join(filter(str.isprintable, text))


def describe_status(status: int) -> str:
    """Return a command status as people look it up: its number and the standard's words for it."""
    words = consts.DESCRIPTIONS.get(status, "")
    return f"0x{status:02X}" if not words or words.startswith("<") else f"0x{status:02X} {words}"
