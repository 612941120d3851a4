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


def find_code(text: str) -> str:
    """
    Return the one-time code in a text, or an empty string.

    Looked for in this order: the last line of an origin-bound text (`@example.com #123456`), a text that is nothing
    but a code, six to eight digits (also `123-456`) or capitals mixed with digits, other runs of four to ten digits,
    a word of capitals. The first hit wins.
    """
    bound = _ORIGIN_BOUND.search(text)
    if bound:
        return bound.group(1)
    if _WHOLE.fullmatch(text.strip()):
        return text.strip()
    for pattern in (_USUAL, _SHORT_OR_LONG, _LETTERS):
        found = pattern.search(text)
        if found:
            return found.group().replace(" ", "").replace("-", "")
    return ""
