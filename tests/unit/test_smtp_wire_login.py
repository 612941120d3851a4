"""The SMTP wire: how a server is greeted, what it offers, and how it is logged in to."""

import base64

import pytest
from pydantic import SecretStr

from smsotp_plugin.errors import (
    AuthFailed,
    BadRecipient,
    DeliveryError,
    GatewayUnavailable,
)
from smsotp_plugin.wire.smtp.pool import Mail, MailServer, Stage
from tests.support.smtp_peer import (
    MAIL,
    PoolTo,
    Server,
    Start,
    soon,
)


def test_a_wrong_login_is_answered_with_the_servers_reply(start: Start, pool_to: PoolTo) -> None:
    server = start(AUTH=b"535 5.7.8 no\r\n")

    answer = pool_to(server, username="me", password=SecretStr("wrong")).send(MAIL, soon())

    assert (answer.stage, answer.code) == (Stage.AUTH, 535)
    assert server.lines == [b"EHLO [127.0.0.1]\r\n", b"AUTH PLAIN AG1lAHdyb25n\r\n"]


def test_a_connection_without_login_is_not_used_again(start: Start, pool_to: PoolTo) -> None:
    server = start(AUTH=b"535 5.7.8 no\r\n")
    pool = pool_to(server, username="me", password=SecretStr("wrong"))

    pool.send(MAIL, soon())
    pool.send(MAIL, soon())

    assert server.connections == 2


def test_login_takes_passwords_beyond_ascii(start: Start, pool_to: PoolTo) -> None:
    server = start()

    pool_to(server, username="jörg", password=SecretStr("pässwörd")).send(MAIL, soon())

    assert server.lines[1] == b"AUTH PLAIN " + base64.b64encode("\0jörg\0pässwörd".encode()) + b"\r\n"


def test_login_falls_back_to_the_mechanism_login(start: Start, pool_to: PoolTo) -> None:
    name, password = base64.b64encode(b"me"), base64.b64encode(b"secret")
    server = start(
        EHLO=b"250-here\r\n250 AUTH LOGIN\r\n",
        AUTH=b"334 VXNlcm5hbWU6\r\n",
        **{name.decode(): b"334 UGFzc3dvcmQ6\r\n", password.decode(): b"235 welcome\r\n"},
    )

    answer = pool_to(server, username="me", password=SecretStr("secret")).send(MAIL, soon())

    assert answer.code == 250
    assert server.lines[1:4] == [b"AUTH LOGIN\r\n", name + b"\r\n", password + b"\r\n"]


CREDENTIALS = base64.b64encode(b"\0me\0secret")
NAME, PASSWORD = base64.b64encode(b"me"), base64.b64encode(b"secret")
LOGIN = {
    "LOGIN": b"334 VXNlcm5hbWU6\r\n",
    NAME.decode(): b"334 UGFzc3dvcmQ6\r\n",
    PASSWORD.decode(): b"235 welcome\r\n",
}


def commands(server: Server) -> list[bytes]:
    """Return what was said between EHLO and the mail."""
    lines = [line.strip() for line in server.lines]
    return lines[1 : lines.index(b"MAIL FROM:<otp@example.com>")]


@pytest.mark.parametrize(
    "offer",
    [
        b"250-here\r\n250-AUTH=LOGIN\r\n250 8BITMIME\r\n",
        b"250-here\r\n250-AUTH CRAM-MD5\r\n250 AUTH LOGIN\r\n",
        b"250-here\r\n250-AUTH=LOGIN\r\n250 AUTH NTLM\r\n",
        b"250-here\r\n250 auth login\r\n",
        b"250-here\r\n250-auth=ntlm login \r\n250 AUTH\r\n",
    ],
)
def test_every_way_to_offer_login_is_understood(start: Start, pool_to: PoolTo, offer: bytes) -> None:
    server = start(EHLO=offer, **(LOGIN | {"AUTH": b"334 VXNlcm5hbWU6\r\n"}))

    answer = pool_to(server, username="me", password=SecretStr("secret")).send(MAIL, soon())

    assert answer.code == 250
    assert commands(server) == [b"AUTH LOGIN", NAME, PASSWORD]


