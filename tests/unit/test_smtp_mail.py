"""The settings of the provider smtp, and the mail that it builds."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from smsotp_plugin.errors import BadMessage
from smsotp_plugin.providers.base import GatewaySettings
from smsotp_plugin.providers.smtp import SmtpSettings
from tests.support.smtp_provider import CLOCK, SERVER, SMALLEST, UNPROTECTED, message, provider, settings


def parse(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)


def body(built: EmailMessage) -> str:
    text: str = built.get_content()
    return text.replace("\r\n", "\n")


def mail(otp: str = "123456", **changes: object) -> EmailMessage:
    return parse(provider(**changes).compose(message(otp)).content)  # type: ignore[arg-type]


def problem_with(**changes: object) -> str:
    with pytest.raises(ValidationError) as caught:
        settings(**changes)  # type: ignore[arg-type]
    return str(caught.value)


def test_the_server_is_found_by_either_spelling() -> None:
    other = {"SMTPIDENTIFIED": None, "SMTPIDENTIFIER": "relay"}

    assert settings().server is SERVER
    assert settings(**other).server is SERVER  # type: ignore[arg-type]


def test_an_unknown_server_is_a_problem_that_lists_the_known_ones() -> None:
    assert "must name one of the tables [smtp_servers.NAME]; there are: relay" in problem_with(
        SMTPIDENTIFIED="reley"
    )


def test_where_no_servers_are_known_a_name_is_a_problem() -> None:
    with pytest.raises(ValidationError, match="there are: none"):
        SmtpSettings.model_validate(SMALLEST)


def test_a_server_with_problems_of_its_own_is_not_called_unknown() -> None:
    with pytest.raises(ValidationError, match="those of this one are listed, too"):
        SmtpSettings.model_validate(SMALLEST, context={"smtp_servers": {"relay": None}})


@pytest.mark.parametrize("changes", [{"SMTPIDENTIFIED": None}, {"SMTPIDENTIFIER": "relay"}])
def test_exactly_one_spelling_is_used(changes: dict[str, Any]) -> None:
    assert "SMTPIDENTIFIED must name one" in problem_with(**changes)


def test_the_servers_timeout_counts_where_the_gateway_has_none() -> None:
    assert settings().TIMEOUT == 7
    assert settings(TIMEOUT=2).TIMEOUT == 2


def test_without_any_timeout_it_is_the_one_of_all_providers() -> None:
    assert settings(UNPROTECTED).TIMEOUT == GatewaySettings.model_fields["TIMEOUT"].default == 3


def test_lines_of_quoted_printable_text_have_76_characters_at_most() -> None:
    content = provider(BODY="é" * 300, SUBJECT="ö" * 200).compose(message()).content

    assert max(map(len, content.split(b"\r\n"))) <= 76


def test_mailto_must_be_an_address_with_its_tags_filled_in() -> None:
    assert settings(MAILTO="{phone}@example.net").MAILTO.source == "{phone}@example.net"
    assert "not a mail address" in problem_with(MAILTO="{phone}")


def test_misspelt_tags_are_worth_a_warning_and_missing_ones_a_problem() -> None:
    found = settings(BODY="Code {opt}", SUBJECT="x")

    assert found.warnings() == [
        "BODY: {opt} has no meaning here and stays as it is; there are {phone} and {otp}."
    ]
    assert found.problems() == [
        "SUBJECT: the tag {phone} is missing: write {phone}, or the gateway cannot know the number",
        "BODY: the tag {otp} is missing: write {otp} for {opt}, or no SMS holds the code",
    ]
    assert settings().problems() == []


def test_the_mail_holds_number_and_code_where_nothing_is_configured() -> None:
    built = mail()

    assert (built["From"], built["To"]) == ("otp@example.com", "sms@example.net")
    assert built["Subject"] == "+491701234567"
    assert body(built) == "123456\n"
    assert abs(built["Date"].datetime.timestamp() - CLOCK.time()) < 5
    assert re.fullmatch(r"<ref-1\.[0-9a-f]{24}@example\.com>", built["Message-ID"])


def test_two_mails_never_share_a_message_id() -> None:
    sender = provider()

    first, second = (parse(sender.compose(message()).content)["Message-ID"] for _ in range(2))

    assert first != second


def test_tags_are_filled_in_everywhere_and_only_once() -> None:
    built = mail(
        "{phone}", MAILTO="{phone}@example.net", NUMBER_FORMAT="digits", SUBJECT="to {phone}", BODY="a\n{otp}"
    )

    assert built["To"] == "491701234567@example.net"
    assert built["Subject"] == "to 491701234567"
    assert body(built) == "a\n{phone}\n"


def test_plain_text_is_sent_in_seven_bits() -> None:
    built = mail("Your code is 123456")

    assert built["Content-Type"] == 'text/plain; charset="us-ascii"'
    assert built["Content-Transfer-Encoding"] == "7bit"


@pytest.mark.parametrize("text", ["Grüße, 5 €: 123456", "a\x00b", "x" * 1200, "日本語 123456"])
def test_everything_else_is_quoted_printable_and_never_base64(text: str) -> None:
    built = mail(text)

    assert built["Content-Type"] == 'text/plain; charset="utf-8"'
    assert built["Content-Transfer-Encoding"] == "quoted-printable"
    assert body(built) == text + "\n"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_line_break_in_a_tag_cannot_begin_another_header(end: str) -> None:
    built = mail(f"1{end}Bcc: thief@example.com{end}{end}2", SUBJECT="code {otp}")

    assert built["Bcc"] is None
    assert built["Subject"] == "code 1 Bcc: thief@example.com 2"


def test_a_text_that_makes_no_address_is_refused_without_being_shown() -> None:
    with pytest.raises(BadMessage) as caught:
        provider(MAILTO="{otp}@example.net").compose(message("1>\r\nRCPT TO:<thief@example.com"))

    assert "thief" not in str(caught.value)


@given(st.text(max_size=400))
def test_every_text_arrives_as_it_was_in_lines_that_smtp_can_carry(text: str) -> None:
    content = provider(UNPROTECTED, SUBJECT="{otp}").compose(message(text)).content
    built = parse(content)

    assert [line for line in body(built).split("\n") if line] == [
        line for line in re.split("[\r\n]", text) if line
    ]
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert set(built.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted",
        "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
    }  # fmt: skip
