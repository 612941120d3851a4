"""The provider smtp: its settings, the mail that it builds, how it reads answers; last, through aiosmtpd."""

import logging
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.errors import (
    AuthFailed,
    BadMessage,
    BadRecipient,
    ConnectFailed,
    DeliveryError,
    GatewayUnavailable,
    ProtocolViolation,
    Throttled,
)
from smsotp_plugin.fields.smtp_server import Security, SmtpServer
from smsotp_plugin.providers.base import GatewayContext, GatewaySettings
from smsotp_plugin.providers.smtp import SmtpProvider, SmtpSettings
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.wire.smtp.pool import Answer, Stage
from tests.support.smtp_peer import Start

CLOCK = SystemClock()
SERVER = SmtpServer(host="mail.example.com", sender="otp@example.com", timeout=7)
UNPROTECTED = SmtpServer(host="localhost", security=Security.NONE, sender="otp@example.com")
SMALLEST = {"provider": "smtp", "SMTPIDENTIFIED": "relay", "MAILTO": "sms@example.net"}


def settings(server: SmtpServer = SERVER, **changes: object) -> SmtpSettings:
    return SmtpSettings.model_validate(SMALLEST | changes, context={"smtp_servers": {"relay": server}})


def provider(server: SmtpServer = SERVER, **changes: object) -> SmtpProvider:
    return SmtpProvider(GatewayContext("mail", CLOCK, Random(1)), settings(server, **changes))


def message(otp: str = "123456") -> Message:
    number = parse_number("+491701234567", None)
    return Message(
        reference="ref-1",
        user="bob",
        number=number,
        otp=SecretStr(otp),
        sentence=SecretStr(f"Your code is {otp}"),
        expires=CLOCK.time() + 300,
    )


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


FIXED, NUMBERED = "sms@example.net", "{phone}@example.net"


