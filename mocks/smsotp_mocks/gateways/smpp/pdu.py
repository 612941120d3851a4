"""
SMPP 3.4 PDUs from the SMSC's side: bytes to fields and back. No sockets. Sections are those of SMPP 3.4, issue 1.2.

Written from the specification, with nothing taken from what a client under test uses.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

HEADER = struct.Struct(">IIII")  # section 3.2: command_length, command_id, command_status, sequence_number
MOST_PDU = 70_000  # octets; a message_payload may hold 64 K (section 5.3.2.32)
RESPONSE = 0x80000000


class Command(IntEnum):
    """The command ids that the mock knows (section 5.1.2.1)."""

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15
    DELIVER_SM_RESP = 0x80000005
    UNBIND_RESP = 0x80000006
    ENQUIRE_LINK_RESP = 0x80000015


class Status(IntEnum):
    """The command_status values that the mock answers with by itself (section 5.1.3)."""

    ROK = 0x00
    RINVMSGLEN = 0x01
    RINVCMDLEN = 0x02
    RINVCMDID = 0x03
    RINVBNDSTS = 0x04
    RALYBND = 0x05
    RINVPRTFLG = 0x06
    RINVREGDLVFLG = 0x07
    RSYSERR = 0x08
    RINVSRCADR = 0x0A
    RINVDSTADR = 0x0B
    RBINDFAIL = 0x0D
    RINVPASWD = 0x0E
    RINVSYSID = 0x0F
    RINVSERTYP = 0x15
    RINVESMCLASS = 0x43
    RSUBMITFAIL = 0x45
    RINVSRCTON = 0x48
    RINVSRCNPI = 0x49
    RINVDSTTON = 0x50
    RINVDSTNPI = 0x51
    RINVREPFLAG = 0x54
    RTHROTTLED = 0x58
    RINVSCHED = 0x61
    RINVEXPIRY = 0x62
    RINVDFTMSGID = 0x63
    RX_T_APPN = 0x64
    RINVOPTPARSTREAM = 0xC0
    RINVPARLEN = 0xC2
    RMISSINGOPTPARAM = 0xC3
    RINVOPTPARAMVAL = 0xC4
    RUNKNOWNERR = 0xFF


class Tag(IntEnum):
    """Optional parameters that the mock reads or writes (section 5.3.2)."""

    RECEIPTED_MESSAGE_ID = 0x001E
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


class BadPdu(Exception):
    """A PDU that breaks the specification, with the status to answer it with."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Pdu:
    """A PDU whose body is not yet understood."""

    command: int
    status: int
    sequence: int
    body: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """Return the PDU as it goes over the wire."""
        return HEADER.pack(HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body


@dataclass(frozen=True, slots=True)
class Bind:
    """The fields of bind_transmitter, bind_receiver and bind_transceiver (section 4.1)."""

    system_id: str
    password: str = field(repr=False)
    system_type: str
    interface_version: int

    @classmethod
    def parse(cls, body: bytes) -> "Bind":
        """
        Read the body.

        Raises:
            BadPdu: It breaks the specification.
        """
        reader = _Reader(body)
        system_id = reader.text(16, Status.RINVSYSID)
        password = reader.text(9, Status.RINVPASWD)
        system_type = reader.text(13, Status.RBINDFAIL)
        version = reader.read_octet()
        reader.read_octet()
        reader.read_octet()
        reader.text(41, Status.RBINDFAIL)
        return cls(system_id, password, system_type, version)


@dataclass(frozen=True, slots=True)
class SubmitSm:
    """The fields of submit_sm (section 4.4.1)."""

    service_type: str
    source_addr_ton: int
    source_addr_npi: int
    source_addr: str
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str
    esm_class: int
    protocol_id: int
    priority_flag: int
    schedule_delivery_time: str
    validity_period: str
    registered_delivery: int
    replace_if_present_flag: int
    data_coding: int
    sm_default_msg_id: int
    short_message: bytes
    tlvs: Mapping[int, bytes]

    @classmethod
    def parse(cls, body: bytes) -> "SubmitSm":
        """
        Read the body.

        Raises:
            BadPdu: It breaks the specification.
        """
        reader = _Reader(body)
        fields: dict[str, Any] = {
            "service_type": reader.text(6, Status.RINVSERTYP),
            "source_addr_ton": reader.read_octet(),
            "source_addr_npi": reader.read_octet(),
            "source_addr": reader.text(21, Status.RINVSRCADR),
            "dest_addr_ton": reader.read_octet(),
            "dest_addr_npi": reader.read_octet(),
            "destination_addr": reader.text(21, Status.RINVDSTADR),
            "esm_class": reader.read_octet(),
            "protocol_id": reader.read_octet(),
            "priority_flag": reader.read_octet(),
            "schedule_delivery_time": reader.text(17, Status.RINVSCHED),
            "validity_period": reader.text(17, Status.RINVEXPIRY),
            "registered_delivery": reader.read_octet(),
            "replace_if_present_flag": reader.read_octet(),
            "data_coding": reader.read_octet(),
            "sm_default_msg_id": reader.read_octet(),
        }
        fields["short_message"] = reader.read_octets(reader.read_octet(), Status.RINVMSGLEN)
        return cls(**fields, tlvs=reader.tlvs())

    @property
    def payload(self) -> bytes:
        """The octets of the message, from short_message or message_payload (section 5.3.2.32: never from both)."""
        payload = self.tlvs.get(Tag.MESSAGE_PAYLOAD)
        if payload is None:
            return self.short_message
        if self.short_message:
            raise BadPdu(Status.RINVMSGLEN, "short_message and message_payload are both filled")
        return payload

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types; octets in hex."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        values["short_message"] = self.short_message.hex()
        values["tlvs"] = {f"0x{tag:04x}": value.hex() for tag, value in self.tlvs.items()}
        return values


@dataclass(frozen=True, slots=True)
class DeliverSm:
    """
    A deliver_sm that carries a delivery receipt (section 4.6.1, appendix B).

    Attributes:
        source: Type of number, numbering plan and address: those that the message went to.
        destination: Likewise: those that it came from.
        text: What does not fit into a short message is cut off.
    """

    source: tuple[int, int, str]
    destination: tuple[int, int, str]
    text: str
    tlvs: Mapping[int, bytes]

    def to_body(self) -> bytes:
        """Return the body."""
        esm_class = 0x04  # section 5.2.12: an SMSC delivery receipt
        coding, text = _encode(self.text)
        head = b"\0" + _pack_address(*self.source) + _pack_address(*self.destination)
        flags = bytes([esm_class, 0, 0]) + b"\0\0" + bytes([0, 0, coding, 0, len(text)])
        return head + flags + text + write_tlvs(self.tlvs)


def _pack_address(ton: int, npi: int, address: str) -> bytes:
    return bytes([ton, npi]) + address.encode("latin-1", "replace") + b"\0"


def _encode(text: str) -> tuple[int, bytes]:
    """Return data_coding and octets of a text, as much as sm_length can say in whole characters (section 5.2.21)."""
    for coding, charset in ((0, "ascii"), (3, "latin-1")):
        try:
            return coding, text.encode(charset)[:254]
        except UnicodeEncodeError:
            continue
    return 8, text.encode("utf-16-be", "replace")[:254]


def write_tlvs(tlvs: Mapping[int, bytes]) -> bytes:
    """Return optional parameters as they stand at the end of a PDU (section 3.2.4.1)."""
    return b"".join(struct.pack(">HH", tag, len(value)) + value for tag, value in tlvs.items())


class _Reader:
    """Takes fields from a body, one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def read_octet(self) -> int:
        return self.read_octets(1, Status.RINVCMDLEN)[0]

    def read_octets(self, count: int, status: Status) -> bytes:
        found = self._body[self._at : self._at + count]
        if len(found) < count:
            raise BadPdu(status, "the PDU ends inside a field")
        self._at += count
        return found

    def text(self, most: int, status: Status) -> str:
        """Read a C-octet string of at most `most` octets with its NUL (section 3.1)."""
        end = self._body.find(b"\0", self._at, self._at + most)
        if end < 0:
            raise BadPdu(status, f"a text field has no end within {most} octets")
        found = self._body[self._at : end]
        self._at = end + 1
        return found.decode("latin-1")

    def tlvs(self) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        while self._at < len(self._body):
            tag, length = struct.unpack(">HH", self.read_octets(4, Status.RINVOPTPARSTREAM))
            found[tag] = self.read_octets(length, Status.RINVOPTPARSTREAM)
        return found
