"""Language tags, such as ``de`` or ``zh-hant-tw``: which of several fits a person best."""

import re
from collections.abc import Container

_LAST_PART = re.compile(r"[-_][^-_]*\Z")


def find_language(wanted: str, known: Container[str]) -> tuple[str, int] | None:
    """
    Look for a language, then for the one that it is a kind of: ``zh-hant-tw``, ``zh-hant``, ``zh`` (RFC 4647 section 3.4).

    Args:
        wanted: In lower case; empty if it is not known.
        known: In lower case.

    Returns:
        What was found, and how many parts had to be left out; None if there is nothing that fits.
    """
    left_out = 0
    while wanted:
        if wanted in known:
            return wanted, left_out
        shorter = _LAST_PART.sub("", wanted)
        if shorter == wanted:
            return None
        wanted, left_out = shorter, left_out + 1
    return None
