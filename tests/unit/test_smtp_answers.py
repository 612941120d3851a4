"""What the provider smtp makes of the answers of a mail server."""

import pytest

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import (
    AuthFailed,
    BadMessage,
    BadRecipient,
    DeliveryError,
    GatewayUnavailable,
    ProtocolViolation,
    Throttled,
)
from smsotp_plugin.fields.smtp_server import Security, SmtpServer
from smsotp_plugin.sms.message import Receipt
from smsotp_plugin.wire.smtp.pool import Answer, Stage
from tests.support.smtp_peer import Start
from tests.support.smtp_provider import CLOCK, message, provider

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
