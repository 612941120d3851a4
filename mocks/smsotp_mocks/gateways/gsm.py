"""
The GSM 7-bit default alphabet and the counting of segments. 3GPP TS 23.038 section 6.2.1, TS 23.040 section 9.2.3.24.

Written from the standard, for the receiving side; shares nothing with what a sender under test uses.
"""

# Position in the string is the septet. 0x1B is the escape to the extension table and stands here as itself.
ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
ESCAPE = 0x1B
EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_BASIC = frozenset(ALPHABET) - {"\x1b"}
_EXTENDED = frozenset(EXTENSION.values())


def decode(septets: bytes) -> str:
    """
    Decode unpacked septets, one in a byte.

    An unknown escaped septet shows as the character of the default table (TS 23.038 section 6.2.1.1, note 1); an
    escape at the end as a blank; a byte above 0x7F is not a septet and shows as U+FFFD.
    """
    text: list[str] = []
    escaped = False
    for septet in septets:
        if septet > 0x7F:
            text.append("\ufffd")
            escaped = False
        elif escaped:
            text.append(EXTENSION.get(septet, ALPHABET[septet] if septet != ESCAPE else " "))
            escaped = False
        elif septet == ESCAPE:
            escaped = True
        else:
            text.append(ALPHABET[septet])
    if escaped:
        text.append(" ")
    return "".join(text)


def count_segments(text: str) -> int:
    """
    Return how many SMS a network needs for a text: 160 or 153 septets, else 70 or 67 UTF-16 units.

    A pair (escape and character, or two surrogates) is never cut in half, so the last unit of a part may stay empty.
    """
    if all(character in _BASIC or character in _EXTENDED for character in text):
        sizes = [2 if character in _EXTENDED else 1 for character in text]
        return _count_parts(sizes, single=160, joined=153)
    return count_ucs2_segments(text)


def count_ucs2_segments(text: str) -> int:
    """Return how many SMS a network needs for a text that it was given in UCS-2, whatever its characters are."""
    return _count_parts([2 if ord(character) > 0xFFFF else 1 for character in text], single=70, joined=67)


def count_octet_segments(octets: int) -> int:
    """Return how many SMS a network needs for data of 8 bits."""
    return _count_parts([1] * octets, single=140, joined=134)


def _count_parts(sizes: list[int], *, single: int, joined: int) -> int:
    if sum(sizes) <= single:
        return 1
    parts, used = 1, 0
    for size in sizes:
        if used + size > joined:
            parts, used = parts + 1, 0
        used += size
    return parts
