"""
Telephone numbers: E.164 inside, each gateway's own form outside, masked in everything that is shown.

Not a directory: where a user's number comes from is decided by the door.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

import phonenumbers

from smsotp_plugin.errors import NumberError
from smsotp_plugin.sms.home import find_home
from smsotp_plugin.sms.numbering import e164, is_number, read_with_plus, read_without_plus
from smsotp_plugin.sms.typed import describe_code_point, fold

#: Characters; a longer text holds more than a number.
_LONGEST = 100
_FEWEST_DIGITS, _MOST_DIGITS = 3, 20
#: As most directories hold numbers: E.164, with its plus and nothing else.
_PLAIN = re.compile(r"\+[1-9][0-9]{2,14}")
_SCHEME = "tel:"
_CONTEXT = re.compile(r"\s*phone-context=(\+[0-9().-]+)\s*", re.IGNORECASE)
#: A parameter that does not change who is called.
_PARAMETER = re.compile(r"\s*(?!(?:ext|isub)\b)[a-z][a-z0-9-]*\s*(?:=.*)?", re.IGNORECASE)
#: What stands between the digits of a number (ITU-T E.123, DIN 5008; the tildes as `phonenumbers` has them), once it is folded.
_FOREIGN = re.compile(r"[^0-9+ ().\[\]/~\u2053\u223c-]")
#: A plus stands before all digits.
_WRITTEN = re.compile(r"[^0-9+]*\+?[^+]*")
#: This many digits or fewer after the last hyphen or slash are an extension, or belong to a second number.
_LONGEST_EXTENSION = 2


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """
    One telephone number.

    Attributes:
        e164: ``+`` and 3 to 15 digits (ITU-T E.164). Never shown: `str` and `repr` give the masked form.
        masked: Country code and the last two digits, for example ``+49 *** **67``.
        region: ISO 3166 country code, ``001`` for numbers of no country.
    """

    e164: str = field(repr=False)
    masked: str
    region: str

    def __str__(self) -> str:
        return self.masked


@lru_cache(maxsize=16384)
def parse_number(text: str, default_region: str | None) -> PhoneNumber:
    """
    Read a number as people write it.

    Args:
        text: ``+49 170 1234567``, ``0049170...``, ``tel:+49-170...``, or a national number if there is a default region;
            with digits of any script, any blanks and hyphens, and characters that nobody sees.
        default_region: ISO 3166 code of the country of numbers without a plus, such as ``DE``, or None.

    Raises:
        NumberError: It is not a number, a national one without a default region, or one that can be read in two ways.
    """
    if _PLAIN.fullmatch(text) and (home := find_home(text[1:])) is not None:
        return PhoneNumber(text, _mask(home.code, text), home.region)
    written = _write(text)
    digits = _read_digits(written)
    if not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
        raise NumberError("it is empty, too short or too long")
    plus = "+" in written
    whole, _, behind = written.replace("/", "-").rpartition("-")
    if 1 <= len(_read_digits(behind)) <= _LONGEST_EXTENSION and is_number(
        _read_digits(whole), default_region, plus=plus
    ):
        raise NumberError(
            "what stands behind its last hyphen or slash may be an extension or a second number: write one number, "
            "without them"
        )
    number = read_with_plus(digits) if plus else read_without_plus(digits, default_region)
    return PhoneNumber(
        e164=e164(number),
        masked=_mask(str(number.country_code), digits),
        region=phonenumbers.region_code_for_country_code(number.country_code or 0),
    )


def _mask(country_code: str, digits: str) -> str:
    return f"+{country_code} *** **{digits[-2:]}"


def _read_digits(written: str) -> str:
    return "".join(filter(str.isdigit, written))


def _write(text: str) -> str:
    """
    Return the text of a number with nothing but ASCII digits, plus and what separates.

    Raises:
        NumberError: It holds something else.
    """
    if len(text) > _LONGEST:
        raise NumberError("it is empty, too short or too long")
    written = fold(text).strip()
    if written[: len(_SCHEME)].lower() == _SCHEME:
        written = _drop_parameters(written[len(_SCHEME) :])
    if foreign := _FOREIGN.search(written):
        raise NumberError(
            f"it holds the character {describe_code_point(foreign[0])}, which no telephone number has (an extension cannot get "
            "an SMS)"
        )
    if not _WRITTEN.fullmatch(written):
        raise NumberError("it holds a plus in the middle: write one number")
    return written


def _drop_parameters(link: str) -> str:
    """Return the number in a link with the country code that stands behind it (RFC 3966 section 5.1.5)."""
    number, *parameters = link.split(";")
    if not all(map(_PARAMETER.fullmatch, parameters)):
        return link
    context = next(filter(None, map(_CONTEXT.fullmatch, parameters)), None)
    return f"{context[1]} {number}" if context and "+" not in number else number


class NumberFormat(StrEnum):
    """How a gateway wants a number written."""

    PLUS = "plus"
    """``+491701234567``"""
    DIGITS = "digits"
    """``491701234567``"""
    ZEROS = "zeros"
    """``00491701234567``"""


_PREFIX = {NumberFormat.PLUS: "+", NumberFormat.DIGITS: "", NumberFormat.ZEROS: "00"}


def write_number(number: PhoneNumber, form: NumberFormat) -> str:
    """Write a number as a gateway wants it."""
    return _PREFIX[form] + number.e164[1:]
