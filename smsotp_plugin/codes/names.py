"""
Which part of a User-Name may be shown: it may be a telephone number, or a code that somebody typed into the wrong field.

A password in that field cannot be told from a name.
"""

import re

from smsotp_plugin.sms.typed import fold, fold_word

#: Name and realm, in either order.
_PARTS = re.compile(r"([@\\])")
_NO_DIGITS = re.compile("[^0-9]+")
#: Fewer digits than this cannot be a telephone number with its area code.
_FEWEST_DIGITS = 7


def mask_name(user: str, code_length: int, alphabet: str) -> str:
    """
    Return a name with what reads as a telephone number or as a code hidden; the same text where nothing does.

    Args:
        user: User-Name, as sent.
        code_length: Characters of a code.
        alphabet: What codes are made of.
    """
    return "".join(
        "***" if could_be_code(part, code_length, alphabet) else _strip_number(part)
        for part in _PARTS.split(user)
    )


def could_be_code(text: str, code_length: int, alphabet: str) -> bool:
    """Tell whether a text, as typed, could be a code."""
    word = fold_word(text)
    return len(word) == code_length and set(word.casefold()) <= set(alphabet.casefold())


def _strip_number(text: str) -> str:
    digits = _NO_DIGITS.sub("", fold(text))
    if len(digits) < _FEWEST_DIGITS or len(digits) * 2 <= len(fold_word(text)):
        return text
    return f"*** **{digits[-2:]}"
