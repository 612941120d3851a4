"""Texts that people are shown, and what must not be in them."""

import re

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def has_control(text: str) -> bool:
    """Tell whether a text holds control characters of ASCII other than line breaks."""
    return _CONTROL.search(text) is not None


def check_printable(text: str) -> str:
    """Return the text, or raise ValueError where it holds control characters."""
    if has_control(text):
        raise ValueError("must not hold control characters other than line breaks")
    return text
