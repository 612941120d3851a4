"""
Telephone numbers: E.164 inside, each gateway's own form outside, masked in everything that is shown.

Not a directory: where a user's number comes from is decided by the door.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any

import phonenumbers
from pydantic import BeforeValidator

from smsotp_plugin.errors import NumberError

#: What an attribute may hold besides digits; anything else is no telephone number.
_WRITTEN = re.compile(r"(?:\+|00)?[0-9 ()./\-]{3,40}")


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
        text: ``+49 170 1234567``, ``0049170...``, or a national number if there is a default region.
        default_region: ISO 3166 country code such as ``DE`` for numbers without a country code, or None.

    Raises:
        NumberError: It is no number, or a national one without a default region.
    """
    written = text.strip()
    if not _WRITTEN.fullmatch(written):
        raise NumberError(
            "it is empty, too short or too long, or holds characters that no telephone number has"
        )
    if written.startswith("00"):
        written = "+" + written[2:]
    if not written.startswith("+") and default_region is None:
        raise NumberError(
            'it has no country code: write it as "+49170...", or set users.default_region (for example "DE")'
        )
    try:
        parsed = phonenumbers.parse(written, default_region)
    except phonenumbers.NumberParseException as exc:
        raise NumberError("it is no telephone number") from exc
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise NumberError("its length is not that of a number of its country")
    digits = phonenumbers.national_significant_number(parsed)
    return PhoneNumber(
        e164=f"+{parsed.country_code}{digits}",
        masked=f"+{parsed.country_code} *** **{digits[-2:]}",
        region=phonenumbers.region_code_for_country_code(parsed.country_code or 0),
    )


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


@dataclass(frozen=True, slots=True)
class Rewriting:
    r"""
    The parameter REGEXP: ``/pattern/replacement/``, applied to the number in E.164 form.

    Python's regular expressions, every match is replaced, groups are ``\1``. A slash inside is written ``\/``.
    """

    source: str
    pattern: re.Pattern[str] = field(repr=False)
    replacement: str = field(repr=False)

    def apply(self, number: str) -> str:
        """Return the number with every match replaced."""
        return self.pattern.sub(self.replacement, number)


def _read_rewriting(value: Any) -> Any:
    if value is None or isinstance(value, Rewriting):
        return value
    parts = re.split(r"(?<!\\)/", value) if isinstance(value, str) else []
    if len(parts) != 4 or parts[0] or parts[3] or not parts[1]:
        raise ValueError("must have the form /pattern/replacement/, with \\/ for a slash inside")
    source, replacement = (part.replace("\\/", "/") for part in parts[1:3])
    try:
        pattern = re.compile(source)
        pattern.sub(replacement, "+491701234567")
    except (re.error, IndexError) as exc:
        raise ValueError(f"is no valid regular expression with replacement: {exc}") from exc
    return Rewriting(value, pattern, replacement)


RewritingSetting = Annotated[Rewriting | None, BeforeValidator(_read_rewriting)]
