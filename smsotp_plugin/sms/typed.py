"""
Reads text as people type, copy and paste it: what its characters are meant to be.

Word processors, web pages and right-to-left keyboards add invisible characters, and write the same character in many ways.
"""

import re
import unicodedata

#: Default_Ignorable_Code_Point (Unicode Character Database) as far as it is not of the category Cf.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
#: Hyphens that are not of the category Pd: the minus sign, and the sound mark that stands for it in Japanese numbers.
_FURTHER_HYPHENS = "\u2212\u30fc\uff70"
#: Compatibility forms of the same character (Unicode Standard Annex 44, table 14).
_SAME_CHARACTER = ("<wide>", "<narrow>", "<noBreak>")
#: What is meant by all characters of a general category (Unicode Standard, section 4.5).
_MEANT = {"Cf": "", "Pd": "-", "Zs": " "}
#: First letters of the general categories of what only separates: blanks and punctuation.
_SEPARATES = ("Z", "P")


def fold_character(char: str) -> str:
    """
    Return what is meant by a character, for comparing and reading.

    Returns:
        A decimal digit of any script as ASCII, any hyphen as ``-``, a blank or tab as a blank, full-width and narrow forms
        as the plain character, nothing for what is invisible. Everything else, line breaks too, as it is.
    """
    if char.isascii():
        return " " if char == "\t" else char
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category in _MEANT:
        return _MEANT[category]
    if char in _FURTHER_HYPHENS or _INVISIBLE.match(char):
        return "-" if char in _FURTHER_HYPHENS else ""
    same = unicodedata.decomposition(char).startswith(_SAME_CHARACTER)
    return unicodedata.normalize("NFKC", char) if same else char


def fold(text: str) -> str:
    """Return a text with each character as `fold_character` means it."""
    if text.isascii():
        return text.replace("\t", " ")
    return "".join(map(fold_character, text))


def fold_word(text: str) -> str:
    """
    Return a word without what separates its characters: blanks, line breaks, control characters, punctuation.

    Where nothing else was typed, nothing is left.
    """
    if text.isascii():
        return text if text.isalnum() else text.encode().translate(None, _ASCII_SEPARATORS).decode()
    return unicodedata.normalize("NFC", "".join(char for char in fold(text) if not _separates(char)))


def _separates(char: str) -> bool:
    category = unicodedata.category(char)
    return category == "Cc" or category.startswith(_SEPARATES)


#: What `fold_word` leaves out of plain text.
_ASCII_SEPARATORS = bytes(number for number in range(128) if _separates(chr(number)))


def describe_code_point(char: str) -> str:
    """Return the name of a character in a log or message, for example ``U+200B``, or ``"x" (U+0078)`` where ASCII shows it."""
    name = f"U+{ord(char):04X}"
    return f'"{char}" ({name})' if "!" <= char <= "~" else name