@pytest.mark.parametrize(
    ("mailto", "stage", "code", "text", "error"),
    [
        (FIXED, Stage.GREETING, 554, "go away", GatewayUnavailable),
        (FIXED, Stage.GREETING, 421, "4.7.0 too many connections", Throttled),
        (FIXED, Stage.AUTH, 535, "5.7.8 no", AuthFailed),
        (FIXED, Stage.AUTH, 454, "4.7.0 later", GatewayUnavailable),
        (FIXED, Stage.SENDER, 530, "5.7.0 authenticate first", AuthFailed),
        (FIXED, Stage.SENDER, 553, "5.7.1 not owned by user", AuthFailed),
        (FIXED, Stage.SENDER, 550, "5.1.8 unknown sender", GatewayUnavailable),
        (FIXED, Stage.RECIPIENT, 550, "5.1.1 unknown", GatewayUnavailable),
        (NUMBERED, Stage.RECIPIENT, 550, "5.1.1 unknown", BadRecipient),
        (NUMBERED, Stage.RECIPIENT, 550, "unknown", BadRecipient),
        (NUMBERED, Stage.RECIPIENT, 550, "relay not permitted", AuthFailed),
        (NUMBERED, Stage.RECIPIENT, 550, "authentication required", AuthFailed),
        (NUMBERED, Stage.RECIPIENT, 554, "<a@b>: Relay access denied", AuthFailed),
        (
            NUMBERED,
            Stage.RECIPIENT,
            553,
            "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
            AuthFailed,
        ),
        (FIXED, Stage.RECIPIENT, 550, "Relaying denied", AuthFailed),
        (
            NUMBERED,
            Stage.RECIPIENT,
            550,
            "Verification failed for <a@b>\nSender verify failed",
            GatewayUnavailable,
        ),
        (NUMBERED, Stage.RECIPIENT, 550, "5.1.1 no relay knows this user", BadRecipient),
        (NUMBERED, Stage.RECIPIENT, 550, "<49170@sms-relay.example.net>: unknown", BadRecipient),
        (NUMBERED, Stage.RECIPIENT, 550, "helo.authentic.example.net: unknown", BadRecipient),
        (NUMBERED, Stage.RECIPIENT, 550, "User unknown in relay recipient table", BadRecipient),
        (NUMBERED, Stage.RECIPIENT, 550, "5.4.1 access denied", BadRecipient),
        (
            NUMBERED,
            Stage.RECIPIENT,
            550,
            "5.1.8 Sender address rejected: Domain not found",
            GatewayUnavailable,
        ),
        (NUMBERED, Stage.RECIPIENT, 553, "5.1.7 Sender address rejected", GatewayUnavailable),
        (
            NUMBERED,
            Stage.RECIPIENT,
            504,
            "5.5.2 Sender address rejected: not fully-qualified",
            GatewayUnavailable,
        ),
        (
            NUMBERED,
            Stage.RECIPIENT,
            504,
            "5.5.2 <pc>: Helo command rejected: not fully-qualified",
            GatewayUnavailable,
        ),
        (NUMBERED, Stage.RECIPIENT, 550, "invalid HELO name", GatewayUnavailable),
        (
            NUMBERED,
            Stage.RECIPIENT,
            450,
            "4.7.1 <pc>: Helo command rejected: Host not found",
            GatewayUnavailable,
        ),
        (FIXED, Stage.SENDER, 550, "5.7.1 your EHLO is that of a dynamic address", GatewayUnavailable),
        (FIXED, Stage.OLD_HELLO, 501, "5.5.4 no", GatewayUnavailable),
        (NUMBERED, Stage.RECIPIENT, 554, "5.7.1 relay access denied", AuthFailed),
        (NUMBERED, Stage.RECIPIENT, 450, "4.2.0 greylisted", GatewayUnavailable),
        (NUMBERED, Stage.RECIPIENT, 450, "4.7.1 too much mail", Throttled),
        (FIXED, Stage.DATA, 451, "local error", GatewayUnavailable),
        (FIXED, Stage.CONTENT, 452, "4.3.1 disk full", GatewayUnavailable),
        (FIXED, Stage.CONTENT, 552, "too big", BadMessage),
        (FIXED, Stage.CONTENT, 554, "5.7.1 spam", BadMessage),
        (FIXED, Stage.CONTENT, 354, "go on", ProtocolViolation),
    ],
)
def test_each_answer_has_its_meaning(
    mailto: str, stage: Stage, code: int, text: str, error: type[DeliveryError]
) -> None:
    with pytest.raises(DeliveryError) as caught:
        provider(MAILTO=mailto).judge(Answer(stage, code, text))

    assert type(caught.value) is error


def refuse(start: Start, **replies: bytes) -> str:
    server = start(**replies)
    relay = SmtpServer(host="127.0.0.1", port=server.port, security=Security.NONE, sender="otp@example.com")
    sending = provider(relay, MAILTO=NUMBERED)
    with pytest.raises(DeliveryError) as caught:
        sending.submit(message(), Deadline.after(30, CLOCK))
    sending.close()
    return str(caught.value)


def test_the_servers_words_are_quoted_without_number_and_code(start: Start) -> None:
    quoted = refuse(start, RCPT=b"550-5.1.1 <+491701234567@example.net>:\r\n550 5.1.1 no such user\r\n")
    rejected = refuse(start, content=b'554 5.6.0 bad text: "123 456"\x1b[2J\r\n')

    assert quoted == (
        "the mail server answered 550 5.1.1 to RCPT TO; it said: <***@example.net>: no such user"
    )
    assert rejected == ('the mail server answered 554 5.6.0 to end of data; it said: bad text: "***"\\x1b[2J')


@pytest.mark.parametrize(
    ("verb", "stage"), [("HELO", "HELO"), ("MAIL", "MAIL FROM"), ("RCPT", "RCPT TO"), ("DATA", "DATA")]
)
def test_a_name_in_ehlo_that_is_not_taken_is_told_with_what_to_do(
    start: Start, verb: str, stage: str
) -> None:
    refusal = b"504 5.5.2 <pc>: Helo command rejected: need fully-qualified hostname\r\n"
    replies = {verb: refusal} | ({"EHLO": b"502 5.5.1 what?\r\n"} if verb == "HELO" else {})

    assert refuse(start, **replies) == (
        f"the mail server answered 504 5.5.2 to {stage}: it refuses the name in EHLO, so set `helo` of the server to "
        "another one; it said: <pc>: Helo command rejected: need fully-qualified hostname"
    )


