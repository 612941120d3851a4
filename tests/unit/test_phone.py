"""Telephone numbers: what is one, how it is written, how it is shown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.errors import NumberError
from smsotp_plugin.sms.phone import NumberFormat, parse_number, write_number


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
        "+49170 1234567\n+49171",
        "+49170 1234567 +49171 1234567",
        "1" * 200,
        "0x2b34",
    ],
)
def test_what_is_no_number_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(NumberError) as refused:
        parse_number(written, None)

    assert "1234567" not in str(refused.value)


PASTED = {
    "embedded left to right": "\u202a+49 170 1234567\u202c",
    "marked left to right": "\u200e+491701234567\u200e",
    "after a byte order mark": "\ufeff+491701234567",
    "with blanks that do not break": "+49\u00a0170\u202f123\u20074567",
    "with wide blanks": "+49\u3000170\u30001234567",
    "with hyphens that do not break": "+49\u2011170\u20111234567",
    "with dashes": "+49\u2013170\u20141234567",
    "with minus signs": "+49\u2212170\u22121234567",
    "with other tildes": "+49\u2053170\u223c1234567",
    "with soft hyphens": "+49\u00ad170\u00ad1234567",
    "with invisible blanks": "+49\u200b170\u2060123\u200d4567",
    "with variation selectors": "+49\ufe0f170\ufe0e1234567",
    "full width": "\uff0b\uff14\uff19\uff08\uff11\uff17\uff10\uff09\uff11\uff12\uff13\uff0d\uff14\uff15\uff16\uff17",
    "in Arabic digits": "+\u0664\u0669\u0661\u0667\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
    "in Devanagari digits": "+\u096a\u096f\u0967\u096d\u0966\u0967\u0968\u0969\u096a\u096b\u096c\u096d",
    "as a link": "tel:+49-170-1234567",
    "as a link in capitals": "TEL:+49-170-1234567",
    "with the plus in brackets": "(+49) 170 1234567",
    "with the zeros in brackets": "(0049) 170 1234567",
    "with tabs": "\t+49\t170 1234567\t",
    "with a line break behind": "+49 170 1234567\r\n",
    "with the trunk prefix": "+49 (0) 170 1234567",
}


@pytest.mark.parametrize("written", PASTED.values(), ids=PASTED)
def test_a_number_may_be_pasted_from_anywhere(written: str) -> None:
    assert parse_number(written, None).e164 == "+491701234567"


@pytest.mark.parametrize(
    ("written", "character"),
    [
        ("+49170abc4567", '"a" (U+0061), which'),
        ("0170 1234567 ext. 12", "U+0065"),
        ("0170 1234567 x12", "U+0078"),
        ("0170 1234567#12", "U+0023"),
        ("+49 170 1234567;ext=1", "U+003B"),
        ("+49170 1234567\n+49171 1234567", "U+000A"),
        ("+49170 1234567\x00", "character U+0000, which"),
        ("+49\u00b2170 1234567", "U+00B2"),
        ("+49170 1234567\u2028+49171", "U+2028"),
        ("+49 170\ufffe1234567", "U+FFFE"),
        ("+49 170\ud8001234567", "U+D800"),
        ("+49 170 \U0001f600", "U+1F600"),
    ],
)
def test_a_character_that_no_number_has_is_named(written: str, character: str) -> None:
    with pytest.raises(NumberError, match=re.escape(character)):
        parse_number(written, "DE")


@pytest.mark.parametrize(
    "written",
    [
        "0170/1234567-8",
        "0170/1234567/8",
        "0170 1234567 - 89",
        "+49 170 1234567-8",
        "0170/1234567\u20138",
        "030 123456-0",
    ],
)
def test_an_extension_or_second_number_is_not_read_as_further_digits(written: str) -> None:
    with pytest.raises(NumberError, match="may be an extension or a second number"):
        parse_number(written, "DE")


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


@pytest.mark.parametrize("text", ["+12025550", "+49170"])
def test_a_number_without_its_area_code_is_refused(text: str) -> None:
    with pytest.raises(NumberError, match="its length is not that of a number of its country"):
        parse_number(text, None)


@pytest.mark.parametrize(
    "link",
    [
        "tel:+49-170-1234567;phone-context=+49",
        "tel:0170-1234567;phone-context=+49",
        "tel:170-1234567;Phone-Context=+49",
        "tel:1234567;phone-context=+49-170",
        "tel:+49-170-1234567;foo=bar",
    ],
)
def test_the_parameters_of_a_link_are_read(link: str) -> None:
    assert parse_number(link, None).e164 == "+491701234567"


@pytest.mark.parametrize("rest", [";ext=1", ";isub=1", ";ext", ";+491711234567", ";"])
def test_what_stands_behind_a_link_and_is_part_of_a_number_is_refused(rest: str) -> None:
    with pytest.raises(NumberError, match=r"U\+003B"):
        parse_number(f"tel:+49-170-1234567{rest}", "DE")
