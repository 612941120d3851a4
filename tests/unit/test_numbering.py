"""A number goes to whom it is meant for, however it is written, or nowhere."""

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from smsotp_plugin.errors import NumberError
from smsotp_plugin.sms.numbering import e164, read_with_plus, read_without_plus
from smsotp_plugin.sms.phone import parse_number

MOBILE = {
    region: number
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (number := phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE))
}


def digits_of(text: str) -> str:
    return "".join(char for char in text if char in "0123456789")


def prefixes(region: str) -> tuple[str, str]:
    """Return what is dialled before a national number, and before a country code where that is one thing only."""
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    abroad = metadata.preferred_international_prefix or metadata.international_prefix or ""
    return metadata.national_prefix or "", digits_of(abroad) if abroad.replace("~", "").isdigit() else "00"


def ways_to_write(number: phonenumbers.PhoneNumber, region: str) -> dict[str, str]:
    whole, significant = e164(number), phonenumbers.national_significant_number(number)
    trunk, abroad = prefixes(region)
    return {
        "with a plus": whole,
        "without its plus": whole[1:],
        "with zeros": "00" + whole[1:],
        "as dialled from there": abroad + whole[1:],
        "national": phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL),
        "national, digits only": digits_of(phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)),
        "without trunk prefix": significant,
        "with trunk prefix": trunk + significant,
        "international": phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
        "as a link": phonenumbers.format_number(number, PhoneNumberFormat.RFC3966),
        "with country code and trunk prefix": f"+{number.country_code} ({trunk}) {significant}",
    }


def read(written: str, region: str) -> str | None:
    """Return the number as it would be sent to, or None where it is refused with what to do about it."""
    try:
        return parse_number(written, region).e164
    except NumberError as exc:
        assert "write it with a plus" in str(exc)  # noqa: PT017  (it may also be read)
        return None


@pytest.mark.parametrize("region", MOBILE)
def test_a_mobile_number_of_each_country_is_itself_or_refused(region: str) -> None:
    number = MOBILE[region]
    for how, written in ways_to_write(number, region).items():
        assert read(written, region) in (e164(number), None), how


@pytest.mark.parametrize("region", MOBILE)
def test_a_mobile_number_with_a_plus_is_always_itself(region: str) -> None:
    written = ways_to_write(MOBILE[region], region)
    for how in ("with a plus", "international", "as a link"):
        for default_region in (region, "DE", "US", None):
            assert parse_number(written[how], default_region).e164 == e164(MOBILE[region]), how


def test_nearly_all_countries_can_write_their_mobile_numbers_as_they_do() -> None:
    refused = {
        region for region in MOBILE if read(ways_to_write(MOBILE[region], region)["national"], region) is None
    }

    # Eleven digits that begin with 1 are a Chinese mobile number, and one of North America. A zero at the head of a
    # Gabonese number belongs to it, or is only written.
    assert refused == {"CN", "GA"}


@st.composite
def mobile_numbers(draw: st.DrawFn) -> tuple[str, phonenumbers.PhoneNumber]:
    """Draw a region and a mobile number of its plan that begins as its example, or not."""
    region = draw(st.sampled_from(sorted(MOBILE)))
    pattern = PhoneMetadata.metadata_for_region(region).mobile.national_number_pattern  # type: ignore[union-attr]
    digits = draw(st.from_regex(f"(?:{pattern})", fullmatch=True, alphabet=st.sampled_from("0123456789")))
    number = read_with_plus(f"{phonenumbers.country_code_for_region(region)}{digits}")
    return region, number


@example(drawn=("GA", read_with_plus("2412000000")), elsewhere="AC")
@given(mobile_numbers(), st.sampled_from(sorted(MOBILE)))
def test_no_number_is_ever_read_as_another_one(
    drawn: tuple[str, phonenumbers.PhoneNumber], elsewhere: str
) -> None:
    region, number = drawn
    if not phonenumbers.is_valid_number(number):
        return

    for how, written in ways_to_write(number, region).items():
        assert read(written, region) in (e164(number), None), how
    for written in (e164(number)[1:], "00" + e164(number)[1:]):
        assert read(written, elsewhere) in (e164(number), None), elsewhere


@pytest.mark.parametrize(
    "prefix", ["151", "152", "155", "157", "159", "160", "162", "163", "170", "171", "175", "179"]
)
def test_a_german_number_that_lost_its_plus_goes_to_no_stranger(prefix: str) -> None:
    written = f"49{prefix}1234567" + "8" * (prefix.startswith("15") and prefix != "150")

    assert read(written, "DE") in ("+" + written, None)


@pytest.mark.parametrize(
    ("written", "region"),
    [
        ("491701234567", "DE"),
        ("436641234567", "DE"),
        ("15202345678", "DE"),
        ("4791234567", "US"),
        ("13123456789", "CN"),
        ("0491701234567", "DE"),
        ("049 151 12345678", "DE"),
        ("49170123456", "DE"),
        ("491511234567", "DE"),
        ("02 00 00 00", "GA"),
    ],
)
def test_what_can_be_read_as_national_and_as_international_is_refused(written: str, region: str) -> None:
    with pytest.raises(NumberError, match="write it with a plus"):
        parse_number(written, region)


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        ("2025550123", "US", "+12025550123"),
        ("12025550123", "US", "+12025550123"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("1-202-555-0123", "US", "+12025550123"),
        ("011 49 170 1234567", "US", "+491701234567"),
        ("0049 170 1234567", "US", "+491701234567"),
        ("491701234567", "US", "+491701234567"),
        ("0170 1234567", "DE", "+491701234567"),
        ("170 1234567", "DE", "+491701234567"),
        ("34612345678", "ES", "+34612345678"),
        ("612345678", "ES", "+34612345678"),
        ("333 1234567", "IT", "+393331234567"),
        ("393331234567", "IT", "+393331234567"),
        ("06 12345678", "IT", "+390612345678"),
        ("8 (912) 345-67-89", "RU", "+79123456789"),
        ("8~10 49 170 1234567".replace("~", ""), "RU", "+491701234567"),
        ("0011 49 170 1234567", "AU", "+491701234567"),
        ("010 49 170 1234567", "JP", "+491701234567"),
        ("001 49 170 1234567", "KR", "+491701234567"),
        ("06 20 123 4567", "HU", "+36201234567"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("359-1234", "BS", "+12423591234"),
    ],
)
def test_a_number_is_read_as_its_country_writes_it(written: str, region: str, number: str) -> None:
    assert parse_number(written, region).e164 == number


@pytest.mark.parametrize("written", ["112", "12345", "0000000", "0170", "911", "110"])
def test_a_short_or_unassigned_number_without_a_plus_is_refused(written: str) -> None:
    for region in ("DE", "US", "FR"):
        with pytest.raises(NumberError):
            read_without_plus(written, region)