@pytest.mark.parametrize("refusal", [b"504 5.5.4 unrecognised", b"501 syntax", b"534 5.7.9 too weak"])
def test_where_plain_is_not_served_login_is_tried(start: Start, pool_to: PoolTo, refusal: bytes) -> None:
    plain = b"AUTH PLAIN " + CREDENTIALS
    server = start(**(LOGIN | {"AUTH": {plain: refusal + b"\r\n", b"AUTH LOGIN": LOGIN["LOGIN"]}}))

    answer = pool_to(server, username="me", password=SecretStr("secret")).send(MAIL, soon())

    assert answer.code == 250
    assert commands(server) == [plain, b"AUTH LOGIN", NAME, PASSWORD]


def test_a_wrong_password_is_not_tried_a_second_way(start: Start, pool_to: PoolTo) -> None:
    server = start(AUTH=b"535 5.7.8 no\r\n")

    pool_to(server, username="me", password=SecretStr("secret")).send(MAIL, soon())

    assert server.lines[1:] == [b"AUTH PLAIN " + CREDENTIALS + b"\r\n"]


def test_a_server_that_asks_for_the_credentials_of_plain_gets_them(start: Start, pool_to: PoolTo) -> None:
    server = start(AUTH=b"334 \r\n", **{CREDENTIALS.decode(): b"235 welcome\r\n"})

    answer = pool_to(server, username="me", password=SecretStr("secret")).send(MAIL, soon())

    assert answer.code == 250
    assert commands(server) == [b"AUTH PLAIN " + CREDENTIALS, CREDENTIALS]


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        (b"250-here\r\n250 AUTH CRAM-MD5 SCRAM-SHA-256\r\n", "offers AUTH CRAM-MD5, SCRAM-SHA-256 only"),
        (b"250-here\r\n250 AUTH \xe4\x01 <script>\r\n", "offers no AUTH "),
        (b"250 here\r\n", "offers no AUTH .*after TLS only.*: remove username and password"),
        (b"502 what is EHLO?\r\n", r"refuses EHLO \(502\), and offers no AUTH without it: set `helo`"),
        (b"550 5.7.1 who?\r\n", r"refuses EHLO \(550 5\.7\.1\)"),
    ],
)
def test_without_a_way_to_log_in_the_error_says_what_the_server_offers(
    start: Start, pool_to: PoolTo, offer: bytes, said: str
) -> None:
    server = start(EHLO=offer)
    pool = pool_to(server, username="me", password=SecretStr("secret"))

    with pytest.raises(AuthFailed, match=said) as sending:
        pool.send(MAIL, soon())
    with pytest.raises(AuthFailed, match=said) as probing:
        pool.check(soon())

    assert "answered" not in str(sending.value) + str(probing.value)


@pytest.mark.parametrize(
    ("sender", "recipient", "error"),
    [
        ("otp@example.com", "smß@example.net", BadRecipient),
        ("ötp@example.com", "a@example.net", GatewayUnavailable),
    ],
)
def test_addresses_that_the_server_cannot_take_are_not_blamed_on_an_answer(
    start: Start, pool_to: PoolTo, sender: str, recipient: str, error: type[DeliveryError]
) -> None:
    server = start()
    pool = pool_to(server)

    for _ in range(2):
        with pytest.raises(error, match="does not offer SMTPUTF8"):
            pool.send(Mail(sender, recipient, b"x\r\n"), soon())

    assert [line.split()[0] for line in server.lines] == [b"EHLO"]


def test_the_server_is_greeted_with_the_name_that_is_set(start: Start, pool_to: PoolTo) -> None:
    server = start(EHLO=b"502 what?\r\n")

    pool_to(server, helo="radius.example.com").send(MAIL, soon())

    assert server.lines[:2] == [b"EHLO radius.example.com\r\n", b"HELO radius.example.com\r\n"]


def test_the_reply_to_helo_is_not_taken_for_one_to_ehlo(start: Start, pool_to: PoolTo) -> None:
    pool = pool_to(start(EHLO=b"502 what?\r\n", HELO=b"550 5.7.1 no\r\n"))

    answer = pool.send(MAIL, soon())

    assert (str(answer.stage), answer.code) == ("HELO", 550)


def test_an_ipv6_address_stands_in_brackets_before_its_port() -> None:
    assert str(MailServer("::1", 25, None)) == "[::1]:25"
