"""
Tells in two microseconds whether the digits after a plus are a telephone number, and of which country.

The answer is that of `phonenumbers`, from the same numbering plans. That library needs sixty microseconds for each new number,
mostly to find out how it was written; here that is known: a plus, the country code, and the rest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc

#: Digits of country codes.
_CODE_LENGTHS = (1, 2, 3)
#: The kinds of numbers that a plan knows, by their names in `PhoneMetadata`.
_KINDS = (
    "fixed_line",
    "mobile",
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)


@dataclass(frozen=True, slots=True)
class _NumberingPlan:
    """
    The numbering plan of one country, or of another owner of a country code.

    Attributes:
        by_length: Regular expressions for the numbers that it has given out, by their length.
        begins: What its numbers begin with, where this tells them from those of others with the same country code.
    """

    by_length: Mapping[int, str]
    begins: re.Pattern[str] | None

    def has(self, national: str) -> bool:
        expression = self.by_length.get(len(national))
        return expression is not None and _compile(expression).fullmatch(national) is not None

    def owns(self, national: str) -> bool:
        return self.has(national) if self.begins is None else self.begins.match(national) is not None


@dataclass(frozen=True, slots=True)
class _CountryCode:
    """
    One country code.

    Attributes:
        plans: Of all who share the code, in the order in which they are asked whether a number is theirs.
        lengths: Of numbers that are dialled in full.
        begins_oddly: What may be a trunk prefix: a number that begins so counts only if it has been given out.
        home: The code itself, and its main region.
    """

    plans: tuple[_NumberingPlan, ...]
    lengths: frozenset[int]
    begins_oddly: re.Pattern[str]
    home: "Home"

    def has(self, national: str) -> bool:
        if len(national) not in self.lengths:
            return False
        # Numbering plans grow: a number of the right length may be one, though nobody has been given it yet.
        if not self.begins_oddly.match(national):
            return True
        plan = next((plan for plan in self.plans if plan.owns(national)), None)
        return plan is not None and plan.has(national)


@dataclass(frozen=True, slots=True)
class Home:
    """
    The country that a number belongs to.

    Attributes:
        code: The country code, 1 to 3 digits.
        region: ISO 3166, ``001`` for numbers of no country.
    """

    code: str
    region: str


def load_homes() -> None:
    """Read the numbering plans, for which the first number would have to wait."""
    _read_codes()


@cache
def _compile(expression: str) -> re.Pattern[str]:
    """Compile an expression when it is first needed: all nine hundred take a fifth of a second, and few are ever needed."""
    return re.compile(expression)


def find_home(digits: str) -> Home | None:
    """
    Return the country of a number that is certainly one.

    Args:
        digits: ASCII digits, those after the plus.

    Returns:
        None for all others, which need a closer look and may be numbers all the same.
    """
    codes = _read_codes()
    for length in _CODE_LENGTHS:
        code = codes.get(digits[:length])
        if code is not None:
            return code.home if code.has(digits[length:]) else None
    return None


@cache
def _read_codes() -> Mapping[str, _CountryCode]:
    return {
        str(code): _read_code(code, regions)
        for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    }


def _read_code(code: int, regions: tuple[str, ...]) -> _CountryCode:
    found = [PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in regions]
    plans = [metadata for metadata in found if metadata is not None]
    main = plans[0].general_desc or PhoneNumberDesc()
    trunk = plans[0].national_prefix_for_parsing
    return _CountryCode(
        tuple(map(_read_plan, plans)),
        frozenset(main.possible_length) - frozenset(main.possible_length_local_only),
        re.compile(f"0|(?:{trunk})" if trunk else "0"),
        Home(str(code), phonenumbers.region_code_for_country_code(code)),
    )


def _read_plan(metadata: PhoneMetadata) -> _NumberingPlan:
    general = metadata.general_desc or PhoneNumberDesc()
    kinds = [kind for name in _KINDS if (kind := getattr(metadata, name)) and kind.national_number_pattern]
    lengths = {length for kind in kinds for length in _list_lengths(kind, general)} & {
        *_list_lengths(general, general)
    }
    return _NumberingPlan(
        {length: _describe(length, kinds, general) for length in lengths},
        re.compile(metadata.leading_digits) if metadata.leading_digits else None,
    )


def _describe(length: int, kinds: list[PhoneNumberDesc], general: PhoneNumberDesc) -> str:
    fitting = "|".join(
        f"(?:{kind.national_number_pattern})" for kind in kinds if length in _list_lengths(kind, general)
    )
    return rf"(?=(?:{general.national_number_pattern})\Z)(?:{fitting})"


def _list_lengths(desc: PhoneNumberDesc, general: PhoneNumberDesc) -> tuple[int, ...]:
    return tuple(desc.possible_length or general.possible_length)
