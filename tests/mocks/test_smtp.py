"""The mail mock against the standard library's SMTP client, and against bare bytes."""

import shutil
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.smtp.gateway import SmtpGateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates

ACCOUNTS = Accounts()
RECIPIENT = "+491701234567@sms.example.com"


@pytest.fixture
def smtp(inbox: Inbox) -> Iterator[SmtpGateway]:
    with SmtpGateway(inbox) as running:
        yield running


@pytest.fixture
def secure(inbox: Inbox, certificates: Certificates) -> Iterator[SmtpGateway]:
    with SmtpGateway(inbox, security="starttls", certificate=certificates.server_context()) as running:
        yield running


@pytest.fixture
def trust(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=certificates.authority_pem.decode())


def mail(text: str = "Your code is 123456\n", to: str = RECIPIENT, subject: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "otp@example.com", to, subject
    message.set_content(text)
    return message


def send(gateway: SmtpGateway, message: EmailMessage) -> None:
    with smtplib.SMTP(gateway.host, gateway.port, timeout=10) as client:
        client.send_message(message)


def dialogue(gateway: SmtpGateway, sent: bytes) -> list[bytes]:
    with socket.create_connection((gateway.host, gateway.port), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b"")).splitlines()


def test_a_mail_becomes_a_message(smtp: SmtpGateway, inbox: Inbox) -> None:
    send(smtp, mail())

    message = inbox.wait("+491701234567", "smtp", timeout=0)
    assert (message.text, message.code, message.protocol) == ("Your code is 123456", "123456", "smtp")
    assert message.wire["recipients"] == [RECIPIENT]
    assert "From: otp@example.com" in message.wire["source"]


@pytest.mark.parametrize("text", ["grüße €\n", "two\nlines\n", ".dot\n..dots\n", "x" * 2000 + "\n", "😀\n"])
@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64"])
def test_texts_arrive_as_they_were_sent(smtp: SmtpGateway, inbox: Inbox, text: str, encoding: str) -> None:
    message = mail()
    message.set_content(text, cte=encoding if text.isascii() or encoding != "7bit" else "base64")
    send(smtp, message)

    assert inbox.messages()[0].text + "\n" == text


@pytest.mark.parametrize(
    ("to", "subject", "text"),
    [
        ("sms.00491701234567@example.com", "", "x"),
        ("sms@example.com", "491701234567", "x"),
        ("sms@example.com", "code", "for +491701234567: 123456"),
    ],
)
def test_the_number_is_found(smtp: SmtpGateway, inbox: Inbox, to: str, subject: str, text: str) -> None:
    send(smtp, mail(text, to, subject))

    assert inbox.messages()[0].number == "+491701234567"


def test_a_mail_without_a_number_is_refused(smtp: SmtpGateway, inbox: Inbox) -> None:
    with pytest.raises(smtplib.SMTPDataError, match="no phone number"):
        send(smtp, mail("123456", "sms@example.com"))
    assert len(inbox) == 0


def test_every_recipient_gets_a_message(smtp: SmtpGateway, inbox: Inbox) -> None:
    send(smtp, mail(to="+491701@example.com, +491702000@example.com, 491703000@example.com"[22:]))

    assert [message.number for message in inbox.messages()] == ["+491702000", "+491703000"]


def test_starttls_and_log_in(secure: SmtpGateway, inbox: Inbox, trust: ssl.SSLContext) -> None:
    with smtplib.SMTP("localhost", secure.port, timeout=10) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        client.starttls(context=trust)
        client.login(ACCOUNTS.smtp_username, ACCOUNTS.smtp_password)
        client.send_message(mail())

    wire = inbox.messages()[0].wire
    assert (wire["tls"], wire["user"]) == (True, "smtp-user")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_tls_from_the_first_byte(
    inbox: Inbox, certificates: Certificates, trust: ssl.SSLContext, mechanism: str
) -> None:
    with (
        SmtpGateway(inbox, security="tls", certificate=certificates.server_context()) as gateway,
        smtplib.SMTP_SSL("localhost", gateway.port, timeout=10, context=trust) as client,
    ):
        client.ehlo()
        client.user, client.password = ACCOUNTS.smtp_username, ACCOUNTS.smtp_password
        client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))
        client.send_message(mail())

    assert len(inbox) == 1


def test_without_a_log_in_the_recipient_is_refused(secure: SmtpGateway, inbox: Inbox) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        send(secure, mail())

    assert refusal.value.recipients[RECIPIENT][0] == 554
    assert len(inbox) == 0


def test_a_wrong_password_is_answered_with_535(secure: SmtpGateway, trust: ssl.SSLContext) -> None:
    with smtplib.SMTP("localhost", secure.port, timeout=10) as client:
        client.starttls(context=trust)
        with pytest.raises(smtplib.SMTPAuthenticationError) as refusal:
            client.login(ACCOUNTS.smtp_username, "guess")

    assert refusal.value.smtp_code == 535
    assert "guess" not in str(secure.requests)


