"""The tags of texts are filled once, and nothing else in braces means anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from smsotp_plugin.fields.template import GATEWAY_TAGS, Tags, Template, TemplateSetting

SETTING: TypeAdapter[Template] = TypeAdapter(TemplateSetting)


def test_both_tags_are_filled_wherever_they_are() -> None:
    assert GATEWAY_TAGS.read("{otp} for {phone}: {otp}").fill(phone="+49", otp="123") == "123 for +49: 123"


def test_what_was_filled_in_is_not_filled_again() -> None:
    assert GATEWAY_TAGS.read("{otp}/{phone}").fill(phone="{otp}", otp="{phone}") == "{phone}/{otp}"


PROMPT = Tags({"number": "+999 *** **99", "seconds": "000"})


def test_what_was_put_in_before_is_not_filled_either() -> None:
    bound = PROMPT.read("{seconds}: {number}, {number}").bind(seconds="{number}")

    assert bound.tags == {"number"}
    assert bound.fill(number="{seconds}") == "{number}: {seconds}, {seconds}"


def test_what_is_not_in_a_text_may_be_given() -> None:
    assert PROMPT.read("to {number}").fill(number="+49", seconds="3") == "to +49"


def test_a_text_is_known_at_its_longest() -> None:
    assert PROMPT.read("{number} in {seconds} s, {x}").fill_with_examples() == "+999 *** **99 in 000 s, {x}"


@pytest.mark.parametrize(
    ("names", "known"),
    [([], "there are none"), (["otp"], "there is {otp}"), (["phone", "otp"], "there are {phone} and {otp}")],
)
def test_what_only_looks_like_a_tag_is_explained(names: list[str], known: str) -> None:
    template = Tags(dict.fromkeys(names, "")).read("{opt}")

    assert list(template.explain_unknown()) == [f"{{opt}} has no meaning here and stays as it is; {known}"]


@pytest.mark.parametrize(
    "text", ["", "{}", "{0}", "{OTP}", "{ otp }", "{otp", "otp}", "{otp!r}", "%s", "\\1", "{phone.x}"]
)
def test_nothing_else_means_anything(text: str) -> None:
    assert GATEWAY_TAGS.read(text).fill(phone="+49", otp="123") == text


def test_doubled_braces_are_no_escape() -> None:
    assert GATEWAY_TAGS.read("{{otp}}").fill(phone="+49", otp="123") == "{123}"


@given(text=st.text(), phone=st.text(), otp=st.text())
def test_any_text_can_be_filled_with_anything(text: str, phone: str, otp: str) -> None:
    tagless = text.replace("{", "")

    assert GATEWAY_TAGS.read(tagless).fill(phone=phone, otp=otp) == tagless
    assert GATEWAY_TAGS.read(tagless + "{otp}{phone}").fill(phone=phone, otp=otp) == tagless + otp + phone


def test_tags_are_told_from_what_only_looks_like_one() -> None:
    template = GATEWAY_TAGS.read("{otp} {code} {Phone} {0} {phone}")

    assert template.tags == {"otp", "phone"}
    assert template.unknown == ("code", "Phone")


def test_a_setting_is_a_text() -> None:
    assert SETTING.validate_python("{otp}") == GATEWAY_TAGS.read("{otp}")
    assert SETTING.validate_python(GATEWAY_TAGS.read("x")) == GATEWAY_TAGS.read("x")
    with pytest.raises(ValidationError):
        SETTING.validate_python(5)
