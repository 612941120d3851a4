"""How a text becomes the parts of SMPP messages, and how long the SMSC is to try them. No I/O."""

from collections import OrderedDict
from datetime import UTC, datetime
from math import ceil
from random import Random
from threading import Lock
from typing import Final, Literal

from smsotp_plugin.errors import BadMessage
from smsotp_plugin.sms.segments import Coding, Segments, make_concatenation_header, plan_segments
from smsotp_plugin.wire.smpp.pdu import Part

_UCS2: Final = 0x08
#: Alphabets other than the GSM one that an SMSC may expect for a data_coding (SMPP 3.4 section 5.2.19).
_CHARSETS: Final = {0x01: "ascii", 0x03: "latin-1"}
#: SMSCs refuse or ignore a shorter validity period. Seconds.
_SHORTEST_VALIDITY: Final = 60
_MOST_RECIPIENTS: Final = 4096


def _choose_ucs2(data_coding: int) -> int:
    """
    Return the data_coding for UCS-2 that has the same class or indication as one for the GSM alphabet.

    SMPP 3.4 section 5.2.19 hands these groups on as 3GPP TS 23.038 section 4 has them.
    """
    group = data_coding >> 4
    if group in (0x1, 0xF):
        return 0x18 | data_coding & 0x03
    # Message waiting: 1101 in the GSM alphabet, 1110 in UCS-2.
    return 0xE0 | data_coding & 0x0F if group in (0xD, 0xE) else _UCS2


def is_known_coding(data_coding: int) -> bool:
    """Tell whether texts can be sent in the alphabet that a data_coding stands for."""
    if data_coding in (0, *_CHARSETS, _choose_ucs2(data_coding)):
        return True
    # Bits 2 and 3 name the alphabet: 0 is the GSM one.
    return (data_coding >> 4 in (0x1, 0xF) and not data_coding & 0x0C) or data_coding >> 4 in (0xC, 0xD)


class PartMaker:
    """
    Codes and cuts texts. Thread-safe.

    Args:
        data_coding: What texts of the GSM alphabet are sent as: 1 and 3 change their bytes, 8 (or 0x18 to 0x1B) makes
            them UCS-2. A class that it holds (flash, say) is kept for texts that need UCS-2.
        random: For the first reference of a recipient's long texts.
    """

    def __init__(self, data_coding: int, random: Random) -> None:
        self._data_coding = data_coding
        self._ucs2 = _choose_ucs2(data_coding)
        self._references = _References(random)

    def make(self, text: str, number: str) -> list[Part]:
        """
        Return the parts of a text.

        Args:
            text: Any text.
            number: Whom it goes to, for the references only.

        Raises:
            BadMessage: It is too long, or no valid Unicode.
        """
        charset = _CHARSETS.get(self._data_coding)
        ucs2 = self._data_coding == self._ucs2 or (charset is not None and not _fits(text, charset))
        plan = plan_segments(text, Coding.UCS2 if ucs2 else None)
        headers = self._make_headers(plan, number)
        if plan.coding is Coding.UCS2:
            coding, coded = self._ucs2, plan.encode_parts()
        else:
            coding = self._data_coding
            coded = [part.encode(charset) for part in plan.parts] if charset else plan.encode_parts()
        return [Part(coding, header, text) for header, text in zip(headers, coded, strict=True)]

    def _make_headers(self, plan: Segments, number: str) -> list[bytes]:
        if plan.count == 1:
            return [b""]
        reference = self._references.next(number)
        return [make_concatenation_header(reference, plan.count, place) for place in range(1, plan.count + 1)]


class _References:
    """Numbers the long texts to each recipient, so that a handset does not mix up the parts of two of them."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._lock = Lock()
        self._last: OrderedDict[str, int] = OrderedDict()

    def next(self, number: str) -> int:
        """Return a reference that the last 255 texts to this number did not have, 0 to 255."""
        with self._lock:
            last = self._last.pop(number, None)
            reference = self._random.randrange(256) if last is None else (last + 1) % 256
            self._last[number] = reference
            if len(self._last) > _MOST_RECIPIENTS:
                self._last.popitem(last=False)
            return reference


def _fits(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def pack_validity_period(
    form: Literal["relative", "absolute", "none"], *, now: float, expires: float
) -> bytes:
    """
    Return the validity period of a message: the SMSC need not try any longer than the code is good.

    Args:
        form: How it is written. SMPP 3.4 section 7.1.1.
        now: Unix seconds.
        expires: Unix seconds.

    Raises:
        BadMessage: It is longer than a relative period can say.
    """
    if form == "none":
        return b""
    seconds = max(_SHORTEST_VALIDITY, ceil(expires - now))
    if form == "absolute":
        return datetime.fromtimestamp(now + seconds, UTC).strftime("%y%m%d%H%M%S000+").encode("ascii")
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days > 30:
        raise BadMessage(
            "VALIDITY_PERIOD: the code is good for longer than the 30 days that a relative one can say"
        )
    return b"0000%02d%02d%02d%02d000R" % (days, hour, minute, second)
