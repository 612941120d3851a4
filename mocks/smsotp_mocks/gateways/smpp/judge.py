"""Refuses what an SMSC does not take although the PDU can be read: each field by its section of SMPP 3.4, with its status."""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from smsotp_mocks.gateways.smpp.pdu import BadPdu, Status, SubmitSm

_INTERNATIONAL = re.compile(r"[1-9][0-9]{6,14}")
_ANY_NUMBER = re.compile(r"\+?[0-9]{3,20}")
_NUMBER = re.compile(r"\+?[0-9]*")
_ABSOLUTE = re.compile(
    r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})[0-9]([0-3][0-9]|4[0-8])([+-])"
)
_RELATIVE = re.compile(
    r"[0-9]{2}(?:0[0-9]|1[0-2])(?:[0-2][0-9]|3[01])(?:[01][0-9]|2[0-4])[0-5][0-9][0-5][0-9]000R"
)
_TYPES_OF_NUMBER = range(7)  # section 5.2.5
_NUMBERING_PLANS = (0, 1, 3, 4, 6, 8, 9, 10, 14, 18)  # section 5.2.6
_UNKNOWN, _INTERNATIONAL_TYPE, _ALPHANUMERIC = 0, 1, 5
_LONGEST_INTERNATIONAL = 15  # ITU-T E.164
_LONGEST_NAME = 11  # 3GPP TS 23.040 section 9.1.2.5
_MESSAGE_TYPES = (0x00, 0x08, 0x10)  # section 5.2.12, bits 5 to 2, from an ESME
#: Octets of the optional parameters that have one length only, by tag (section 5.3.2).
_SIZES = {
    **dict.fromkeys((0x0005, 0x0006, 0x0007, 0x000D, 0x000E, 0x000F, 0x0019, 0x0030, 0x0201, 0x0205), 1),
    **dict.fromkeys((0x020D, 0x020E, 0x020F, 0x0302, 0x0304, 0x0426, 0x0501, 0x1201, 0x1204, 0x1380), 1),
    **dict.fromkeys((0x0008, 0x0010, 0x0204, 0x020A, 0x020B, 0x020C, 0x1203, 0x1383), 2),
    0x0017: 4,
    0x130C: 0,
}
#: The highest value that is not reserved, by tag.
_HIGHEST = {
    **dict.fromkeys((0x0005, 0x000D), 4),  # dest_addr_subunit, source_addr_subunit
    **dict.fromkeys((0x0006, 0x000E), 8),  # dest_network_type, source_network_type
    **dict.fromkeys((0x0007, 0x000F), 8),  # dest_bearer_type, source_bearer_type
    0x0019: 1,  # payload_type
    0x0201: 3,  # privacy_indicator
    0x020D: 5,  # language_indicator
    0x0304: 99,  # number_of_messages
    0x0426: 1,  # more_messages_to_send
    0x1201: 2,  # display_time
    0x1204: 3,  # ms_validity
    0x1380: 8,  # its_reply_type
}
_QUARTER = 15 * 60  # seconds; section 7.1.1.1 counts the difference to UTC in these


def judge(submit: SubmitSm, now: float | None = None) -> None:
    """
    Judge the fields of a submit_sm that hold no text.

    Args:
        now: Unix seconds; None: those of the clock.

    Raises:
        BadPdu: One of them cannot be; the first in the order of the PDU.
    """
    _judge_source(submit)
    _judge_destination(submit)
    kind = submit.esm_class & 0x3C
    _demand(kind in _MESSAGE_TYPES, Status.RINVESMCLASS, f"esm_class 0x{submit.esm_class:02x} is reserved")
    _demand(submit.priority_flag <= 3, Status.RINVPRTFLG, f"priority_flag {submit.priority_flag} is reserved")
    _demand(
        not submit.schedule_delivery_time,
        Status.RINVSCHED,
        "schedule_delivery_time is set: this SMSC delivers at once only",
    )
    _judge_validity(submit.validity_period, time.time() if now is None else now)
    asked = submit.registered_delivery
    _demand(
        asked & 3 != 3 and asked < 0x20,
        Status.RINVREGDLVFLG,
        f"registered_delivery 0x{asked:02x} is reserved",
    )
    _demand(
        submit.replace_if_present_flag <= 1,
        Status.RINVREPFLAG,
        f"replace_if_present_flag {submit.replace_if_present_flag} is reserved",
    )
    # Section 5.2.22.
    _demand(
        submit.sm_default_msg_id < 255,
        Status.RINVDFTMSGID,
        f"sm_default_msg_id {submit.sm_default_msg_id} is reserved",
    )
    _judge_options(submit.tlvs)


