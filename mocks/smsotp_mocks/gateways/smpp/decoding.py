"""
The text of submitted messages: encodings and parts. SMPP 3.4 sections 5.2.12 and 5.2.19, 3GPP TS 23.040 section 9.2.3.24.

Every part is decoded on its own, as a phone may: a pair that was cut in half between two parts is lost, and shows.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal

from smsotp_mocks.gateways import gsm
from smsotp_mocks.gateways.smpp.pdu import BadPdu, Status, SubmitSm, Tag

Alphabet = Literal["gsm", "ascii", "latin-1", "ucs-2", "binary"]
_BY_BITS: tuple[Alphabet, ...] = ("gsm", "binary", "ucs-2", "gsm")  # TS 23.038 section 4, bits 3 and 2
_UDHI = 0x40  # esm_class: the short message begins with a user data header
_OCTETS = 140  # TS 23.040: TP-User-Data
_MOST_WAITING = 1000  # messages of which parts are missing


@dataclass(frozen=True, slots=True)
class Part:
    """
    One submit_sm, decoded.

    Attributes:
        reference: Which parts belong together; None: the message has one part.
        index: From 1.
    """

    text: str
    alphabet: Alphabet
    udh: bytes
    reference: tuple[str, int] | None
    index: int
    total: int


def decode(submit: SubmitSm, default: Alphabet = "gsm") -> Part:
    """
    Decode one submit_sm.

    Args:
        default: What data_coding 0 means at this SMSC.

    Raises:
        BadPdu: No network could send this.
    """
    payload = submit.payload
    udh = b""
    if submit.esm_class & _UDHI:
        if not payload or len(payload) < payload[0] + 1:
            raise BadPdu(Status.RINVESMCLASS, "the user data header is longer than the message")
        udh, payload = payload[: payload[0] + 1], payload[payload[0] + 1 :]
    alphabet = find_alphabet(submit.data_coding, default)
    if Tag.MESSAGE_PAYLOAD not in submit.tlvs:
        _demand_size(payload, udh, alphabet)
    _demand_octets(payload, alphabet)
    reference, index, total = _find_place(submit, udh)
    return Part(_decode_text(payload, alphabet), alphabet, udh, reference, index, total)


def find_alphabet(data_coding: int, default: Alphabet) -> Alphabet:
    """
    Return the alphabet that a data_coding names (section 5.2.19, TS 23.038 section 4).

    Raises:
        BadPdu: It names none that the mock knows.
    """
    known: dict[int, Alphabet] = {0: default, 1: "ascii", 2: "binary", 3: "latin-1", 4: "binary", 8: "ucs-2"}
    if data_coding in known:
        return known[data_coding]
    if data_coding & 0xF0 == 0xF0:
        return "binary" if data_coding & 0x04 else "gsm"
    if data_coding & 0xF0 == 0x10:
        return _BY_BITS[(data_coding >> 2) & 3]
    raise BadPdu(Status.RSUBMITFAIL, f"data_coding 0x{data_coding:02x} is not supported")


class Joiner:
    """Puts the parts of long messages together; forgets the oldest unfinished one when too many wait."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[tuple[Any, ...], dict[int, tuple[Part, Any]]] = OrderedDict()

    def add(self, key: tuple[str, ...], part: Part, details: Any) -> list[tuple[Part, Any]] | None:
        """
        Take one part.

        Args:
            key: Sender and receiver.
            details: Whatever is to be kept with the part.

        Returns:
            All parts in order once they are complete, else None.
        """
        if part.reference is None:
            return [(part, details)]
        place = (*key, part.reference, part.total)
        parts = self._waiting.setdefault(place, {})
        parts[part.index] = (part, details)
        if len(parts) == part.total:
            del self._waiting[place]
            return [parts[index] for index in sorted(parts)]
        if len(self._waiting) > _MOST_WAITING:
            self._waiting.popitem(last=False)
        return None


def _find_place(submit: SubmitSm, udh: bytes) -> tuple[tuple[str, int] | None, int, int]:
    place = _read_udh(udh) or _read_sar(submit)
    if place is None:
        return None, 1, 1
    kind, reference, total, index = place
    if not 1 <= index <= total:
        raise BadPdu(Status.RSUBMITFAIL, f"part {index} of {total} cannot be")
    return (kind, reference), index, total


def _read_udh(udh: bytes) -> tuple[str, int, int, int] | None:
    at = 1
    while at + 2 <= len(udh):
        identifier, length = udh[at], udh[at + 1]
        data = udh[at + 2 : at + 2 + length]
        if len(data) < length:
            raise BadPdu(Status.RINVESMCLASS, "an element of the user data header is cut")
        if identifier == 0x00 and length == 3:
            return "udh8", data[0], data[1], data[2]
        if identifier == 0x08 and length == 4:
            return "udh16", int.from_bytes(data[:2]), data[2], data[3]
        at += 2 + length
    return None


def _read_sar(submit: SubmitSm) -> tuple[str, int, int, int] | None:
    tags = (Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)
    values = [submit.tlvs.get(tag) for tag in tags]
    reference, total, index = values
    if reference is None and total is None and index is None:
        return None
    if reference is None or total is None or index is None:
        raise BadPdu(Status.RMISSINGOPTPARAM, "one of the three sar parameters is missing")
    # Sections 5.3.2.22 to 5.3.2.24; their lengths are judged with those of all others.
    if not 1 <= index[0] <= total[0]:
        raise BadPdu(Status.RINVOPTPARAMVAL, f"part {index[0]} of {total[0]} cannot be")
    return "sar", int.from_bytes(reference), total[0], index[0]


def _demand_size(payload: bytes, udh: bytes, alphabet: Alphabet) -> None:
    free = (_OCTETS - len(udh)) * 8 // 7 if alphabet == "gsm" else _OCTETS - len(udh)
    if alphabet in ("ascii", "latin-1"):
        free = 160 if not udh else 153  # networks send these as GSM 7-bit
    if len(payload) > free:
        raise BadPdu(Status.RINVMSGLEN, f"{len(payload)} octets do not fit into one short message ({free})")


def _demand_octets(payload: bytes, alphabet: Alphabet) -> None:
    if alphabet == "ucs-2" and len(payload) % 2:
        raise BadPdu(Status.RINVMSGLEN, "a text in UCS-2 has an odd number of octets")
    if alphabet in ("gsm", "ascii") and any(octet > 0x7F for octet in payload):
        raise BadPdu(Status.RSUBMITFAIL, "the text has octets over 0x7f, which its alphabet has not")


def _decode_text(payload: bytes, alphabet: Alphabet) -> str:
    if alphabet == "gsm":
        return gsm.decode(payload)
    if alphabet == "binary":
        return payload.hex()
    if alphabet == "ucs-2":
        return payload.decode("utf-16-be", "replace")
    return payload.decode(alphabet, "replace")
