"""Our quick look at the numbering plans says what `phonenumbers` says."""

import string
import unicodedata
from random import Random

import phonenumbers
import pytest

from smsotp_plugin.errors import NumberError
from smsotp_plugin.sms.home import find_home
from smsotp_plugin.sms.numbering import e164, read_with_plus
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


def without_a_quick_look(digits: str) -> tuple[str, str] | None:
    """Return number and region as `phonenumbers` has them, or None where it knows no such number."""
    try:
        number = read_with_plus(digits)
    except NumberError:
        return None
    return e164(number), phonenumbers.region_code_for_country_code(number.country_code or 0)


@pytest.mark.parametrize("code", CODES)
def test_a_number_that_needs_no_second_look_is_what_the_library_says(code: int) -> None:
    random = Random(code)
    for example in examples(code):
        for digits in [example, *(altered(example, random) for _ in range(12))]:
            home = find_home(digits)
            assert home is None or ("+" + digits, home.region) == without_a_quick_look(digits), digits
            assert home is None or digits.startswith(home.code)


def test_nearly_all_numbers_need_no_second_look() -> None:
    known = [find_home(example) is not None for code in CODES for example in examples(code)]
    assert sum(known) > 0.99 * len(known)


@pytest.mark.parametrize("digits", ["", "0", "4", "49", "0491701234567", "999", "1" * 15])
def test_what_is_no_number_has_no_home(digits: str) -> None:
    assert find_home(digits) is None


def test_plain_text_is_folded_as_all_other_text_is() -> None:
    for char in map(chr, range(128)):
        beside = f"{char}\u0661"
        assert fold(char) + "1" == fold(beside)
        separates = unicodedata.category(char) == "Cc" or unicodedata.category(char)[0] in "ZP"
        assert fold_word(f"a{char}") == ("a" if separates else f"a{char}")
        assert fold_word(char) + "1" == fold_word(beside)
