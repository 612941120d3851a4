"""
How a text becomes short messages: which alphabet, how many parts, where they are cut.

3GPP TS 23.038 section 6.2 (alphabets) and TS 23.040 section 9.2.3.24.1 (concatenation). No protocol: what a provider
does with the parts is its own matter.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from smsotp_plugin.errors import BadMessage
from smsotp_plugin.sms.gsm7 import count_gsm7, count_gsm7_units, encode_gsm7, fits_gsm7

#: One byte of the header holds the number of parts.
MOST_PARTS = 255


class Coding(StrEnum):
    """The alphabet of an SMS; all parts of a text have the same."""

    GSM7 = "gsm7"
    """The GSM 7 bit default alphabet with its extension table: 160 septets, or 153 in each of several parts."""
    UCS2 = "ucs2"
    """UTF-16, big endian: 70 units, or 67 in each of several parts. A character beyond U+FFFF takes two."""


@dataclass(frozen=True, slots=True)
class Segments:
    """
    A text, cut into the parts that go out as one SMS each.

    Attributes:
        coding: The alphabet of all parts.
        parts: Their texts in order, at least one. Never shown: a part holds the code.
    """

    coding: Coding
    parts: tuple[str, ...] = field(repr=False)

    @property
    def count(self) -> int:
        """Return how many SMS the text becomes."""
        return len(self.parts)

    def encode_parts(self) -> list[bytes]:
        """Return the bytes of each part: septets one in a byte, or UTF-16 big endian."""
        return [encode_text(part, self.coding) for part in self.parts]


@dataclass(frozen=True, slots=True)
class _Size:
    """Units that fit into a text's only part, and into each of several (the header takes the rest)."""

    alone: int
    joined: int


_SIZES = {Coding.GSM7: _Size(160, 153), Coding.UCS2: _Size(70, 67)}
#: Units that fit into one SMS.
LONGEST_ALONE = {coding: size.alone for coding, size in _SIZES.items()}


def plan_segments(text: str, coding: Coding | None = None) -> Segments:
    """
    Cut a text into as few parts as the standard allows.

    A character that takes two units (an escaped one, a surrogate pair) is never cut in half.

    Args:
        text: Any text.
        coding: The alphabet, or None for the GSM alphabet where every character fits and UCS-2 elsewhere.

    Raises:
        BadMessage: It needs more than 255 parts, holds half a surrogate pair, or does not fit the alphabet asked for.
    """
    coding = coding or (Coding.GSM7 if fits_gsm7(text) else Coding.UCS2)
    count, units = _judge(text, coding)
    size = _SIZES[coding]
    if count <= size.alone:
        return Segments(coding, (text,))
    parts = tuple(_cut(text, size.joined, units))
    if len(parts) > MOST_PARTS:
        raise BadMessage(
            f"the text needs {len(parts)} SMS; more than {MOST_PARTS} cannot be joined by a handset"
        )
    return Segments(coding, parts)


def encode_text(text: str, coding: Coding) -> bytes:
    """
    Encode a text that fits the alphabet.

    Raises:
        ValueError: It does not.
    """
    return encode_gsm7(text) if coding is Coding.GSM7 else text.encode("utf-16-be")


def make_concatenation_header(reference: int, total: int, number: int) -> bytes:
    """
    Return the user data header of one of several parts, with an 8 bit reference.

    Args:
        reference: Same for all parts of a text, and another one for the next text to the same recipient; its lowest
            8 bits are used.
        total: Number of parts, 2 to 255.
        number: Of this part, from 1.

    See 3GPP TS 23.040 section 9.2.3.24.1.
    """
    return bytes([5, 0, 3, reference & 0xFF, total, number])


def _judge(text: str, coding: Coding) -> tuple[int, Callable[[str], int]]:
    """Return the units of the text and how those of one character are counted."""
    if coding is Coding.GSM7:
        if not fits_gsm7(text):
            raise BadMessage("a character of the text is not in the GSM 7 bit alphabet")
        return count_gsm7(text), count_gsm7_units
    try:
        return len(text.encode("utf-16-be")) // 2, _count_utf16_units
    except UnicodeEncodeError:
        raise BadMessage("the text holds half of a surrogate pair: it is not valid Unicode") from None


def _count_utf16_units(character: str) -> int:
    return 2 if character > "\uffff" else 1


def _cut(text: str, room: int, units: Callable[[str], int]) -> Iterator[str]:
    """Fill each part as far as it goes: with whole characters that is also the smallest number of parts."""
    start = used = 0
    for position, character in enumerate(text):
        used += units(character)
        if used > room:
            yield text[start:position]
            start, used = position, units(character)
    yield text[start:]
