"""Our quick look at the numbering plans says what `phonenumbers` says."""

import string
import unicodedata
from random import Random

import phonenumbers
import pytest
from phonenumbers import NumberParseException, ValidationResult

from smsotp_plugin.sms.allocated import home_of
from smsotp_plugin.sms.typed import fold, fold_word

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
KINDS = range(11)


def examples(code: int) -> list[str]:
    """Return a number of each kind of each country with this code, in digits."""
    found = [
        phonenumbers.example_number_for_non_geo_entity(code)
        if region == "001"
        else phonenumbers.example_number_for_type(region, kind)
        for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
        for kind in KINDS
    ]
    return [f"{code}{phonenumbers.national_significant_number(number)}" for number in found if number]


def altered(digits: str, random: Random) -> str:
    """Return digits with some of them changed behind the first, and perhaps one more or fewer."""
    changed = list(digits)
    for _ in range(random.randrange(5)):
        changed[random.randrange(1, len(changed))] = random.choice(string.digits)
    return "".join(changed)[: len(changed) - random.choice((0, 0, 0, 1))] + random.choice(("", "", "", "5"))


def as_phonenumbers_says(digits: str) -> tuple[str, str] | None:
    """Return country code and region of a number that is given out as it stands and is dialled whole."""
    try:
        code = phonenumbers.parse("+" + digits, None).country_code or 0
    except NumberParseException:
        return None
    national = digits.removeprefix(str(code))
    zeros = len(national) - len(national.lstrip("0"))
    number = phonenumbers.PhoneNumber(
        country_code=code,
        national_number=int(national or "0"),
        italian_leading_zero=bool(zeros),
        number_of_leading_zeros=zeros or None,
    )
    possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    if not possible or not phonenumbers.is_valid_number(number):
        return None
    return str(code), phonenumbers.region_code_for_country_code(code)


@pytest.mark.parametrize("code", CODES)
def test_what_a_country_has_given_out_is_known_as_exactly_as_in_the_library(code: int) -> None:
    random = Random(code)
    for example in examples(code):
        for digits in [example, *(altered(example, random) for _ in range(12))]:
            home = home_of(digits)
            assert (home and (home.code, home.region)) == as_phonenumbers_says(digits), digits


@pytest.mark.parametrize("digits", ["", "0", "4", "49", "0491701234567", "999", "1" * 15])
def test_what_is_no_number_has_no_home(digits: str) -> None:
    assert home_of(digits) is None


def test_plain_text_is_folded_as_all_other_text_is() -> None:
    for char in map(chr, range(128)):
        beside = f"{char}\u0661"
        assert fold(char) + "1" == fold(beside)
        separates = unicodedata.category(char) == "Cc" or unicodedata.category(char)[0] in "ZP"
        assert fold_word(f"a{char}") == ("a" if separates else f"a{char}")
        assert fold_word(char) + "1" == fold_word(beside)