def test_an_expired_certificate_is_shown(
    inbox: Inbox, certificates: Certificates, trust: ssl.SSLContext
) -> None:
    with (
        SmtpGateway(
            inbox, security="starttls", certificate=certificates.server_context("expired")
        ) as gateway,
        smtplib.SMTP("localhost", gateway.port, timeout=10) as client,
        pytest.raises(ssl.SSLCertVerificationError, match="expired"),
    ):
        client.starttls(context=trust)


def test_tls_needs_a_certificate() -> None:
    with pytest.raises(ValueError, match="needs a certificate"):
        SmtpGateway(security="tls")


@pytest.mark.parametrize(
    ("sent", "codes"),
    [
        (b"MAIL FROM:<a@b>\r\n", [b"220", b"503"]),
        (b"HELO x\r\nRCPT TO:<a@b>\r\n", [b"220", b"250", b"503"]),
        (b"HELO x\r\nMAIL FROM:a@b\r\n", [b"220", b"250", b"501"]),
        (b"HELO x\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\n", [b"220", b"250", b"250", b"503"]),
        (b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<nobody>\r\n", [b"220", b"250", b"250", b"501"]),
        (b"HELO x\r\nMAIL FROM:<>\r\nDATA\r\n", [b"220", b"250", b"250", b"554"]),
        (b"AUTH PLAIN AAAA\r\n", [b"220", b"503"]),
        (b"STARTTLS\r\n", [b"220", b"502"]),
        (
            b"NOOP\r\nRSET\r\nVRFY x\r\nWHAT\r\nQUIT\r\nNOOP\r\n",
            [b"220", b"250", b"250", b"252", b"500", b"221"],
        ),
        (b"x" * 5000, [b"220", b"500"]),
        (b"\xff\xfe\r\n", [b"220", b"500"]),
    ],
)
def test_a_broken_dialogue_gets_the_right_replies(smtp: SmtpGateway, sent: bytes, codes: list[bytes]) -> None:
    assert [line[:3] for line in dialogue(smtp, sent)] == codes


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n..\n"])
def test_a_bare_line_feed_does_not_end_a_mail(smtp: SmtpGateway, inbox: Inbox, end: bytes) -> None:
    start = b"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<+4917012345@b>\r\nDATA\r\n"
    dialogue(smtp, start + b"Subject: x\r\n\r\none" + end + b"MAIL FROM:<evil@b>\r\n.\r\n")

    assert [message.text for message in inbox.messages()] == ["one\n.\nMAIL FROM:<evil@b>"]


def test_what_came_before_tls_is_thrown_away(secure: SmtpGateway, trust: ssl.SSLContext) -> None:
    with socket.create_connection((secure.host, secure.port), timeout=10) as plain:
        plain.recv(1000)
        plain.sendall(b"STARTTLS\r\nEHLO evil\r\n")
        assert plain.recv(1000).startswith(b"220 ")
        with trust.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(b"NOOP\r\n")

            assert connection.recv(1000) == b"250 2.0.0 Ok\r\n"


def test_a_mail_that_is_too_large_is_refused(smtp: SmtpGateway, inbox: Inbox) -> None:
    with pytest.raises(smtplib.SMTPResponseException) as refusal:
        send(smtp, mail("x\n" * 200_000))

    assert (refusal.value.smtp_code, len(inbox)) == (552, 0)


@pytest.mark.parametrize(
    ("rule", "code", "arrived"),
    [
        ("throttle", 451, 0),
        ("refuse", 550, 0),
        ("unavailable", 451, 0),
        ('smtp-reply 452 "full"', 452, 0),
        ("smtp-reply 421 at connect", 421, 0),
        ("smtp-reply 450 at mail", 450, 0),
        ("smtp-reply 550 at rcpt for +491701234567", 550, 0),
        ("smtp-reply 451 at data", 451, 0),
    ],
)
def test_a_fault_at_a_stage(smtp: SmtpGateway, inbox: Inbox, rule: str, code: int, arrived: int) -> None:
    smtp.faults.add(rule)

    with pytest.raises(smtplib.SMTPException) as failure:
        send(smtp, mail())
    assert str(code) in str(failure.value)
    assert len(inbox) == arrived


@pytest.mark.parametrize(
    ("rule", "arrived"), [("lose", 0), ("duplicate", 2), ("delay 1ms", 1), ("delay 1ms at rcpt", 1)]
)
def test_a_fault_that_the_client_does_not_see(
    smtp: SmtpGateway, inbox: Inbox, rule: str, arrived: int
) -> None:
    smtp.faults.add(rule)
    send(smtp, mail())

    assert len(inbox) == arrived


@pytest.mark.parametrize(
    ("rule", "arrived"),
    [("reset-before", 0), ("reset-after", 1), ("garbage", 1), ("reset-before at rcpt", 0)],
)
def test_a_fault_that_ends_the_connection(smtp: SmtpGateway, inbox: Inbox, rule: str, arrived: int) -> None:
    smtp.faults.add(rule)

    with pytest.raises((smtplib.SMTPServerDisconnected, smtplib.SMTPResponseException, ConnectionResetError)):
        send(smtp, mail())
    assert len(inbox) == arrived


def test_half_a_reply_has_no_line_end(smtp: SmtpGateway, inbox: Inbox) -> None:
    smtp.faults.add("half 9")
    sent = b"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<+4917012345@b>\r\nDATA\r\n\r\nx\r\n.\r\n"

    assert dialogue(smtp, sent)[-1] == b"250 2.0.0"
    assert len(inbox) == 1


@pytest.mark.parametrize(
    ("rule", "commands", "half"),
    [
        ("half 8 at connect", 0, b"220 mail"),
        ("half 8 at helo", 1, b"250-mail"),
        ("half 9 at mail", 2, b"250 2.1.0"),
        ("half 9 at data", 4, b"354 End d"),
    ],
)
def test_half_a_reply_is_half_of_the_one_that_was_due(
    smtp: SmtpGateway, rule: str, commands: int, half: bytes
) -> None:
    smtp.faults.add(rule)
    lines = (b"EHLO x\r\n", b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<+4917012345@b>\r\n", b"DATA\r\n")

    # Nothing follows the command in question: what the gateway has not read when it hangs up would reset the connection.
    assert dialogue(smtp, b"".join(lines[:commands]))[-1] == half


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_a_reply_of_several_lines_is_one_reply(smtp: SmtpGateway, ends: str) -> None:
    smtp.faults.add({"action": "smtp-reply", "code": 450, "text": f"one{ends}two{ends}", "at": "mail"})

    assert dialogue(smtp, b"HELO x\r\nMAIL FROM:<a@b>\r\n")[2:] == [b"450-one", b"450-two", b"450 "]


def test_stop_does_not_wait_for_a_hang(inbox: Inbox) -> None:
    gateway = SmtpGateway(inbox).start()
    gateway.faults.add("mute")
    with socket.create_connection((gateway.host, gateway.port), timeout=10) as connection:
        connection.sendall(b"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<+4917012345@b>\r\nDATA\r\n\r\nx\r\n.\r\n")
        inbox.wait(timeout=10)
        gateway.stop()

        assert b"".join(iter(lambda: connection.recv(4096), b"")).endswith(b"<LF>\r\n")


def test_it_stops_and_starts_on_the_same_port(smtp: SmtpGateway, inbox: Inbox) -> None:
    smtp.stop()
    smtp.start()
    send(smtp, mail())

    assert len(inbox) == 1


def test_swaks_is_understood(secure: SmtpGateway, inbox: Inbox) -> None:
    swaks = shutil.which("swaks")
    if swaks is None:
        pytest.skip("swaks is not installed")
    command = [
        swaks,
        "--server",
        f"{secure.host}:{secure.port}",
        "--to",
        RECIPIENT.removeprefix("+"),
        "--from",
        "a@example.com",
        "--tls",
    ]
    command += [
        "--auth-user",
        ACCOUNTS.smtp_username,
        "--auth-password",
        ACCOUNTS.smtp_password,
        "--body",
        "123456",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)

    assert inbox.messages()[0].code == "123456"


OPENING = b"EHLO me\r\nMAIL FROM:<a@b>"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"EHLO", b"501 Syntax: EHLO hostname"),
        (b"HELO ", b"501 Syntax: HELO hostname"),
        (b"EHLO me\r\nDATA x", b"501 5.5.4 Syntax: DATA"),
        (b"EHLO me\r\nRSET x", b"501 5.5.4 Syntax: RSET"),
        (b"EHLO me\r\nQUIT x", b"501 5.5.4 Syntax: QUIT"),
        (OPENING + b" SIZE=999999999", b"552 5.3.4 Message size exceeds fixed limit of 262144 bytes"),
        (OPENING + b" SIZE=x", b"501 5.5.4 Bad message size syntax"),
        (OPENING + b" BODY=9BIT", b"555 5.5.4 Unsupported option: BODY=9BIT"),
        (OPENING + b" FOO=1", b"555 5.5.4 Unsupported option: FOO=1"),
        (OPENING + b" SIZE=1000 body=8bitmime SMTPUTF8", b"250 2.1.0 Ok"),
        (
            OPENING + b"\r\nRCPT TO:<+491701234567@b> NOTIFY=NEVER",
            b"555 5.5.4 Unsupported option: NOTIFY=NEVER",
        ),
    ],
)
def test_a_command_is_answered_as_postfix_answers_it(smtp: SmtpGateway, sent: bytes, answer: bytes) -> None:
    assert dialogue(smtp, sent + b"\r\n")[-1] == answer
