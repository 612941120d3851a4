"""Text as it is meant, whatever word processors and right-to-left keyboards make of it."""

import unicodedata

#: What is meant by all characters of a general category (Unicode Standard, section 4.5).
_MEANT = {"Pd": "-", "Zs": " ", "Cf": ""}
#: Full-width forms that stand in numbers.
_WIDE = str.maketrans("\uff0b\uff08\uff09\uff0f\uff0e", "+()/.")


def simplify(text: str) -> str:
    """Return a text with one hyphen, one blank, ASCII digits, and nothing that is invisible."""
    return "".join(map(_simplify, text.translate(_WIDE)))


def _simplify(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return " " if character == "\t" else _MEANT.get(category, character)
