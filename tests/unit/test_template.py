"""The tags of texts are filled once, and nothing else in braces means anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from smsotp_plugin.fields.template import Template, TemplateSetting

SETTING: TypeAdapter[Template] = TypeAdapter(TemplateSetting)


def test_both_tags_are_filled_wherever_they_are() -> None:
    assert Template("{otp} for {phone}: {otp}").fill(phone="+49", otp="123") == "123 for +49: 123"


def test_what_was_filled_in_is_not_filled_again() -> None:
    assert Template("{otp}/{phone}").fill(phone="{otp}", otp="{phone}") == "{phone}/{otp}"


@pytest.mark.parametrize(
    "text", ["", "{}", "{0}", "{OTP}", "{ otp }", "{otp", "otp}", "{otp!r}", "%s", "\\1", "{phone.x}"]
)
def test_nothing_else_means_anything(text: str) -> None:
    assert Template(text).fill(phone="+49", otp="123") == text


def test_doubled_braces_are_no_escape() -> None:
    assert Template("{{otp}}").fill(phone="+49", otp="123") == "{123}"


@given(text=st.text(), phone=st.text(), otp=st.text())
def test_any_text_can_be_filled_with_anything(text: str, phone: str, otp: str) -> None:
    tagless = text.replace("{", "")

    assert Template(tagless).fill(phone=phone, otp=otp) == tagless
    assert Template(tagless + "{otp}{phone}").fill(phone=phone, otp=otp) == tagless + otp + phone


def test_tags_are_told_from_what_only_looks_like_one() -> None:
    template = Template("{otp} {code} {Phone} {0} {phone}")

    assert template.tags() == {"otp", "phone"}
    assert template.unknown_tags() == ["code", "Phone"]


def test_a_setting_is_a_text() -> None:
    assert SETTING.validate_python("{otp}") == Template("{otp}")
    assert SETTING.validate_python(Template("x")) == Template("x")
    with pytest.raises(ValidationError):
        SETTING.validate_python(5)
