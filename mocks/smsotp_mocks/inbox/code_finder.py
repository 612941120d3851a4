"""Finding the one-time code in the text of an SMS, as a phone's keyboard suggestion would."""

import re

_ORIGIN_BOUND = re.compile(r"^@\S+ #([0-9A-Za-z]{3,16})", re.MULTILINE)
_WHOLE = re.compile(r"[0-9A-Za-z]{3,16}")
# A candidate stands alone: no letter, digit or "+" touches it, so that parts of numbers and links are left out.
_ALONE = r"(?<![0-9A-Za-z+/.,:@#_-]){}(?![0-9A-Za-z/:@_-]|[.,][0-9])"
_USUAL = re.compile(
    _ALONE.format(r"(?:[0-9]{6,8}|[0-9]{3}[ -][0-9]{3}|(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[0-9A-Z]{6,12})")
)
_SHORT_OR_LONG = re.compile(_ALONE.format(r"(?:[0-9]{4,5}|[0-9]{9,10})"))
_LETTERS = re.compile(_ALONE.format(r"[A-Z]{6,12}"))
#: What a sender calls the code, and what may stand between that and the code itself: no digit, and no end of a sentence.
_CALLED = (
    r"(?i:\b(?:(?:\w+-?)?(?:code|passcode|password|passwort|kennwort|otp|m?tan|pin|token|one-time password)))"
    r"(?:(?i:[^0-9.!?\n]{0,60}?\b(?:is|are|ist|lautet|lauten|est|es|=))|\s*(?:[:=#\u2013-]|(?i:nr\.?|no\.?|number)))?"
)
_NAMED = re.compile(
    _CALLED + r"[\s:\"'\u201c\u201e#*(\[-]{0,4}"
    r"([0-9]{3}[ -][0-9]{3}|[0-9]{4,10}|(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[0-9A-Z]{4,12})(?![0-9A-Za-z/:@_]|[.,-][0-9])"
)
#: A letter or a word of capitals before the code, as the senders of "G-123456" have it; only the digits are typed.
_PREFIXED = re.compile(r"(?<![0-9A-Za-z+/.,:@#_-])[A-Z]{1,5}-([0-9]{4,8})(?![0-9A-Za-z/:@_-]|[.,][0-9])")


def find_code(text: str) -> str:
    """
    Return the one-time code in a text, or an empty string.

    Looked for in this order: the last line of an origin-bound text (`@example.com #123456`), a text that is nothing
    but a code, what stands behind a word such as code, OTP, TAN or PIN, digits behind a capital and a hyphen
    (`G-123456`), six to eight digits (also `123-456`) or capitals mixed with digits, other runs of four to ten digits,
    a word of capitals. The first hit wins.
    """
    bound = _ORIGIN_BOUND.search(text)
    if bound:
        return bound.group(1)
    if _WHOLE.fullmatch(text.strip()):
        return text.strip()
    for pattern in (_NAMED, _PREFIXED):
        if found := pattern.search(text):
            return _bare(found[1])
    for pattern in (_USUAL, _SHORT_OR_LONG, _LETTERS):
        found = pattern.search(text)
        if found:
            return _bare(found[0])
    return ""


def _bare(code: str) -> str:
    return code.replace(" ", "").replace("-", "")