def _judge_options(tlvs: Mapping[int, bytes]) -> None:
    for tag, value in tlvs.items():
        size = _SIZES.get(tag, len(value))
        _demand(
            len(value) == size,
            Status.RINVPARLEN,
            f"the optional parameter 0x{tag:04x} has the length {len(value)} instead of {size}",
        )
        number = int.from_bytes(value)
        _demand(
            tag not in _HIGHEST or number <= _HIGHEST[tag],
            Status.RINVOPTPARAMVAL,
            f"the value {number} of the optional parameter 0x{tag:04x} is reserved",
        )


def _judge_source(submit: SubmitSm) -> None:
    ton, npi, address = submit.source_addr_ton, submit.source_addr_npi, submit.source_addr
    _demand(ton in _TYPES_OF_NUMBER, Status.RINVSRCTON, f"source_addr_ton {ton} is reserved")
    _demand(npi in _NUMBERING_PLANS, Status.RINVSRCNPI, f"source_addr_npi {npi} is reserved")
    _demand(
        address.isascii() and (address.isprintable() or not address),
        Status.RINVSRCADR,
        "the source has characters that are not printable ASCII",
    )
    name = ton == _ALPHANUMERIC or not _NUMBER.fullmatch(address)
    _demand(
        not name or len(address) <= _LONGEST_NAME,
        Status.RINVSRCADR,
        f"the sender's name has {len(address)} characters: no network carries more than {_LONGEST_NAME}",
    )
    _demand(
        not name or ton in (_UNKNOWN, _ALPHANUMERIC),
        Status.RINVSRCADR,
        "the source is not a number of its type",
    )
    digits = address.removeprefix("+")
    _demand(
        ton != _INTERNATIONAL_TYPE or not address or 1 <= len(digits) <= _LONGEST_INTERNATIONAL,
        Status.RINVSRCADR,
        f"the source is not an international number: 1 to {_LONGEST_INTERNATIONAL} digits",
    )


def _judge_destination(submit: SubmitSm) -> None:
    ton, npi = submit.dest_addr_ton, submit.dest_addr_npi
    _demand(
        ton in _TYPES_OF_NUMBER and ton != _ALPHANUMERIC, Status.RINVDSTTON, f"dest_addr_ton {ton} cannot be"
    )
    _demand(npi in _NUMBERING_PLANS, Status.RINVDSTNPI, f"dest_addr_npi {npi} is reserved")
    form = _INTERNATIONAL if ton == _INTERNATIONAL_TYPE else _ANY_NUMBER
    _demand(
        form.fullmatch(submit.destination_addr) is not None,
        Status.RINVDSTADR,
        "the destination is not a number of its type",
    )


def _judge_validity(text: str, now: float) -> None:
    """Judge a time of section 7.1.1."""
    if not text or _RELATIVE.fullmatch(text):
        return
    found = _ABSOLUTE.fullmatch(text)
    _demand(found is not None, Status.RINVEXPIRY, "validity_period is no time")
    assert found is not None
    year, month, day, hour, minute, second, quarters = (int(part) for part in found.groups()[:7])
    try:
        moment = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        raise BadPdu(Status.RINVEXPIRY, "validity_period is no time") from None
    difference = quarters * _QUARTER
    moment -= difference if found[8] == "+" else -difference
    _demand(moment > now, Status.RINVEXPIRY, "validity_period has passed")


def _demand(good: bool, status: Status, reason: str) -> None:  # noqa: FBT001  (reads as a sentence)
    if not good:
        raise BadPdu(status, reason)