@pytest.mark.parametrize(
    ("text", "gateway_id"),
    [
        ("2.0.0 Ok: queued as 4F1aBC", "4F1aBC"),
        ("OK id=1tEsT-0000-AB", "1tEsT-0000-AB"),
        ("2.0.0 4AOAbc12 Message accepted for delivery", "4AOAbc12"),
        ("OK", ""),
    ],
)
def test_the_queue_id_is_the_gateways_id(text: str, gateway_id: str) -> None:
    assert provider().judge(Answer(Stage.CONTENT, 250, text)) == Receipt(gateway_id=gateway_id)


@dataclass
class Mailbox:
    """What aiosmtpd's controller calls."""

    taken: list[Envelope] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd's name)
        self.taken.append(envelope)
        return "250 2.0.0 Ok: queued as TEST1"


class PortZeroController(Controller):
    """A controller that can be given port 0."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def check_login(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: object) -> AuthResult:
    right = data == LoginPassword(b"me", b"geheim")
    return AuthResult(success=right, handled=right)


@dataclass
class Relay:
    port: int
    mailbox: Mailbox
    ca_file: Path

    def server(self, **changes: object) -> SmtpServer:
        known = {"host": "localhost", "port": self.port, "sender": "otp@example.com", "ca_file": self.ca_file}
        return SmtpServer.model_validate(known | changes)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def relay(authority: trustme.CA, tmp_path: Path) -> Iterator[Relay]:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    mailbox = Mailbox()
    controller = PortZeroController(
        mailbox,
        hostname="localhost",
        port=0,
        authenticator=check_login,
        auth_required=True,
        tls_context=context,
        require_starttls=True,
    )
    controller.start()
    try:
        yield Relay(controller.port, mailbox, tmp_path / "ca.pem")
    finally:
        controller.stop()


def test_mails_pass_through_a_server_that_demands_starttls_and_login(relay: Relay) -> None:
    sender = provider(relay.server(username="me", password="geheim"))

    receipts = [sender.submit(message(f"Grüße 12345{i}"), Deadline.after(5, CLOCK)) for i in range(2)]
    sender.probe(Deadline.after(5, CLOCK))
    sender.close()

    assert receipts == [Receipt(gateway_id="TEST1")] * 2
    assert [envelope.rcpt_tos for envelope in relay.mailbox.taken] == [["sms@example.net"]] * 2


def test_a_wrong_password_is_an_authentication_failure(relay: Relay) -> None:
    sender = provider(relay.server(username="me", password="wrong"))

    with pytest.raises(AuthFailed):
        sender.submit(message(), Deadline.after(5, CLOCK))
    with pytest.raises(AuthFailed):
        sender.probe(Deadline.after(5, CLOCK))
    sender.close()

    assert relay.mailbox.taken == []


def test_a_certificate_of_an_unknown_authority_gets_no_mail(relay: Relay) -> None:
    sender = provider(relay.server(ca_file=None))

    with pytest.raises(ConnectFailed, match="certificate is not accepted"):
        sender.submit(message(), Deadline.after(5, CLOCK))

    assert relay.mailbox.taken == []


def test_a_certificate_for_another_name_gets_no_mail(relay: Relay) -> None:
    sender = provider(relay.server(host="127.0.0.1"))

    with pytest.raises(ConnectFailed):
        sender.submit(message(), Deadline.after(5, CLOCK))

    assert relay.mailbox.taken == []


@pytest.mark.shows_secrets
def test_mail_and_answer_are_logged_at_the_gateways_debug_level_and_only_there(
    relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="smsotp")
    server = relay.server(username="me", password="geheim")
    for changes, otp in (({}, "111111"), ({"LOG_LEVEL": "debug"}, "222222")):
        sender = provider(server, **changes)
        sender.submit(message(otp), Deadline.after(5, CLOCK))
        sender.close()

    shown = "\n".join(record.message for record in caplog.records if record.name.startswith("smsotp"))
    assert "111111" not in shown
    assert "Subject: +491701234567" in shown
    assert "222222" in shown
    assert "TEST1" in shown
    assert "geheim" not in shown
