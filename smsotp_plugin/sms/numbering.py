"""
Reads digits whose country code is not marked by a plus: finds all readings, and the one that counts.

``491701234567`` in Germany is a mobile number that somebody wrote without its plus, and a number of the town of Leer.
Only a number that can be read in one way is used: a wrong reading sends the code to a stranger.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress

import phonenumbers
from phonenumbers import (
    CountryCodeSource,
    NumberParseException,
    PhoneMetadata,
    PhoneNumberType,
    ValidationResult,
)

from smsotp_plugin.errors import NumberError
from smsotp_plugin.sms.home import load_homes
from smsotp_plugin.sms.kinds import load_kinds

_WITH_A_PLUS = 'write it with a plus and its country code, for example "+49170..."'
_AMBIGUOUS = f"it can be read as a national number and with a country code: {_WITH_A_PLUS}"

#: What most of the world dials before a country code (ITU-T E.123 section 3.3 prefers the plus).
_ZEROS = "00"
#: No prefix of a country is longer.
_LONGEST_PREFIX = 12
#: Numbers that are not meant to get an SMS.
_NO_SMS = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
    }
)


def load_numbering_plans() -> None:
    """Load what is known of all countries; `phonenumbers` would import each at its first number."""
    PhoneMetadata.load_all()
    load_homes()
    load_kinds()


def read_with_plus(digits: str) -> phonenumbers.PhoneNumber:
    """
    Read what stands behind a plus.

    Raises:
        NumberError: It is not a number of any country.
    """
    number = _read_international(digits)
    if number is None:
        raise NumberError("no country has such a number")
    if not _is_possible(number):
        raise NumberError("its length is not that of a number of its country")
    if _has_strange_zero(number):
        raise NumberError(f"a zero behind its country code is one too many: leave it out, and {_WITH_A_PLUS}")
    return number


def read_without_plus(digits: str, region: str | None) -> phonenumbers.PhoneNumber:
    """
    Read a number that begins with no plus.

    Args:
        digits: ``0170...``, ``0049170...``, ``49170...``.
        region: ISO 3166 code of the country that it was written in, or None.

    Raises:
        NumberError: It can be read in no way, or in more than one.
    """
    if region is None:
        if digits.startswith(_ZEROS):
            return read_with_plus(digits.removeprefix(_ZEROS))
        raise NumberError(
            f'it has no country code: {_WITH_A_PLUS}, or set users.default_region (for example "DE")'
        )
    dialled = _read_dialled_abroad(digits, region)
    readings = _drop_repeated(
        [
            *_keep_valid([*_read_national(digits, region), *dialled]),
            *_read_without_its_plus(digits, region),
            *_read_badly_begun(digits, region),
        ]
    )
    if not readings:
        readings = _drop_repeated(
            number for number in dialled if _is_possible(number) and not _has_strange_zero(number)
        )
    if not readings:
        raise NumberError(f"{region} has no such number: {_WITH_A_PLUS}")
    if len(readings) > 1:
        raise NumberError(_AMBIGUOUS)
    return readings[0]


def is_number(digits: str, region: str | None, *, plus: bool) -> bool:
    """Tell whether digits are a number that some country has given out, in any reading."""
    if plus or region is None:
        return any(_keep_valid([_read_international(digits if plus else digits.removeprefix(_ZEROS))]))
    return any(
        _keep_valid(
            [
                *_read_national(digits, region),
                *_read_dialled_abroad(digits, region),
                _read_international(digits),
            ]
        )
    )


def _read_without_its_plus(digits: str, region: str) -> Sequence[phonenumbers.PhoneNumber]:
    """
    Return the reading of digits as a country code and a number, if that has to be reckoned with.

    The plain national reading is returned with it, even if no such number has been given out yet: numbering plans grow.
    """
    number = _read_international(digits)
    if number is None or not _keep_valid([number]):
        return ()
    national = [reading for reading in _read_national(digits, region) if _is_possible(reading)]
    if number.country_code == phonenumbers.country_code_for_region(region):
        return (number,)
    if _gets_no_sms(number) and any(not _gets_no_sms(reading) for reading in _keep_valid(national)):
        return ()
    return (number, *national)


def _read_badly_begun(digits: str, region: str) -> Sequence[phonenumbers.PhoneNumber]:
    """
    Return the reading of ``049170...``, and of ``4917012345`` with a digit too few, as a number of the country itself.

    Only where the other reading gets no SMS: it is a stranger's, and hardly meant.
    """
    if any(not _gets_no_sms(number) for number in _keep_valid(_read_national(digits, region))):
        return ()
    number = _read_international(digits.removeprefix("0"))
    if number is None or number.country_code != phonenumbers.country_code_for_region(region):
        return ()
    good = _keep_valid([number]) if digits.startswith("0") else [number] if _is_possible(number) else []
    return [] if digits.startswith(_ZEROS) else good


def _read_international(digits: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse("+" + digits, None)
    except NumberParseException:
        return None
    # It counts as written, even if it seems to contain a national prefix.
    written = _number(number.country_code or 0, digits.removeprefix(str(number.country_code)))
    return written if phonenumbers.is_valid_number(written) else number


def _read_national(digits: str, region: str) -> Sequence[phonenumbers.PhoneNumber]:
    """Return the readings as a number of a country: with and without what may be its trunk prefix."""
    country_code = phonenumbers.country_code_for_region(region)
    readings = [_number(country_code, digits)]
    with suppress(NumberParseException):
        number = phonenumbers.parse(digits, region, keep_raw_input=True)
        if number.country_code_source != CountryCodeSource.FROM_DEFAULT_COUNTRY:
            number = phonenumbers.parse(f"+{country_code}{digits}", None)
        readings.append(number)
    return [*readings, *_read_behind_a_silent_zero(digits, region)]


def _read_behind_a_silent_zero(digits: str, region: str) -> Sequence[phonenumbers.PhoneNumber]:
    """
    Return the reading without a zero that people of a country write, though it has no trunk prefix.

    Gabon's ``02 00 00 00`` is +241 2000000 as well as +241 02000000.
    """
    metadata = PhoneMetadata.metadata_for_region(region)
    if not digits.startswith("0") or (metadata and metadata.national_prefix):
        return ()
    number = _number(phonenumbers.country_code_for_region(region), digits[1:])
    if not phonenumbers.is_valid_number(number):
        return ()
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return [number] if re.sub(r"\D", "", written) == digits else ()


def _read_dialled_abroad(digits: str, region: str) -> Sequence[phonenumbers.PhoneNumber]:
    """Return the readings behind what is dialled in a country, or in most, before a country code."""
    metadata = PhoneMetadata.metadata_for_region(region)
    pattern = (metadata and metadata.international_prefix) or _ZEROS
    starts = (digits[:length] for length in range(1, min(_LONGEST_PREFIX, len(digits)) + 1))
    prefixes = [start for start in starts if start == _ZEROS or re.fullmatch(pattern, start)]
    found = (_read_international(digits.removeprefix(prefix)) for prefix in prefixes)
    return [number for number in found if number is not None]


def _number(country_code: int, digits: str) -> phonenumbers.PhoneNumber:
    zeros = len(digits) - len(digits.lstrip("0"))
    return phonenumbers.PhoneNumber(
        country_code=country_code,
        national_number=int(digits or "0"),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def _keep_valid(numbers: Iterable[phonenumbers.PhoneNumber | None]) -> Sequence[phonenumbers.PhoneNumber]:
    """Return those that a country has given out and that are written whole, not for dialling within an area only."""
    return [
        number
        for number in numbers
        if number is not None and phonenumbers.is_valid_number(number) and _is_possible(number)
    ]


def _is_possible(number: phonenumbers.PhoneNumber) -> bool:
    return phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE


def _has_strange_zero(number: phonenumbers.PhoneNumber) -> bool:
    """Tell whether a zero stands behind the country code that no number of that country has: a trunk prefix, mostly."""
    return bool(number.italian_leading_zero) and not phonenumbers.is_valid_number(number)


def _gets_no_sms(number: phonenumbers.PhoneNumber) -> bool:
    return phonenumbers.number_type(number) in _NO_SMS


def _drop_repeated(numbers: Iterable[phonenumbers.PhoneNumber]) -> Sequence[phonenumbers.PhoneNumber]:
    return list({e164(number): number for number in numbers}.values())


def e164(number: phonenumbers.PhoneNumber) -> str:
    """Return a number with its plus (ITU-T E.164)."""
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
