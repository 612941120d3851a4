"""Telephone numbers: what is one, how it is written, how it is shown."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from smsotp_plugin.errors import NumberError
from smsotp_plugin.sms.phone import NumberFormat, Rewriting, RewritingSetting, parse_number, write_number

REWRITING: TypeAdapter[Any] = TypeAdapter(RewritingSetting)


@pytest.mark.parametrize(
    "written",
    ["+491701234567", "00491701234567", "+49 170 1234567", "+49 (170) 123-45.67", " +49/170/1234567 "],
)
def test_a_number_may_be_written_as_people_do(written: str) -> None:
    number = parse_number(written, None)

    assert (number.e164, number.masked, number.region) == ("+491701234567", "+49 *** **67", "DE")


def test_a_national_number_needs_a_region() -> None:
    assert parse_number("0170 1234567", "DE").e164 == "+491701234567"
    with pytest.raises(NumberError, match=r"users\.default_region"):
        parse_number("0170 1234567", None)


def test_a_region_does_not_change_international_numbers() -> None:
    assert parse_number("+43 664 1234567", "DE").e164 == "+436641234567"


@pytest.mark.parametrize(
    "written", ["+1 202 555 0123", "+39 06 12345678", "+800 1234 5678", "+423 234 56 78"]
)
def test_numbers_of_other_countries_keep_their_digits(written: str) -> None:
    assert parse_number(written, None).e164 == written.replace(" ", "")


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "+",
        "00",
        "bob",
        "+49",
        "+49170123456789012345",
        "+999123456789",
        "+49170abc4567",
        "++491701234567",
        "+49 170 1234567;ext=1",
        "tel:+491701234567",
        "+49170 1234567\n+49171",
        "+49\u0661\u0667\u06601234567",
        "\uff0b491701234567",
        "0x2b34",
    ],
)
def test_what_is_no_number_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(NumberError) as refused:
        parse_number(written, None)

    assert "1234567" not in str(refused.value)


@given(st.one_of(st.text(max_size=40), st.from_regex(r"(\+|00)?[0-9 ()./-]{0,45}", fullmatch=True)))
def test_any_text_is_a_number_or_our_error(text: str) -> None:
    for region in (None, "DE", "US"):
        try:
            number = parse_number(text, region)
        except NumberError as exc:
            assert len(re.findall(r"[0-9]", text)) < 6 or text not in str(exc)  # noqa: PT017  (it may be either)
        else:
            assert re.fullmatch(r"\+[0-9]{3,17}", number.e164)
            assert parse_number(number.e164, None) == number


def test_a_number_shows_itself_masked_only() -> None:
    number = parse_number("+491701234567", None)

    for shown in (str(number), repr(number), f"{number}", f"{[number]}"):
        assert "1701234" not in shown
    assert str(number) == "+49 *** **67"


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (NumberFormat.PLUS, "+491701234567"),
        (NumberFormat.DIGITS, "491701234567"),
        (NumberFormat.ZEROS, "00491701234567"),
    ],
)
def test_a_gateway_gets_its_own_form(form: NumberFormat, written: str) -> None:
    assert write_number(parse_number("+491701234567", None), form) == written


@pytest.mark.parametrize(
    ("rule", "result"),
    [
        (r"/^[+]//", "491701234567"),
        (r"/^\+49/0/", "01701234567"),
        (r"/^\+(\d\d)(.*)/\1-\2/", "49-1701234567"),
        (r"/\+/\/\//", "//491701234567"),
        (r"/nothing/x/", "+491701234567"),
    ],
)
def test_a_number_can_be_rewritten(rule: str, result: str) -> None:
    assert REWRITING.validate_python(rule).apply("+491701234567") == result


@pytest.mark.parametrize(
    "rule", ["", "x", "/a", "/a/b", "a/b/c", "//b/", "/a/b/c/", "/(/b/", r"/a/\1/", 7, []]
)
def test_a_rewriting_that_makes_no_sense_is_refused(rule: object) -> None:
    with pytest.raises(ValidationError):
        REWRITING.validate_python(rule)


def test_no_rewriting_is_none_and_one_that_was_read_stays() -> None:
    read = REWRITING.validate_python("/a/b/")

    assert REWRITING.validate_python(None) is None
    assert isinstance(read, Rewriting)
    assert REWRITING.validate_python(read) is read


@pytest.mark.parametrize("text", ["+12025550", "+49170"])
def test_a_number_without_its_area_code_is_refused(text: str) -> None:
    with pytest.raises(NumberError, match="its length is not that of a number of its country"):
        parse_number(text, None)
