"""Phone numbers as the inbox compares them. Judging a number is each gateway's own business."""

import re

_NO_DIGIT = re.compile(r"[^0-9]")


def normalise_number(written: str) -> str:
    """
    Return a number in the one form by which the inbox searches.

    Args:
        written: As a request had it: ``+49 170 123``, ``0049170123``, ``49170123``.

    Returns:
        ``+`` and the digits. A national number (one leading zero) stays without ``+``: its country is not known.
    """
    digits = _NO_DIGIT.sub("", written)
    if written.lstrip().startswith("+"):
        return "+" + digits
    if digits.startswith("00"):
        return "+" + digits[2:]
    return digits if digits.startswith("0") or not digits else "+" + digits
