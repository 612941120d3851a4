"""
Which spellings of a User-Name stand for one account.

Directories, databases and realm modules take many spellings for the same person: LDAP and SQL fold case, blanks and, with
usual collations, accents (RFC 4518; UTS 10); FreeRADIUS strips realms before or behind the name. Whatever is counted for an
account must treat them as one, or every other spelling would be a way round it. Two people with the same folded name share
what is counted under it; but counts are also kept for the number, which each of them has for themselves.
"""

import re
import unicodedata

#: The delimiters of FreeRADIUS's realm modules: behind the name, and before it.
_REALM_BEHIND, _REALM_BEFORE = "@%", "\\/!"
#: Blanks and control characters.
_ASCII_IGNORED = bytes((*range(33), 127))
#: General categories that no comparison of names counts: blanks, control and format characters, combining marks.
_IGNORED = ("Z", "C", "M")
#: A letter with something that Unicode does not take apart, such as a stroke.
_VARIANT = re.compile(r"LATIN (?:SMALL|CAPITAL) (?:LETTER|LIGATURE) ([A-Z]{1,2})(?: WITH .*)?")


def fold_account(user: str) -> str:
    """
    Return what all spellings of a User-Name have in common.

    Args:
        user: User-Name, as sent.

    Returns:
        The name without realm, blanks, case, accents and width; the whole text without these where it is nothing but realm.
    """
    # Such a name holds nothing that is ignored, and no delimiter.
    if user.isascii() and user.isalnum():
        return user.lower()
    # Before anything is cut off: whoever folds width takes a full-width delimiter for one.
    text = _drop_ignored(user).lower() if user.isascii() else _fold_letters(user)
    name = text
    for delimiter in _REALM_BEHIND:
        name = name.partition(delimiter)[0]
    for delimiter in _REALM_BEFORE:
        name = name.rpartition(delimiter)[2]
    return name or text


def _drop_ignored(text: str) -> str:
    return text.encode().translate(None, _ASCII_IGNORED).decode()


def _fold_letters(text: str) -> str:
    # By way of the upper case: some letters have another one's, such as the dotless i.
    return "".join(_plain_letter(char) for char in _bare(_bare(text).upper().casefold()))


def _bare(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text)
    return "".join(char for char in letters if not unicodedata.category(char).startswith(_IGNORED))


def _plain_letter(char: str) -> str:
    if char.isascii():
        return char
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    variant = _VARIANT.fullmatch(unicodedata.name(char, ""))
    return variant[1].lower() if variant else char
