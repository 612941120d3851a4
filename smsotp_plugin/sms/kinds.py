"""
Of which kind and of which country a telephone number is, by the numbering plans of `phonenumbers`.

Asked at each log-in, so most answers come from one pattern for each country code; a number is looked at closely only if that
pattern says that it may be of a kind that gets no SMS.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType

#: The numbers of a block differ only in this many digits at their end.
_BLOCK_DIGITS = 4
_REMEMBERED = 16384
_CODE_LENGTHS = (1, 2, 3)


class NumberKind(StrEnum):
    """Kinds of numbers that get no SMS where the configuration says so."""

    PREMIUM = "premium"
    SHARED_COST = "shared cost"
    PAGER = "pager"
    TOLL_FREE = "toll free"
    VOICEMAIL = "voicemail"
    UNALLOCATED = "unallocated"
    """No country has given out such a number, as far as is known."""


_TYPES = {
    PhoneNumberType.PREMIUM_RATE: NumberKind.PREMIUM,
    PhoneNumberType.SHARED_COST: NumberKind.SHARED_COST,
    PhoneNumberType.PAGER: NumberKind.PAGER,
    PhoneNumberType.TOLL_FREE: NumberKind.TOLL_FREE,
    PhoneNumberType.VOICEMAIL: NumberKind.VOICEMAIL,
}
#: Their names in `PhoneMetadata`.
_DESCRIPTIONS = ("premium_rate", "shared_cost", "pager", "toll_free", "voicemail")


def load_kinds() -> None:
    """Read the numbering plans, for which the first number would have to wait."""
    _read_suspects()


def cut_block(number: str) -> str:
    """Return the block that a number is of: the number (E.164) without its last four digits."""
    return number[:-_BLOCK_DIGITS]


def find_kind(number: str, kinds: frozenset[NumberKind]) -> NumberKind | None:
    """
    Return which of some kinds a number is of, or None.

    Args:
        number: E.164, with its ``+``.
        kinds: Which are asked for.
    """
    return _find_kind(number, kinds)


@lru_cache(maxsize=_REMEMBERED)
def _find_kind(number: str, kinds: frozenset[NumberKind]) -> NumberKind | None:
    digits = number[1:]
    if NumberKind.UNALLOCATED in kinds and not phonenumbers.is_valid_number(phonenumbers.parse(number)):
        return NumberKind.UNALLOCATED
    if not _may_be_special(digits):
        return None
    kind = _TYPES.get(phonenumbers.number_type(phonenumbers.parse(number)))
    return kind if kind in kinds else None


def find_country(number: str, main: str) -> str:
    """
    Return the country of a number, by its block.

    Args:
        number: E.164, with its ``+``.
        main: ISO 3166 code of the main country with this country code; the answer where it is the only one.

    Returns:
        The ISO 3166 code, such as ``JM`` for ``+1876...``; ``001`` for numbers of no country.
    """
    return find_country_of_block(cut_block(number), main)


@lru_cache(maxsize=_REMEMBERED)
def find_country_of_block(block: str, main: str) -> str:
    """Return the same for all numbers of a block; see `cut_block`."""
    if len(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(_find_code(block[1:]) or "0"), ())) <= 1:
        return main
    some = phonenumbers.parse(block + "5" * _BLOCK_DIGITS)
    return phonenumbers.region_code_for_number(some) or main


def _find_code(digits: str) -> str | None:
    suspects = _read_suspects()
    for length in _CODE_LENGTHS:
        if digits[:length] in suspects:
            return digits[:length]
    return None


def _may_be_special(digits: str) -> bool:
    code = _find_code(digits)
    pattern = None if code is None else _read_suspects()[code]
    return pattern is not None and pattern.fullmatch(digits, len(code or "")) is not None


@cache
def _read_suspects() -> Mapping[str, re.Pattern[str] | None]:
    """Return what numbers of those kinds look like after each country code; None if there are none."""
    found: dict[str, re.Pattern[str] | None] = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        patterns = {
            kind.national_number_pattern
            for region in regions
            if (metadata := PhoneMetadata.metadata_for_region_or_calling_code(code, region)) is not None
            for name in _DESCRIPTIONS
            if (kind := getattr(metadata, name)) is not None and kind.national_number_pattern
        }
        found[str(code)] = (
            re.compile("|".join(f"(?:{each})" for each in sorted(patterns))) if patterns else None
        )
    return found
