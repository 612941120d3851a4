"""
The GSM 7 bit default alphabet with its extension table, one septet in a byte.

3GPP TS 23.038 sections 6.2.1 and 6.2.1.1. Not the packing of eight septets into seven bytes: that is done by the
network. No national language tables: too few handsets and gateways know them.
"""

#: The septet is the position. The place of the escape (0x1B) is filled with a character that no text holds.
_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\udc1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPE = 0x1B
_EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}

_CODES: dict[str, bytes] = {
    character: bytes([septet]) for septet, character in enumerate(_ALPHABET) if septet != _ESCAPE
} | {character: bytes([_ESCAPE, septet]) for character, septet in _EXTENSION.items()}
_SEPTETS = str.maketrans({character: code.decode("ascii") for character, code in _CODES.items()})
_KNOWN = frozenset(_CODES)
_ESCAPED = frozenset(_EXTENSION)


def fits_gsm7(text: str) -> bool:
    """Tell whether every character is in the alphabet or its extension table."""
    return _KNOWN.issuperset(text)


def count_gsm7_units(character: str) -> int:
    """Return how many septets a character of the alphabet takes: 2 in the extension table, else 1."""
    return 2 if character in _ESCAPED else 1


def count_gsm7(text: str) -> int:
    """Return how many septets a text takes that fits the alphabet."""
    return len(text) + sum(map(text.count, _ESCAPED))


def encode_gsm7(text: str) -> bytes:
    """
    Encode a text, one septet in a byte, as SMPP's data_coding 0 carries it.

    Raises:
        ValueError: A character is not in the alphabet; the text is not repeated.
    """
    if not fits_gsm7(text):
        raise ValueError("a character is not in the GSM 7 bit default alphabet")
    return text.translate(_SEPTETS).encode("ascii")
