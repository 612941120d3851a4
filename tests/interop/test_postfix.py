"""Our SMTP provider delivers through Postfix, which relays to the mail mock as its client."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trustme

from smsotp_conformance import CODE, NUMBER, message, within
from smsotp_mocks.gateways.smtp.gateway import SmtpGateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates
from smsotp_plugin.errors import (
    AuthFailed,
    BadRecipient,
    ConnectFailed,
    DeliveryError,
    GatewayUnavailable,
    Throttled,
)
from smsotp_plugin.fields.smtp_server import SmtpServer
from smsotp_plugin.providers.base import Provider
from smsotp_plugin.providers.smtp import SmtpProvider

from .gateway import opened
from .postfix import BLOCKED, BUSY, DOMAIN, PASSWORD, USERNAME, Postfix


@pytest.fixture(scope="module")
def authority_of_postfix() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority_of_postfix: trustme.CA) -> bytes:
    return authority_of_postfix.issue_cert("localhost").private_key_and_cert_chain_pem.bytes()


@pytest.fixture(scope="module")
def relay(certificates: Certificates) -> Iterator[SmtpGateway]:
    with SmtpGateway(Inbox(), security="starttls", certificate=certificates.server_context()) as relay:
        yield relay


@contextmanager
def started(relay: SmtpGateway, certificate: bytes, authority: Path, settings: str = "") -> Iterator[Postfix]:
    # Not pytest's folder: each pytest that starts, also those that tests start, locks other users out of it again.
    with (
        TemporaryDirectory(prefix="smsotp-postfix-") as folder,
        Postfix(Path(folder), relay, certificate, authority, settings) as postfix,
    ):
        yield postfix


@pytest.fixture(scope="module")
def postfix(relay: SmtpGateway, certificate: bytes, authority: Path) -> Iterator[Postfix]:
    with started(relay, certificate, authority) as postfix:
        yield postfix


@pytest.fixture
def ca_file(authority_of_postfix: trustme.CA, tmp_path: Path) -> Path:
    authority_of_postfix.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


@contextmanager
def provider(postfix: Postfix, ca_file: Path, **changes: Any) -> Iterator[Provider[Any, Any, Any]]:
    server: dict[str, Any] = {
        "host": "localhost",
        "port": postfix.port,
        "username": USERNAME,
        "password": PASSWORD,
        "sender": "otp@example.com",
        "ca_file": ca_file,
        **changes,
    }
    table = {"provider": "smtp", "SMTPIDENTIFIED": "postfix", "MAILTO": f"{{phone}}@{DOMAIN}"}
    known = {"smtp_servers": {"postfix": SmtpServer.model_validate(server)}}
    with opened(SmtpProvider, table, context=known) as provider:
        yield provider


def test_a_mail_arrives_over_starttls_and_with_a_log_in(
    postfix: Postfix, relay: SmtpGateway, ca_file: Path
) -> None:
    before = relay.inbox.mark()

    with provider(postfix, ca_file) as gateway:
        receipt = gateway.submit(message(), within(10))

    assert relay.inbox.wait(NUMBER, after=before, timeout=60).code == CODE
    postfix.wait_for(
        f"{receipt.gateway_id}: client=localhost[127.0.0.1], sasl_method=PLAIN, sasl_username=smsotp"
    )


def test_a_mail_arrives_over_tls(postfix: Postfix, relay: SmtpGateway, ca_file: Path) -> None:
    before = relay.inbox.mark()

    with provider(postfix, ca_file, port=postfix.tls_port, security="tls") as gateway:
        gateway.submit(message(), within(10))

    relay.inbox.wait(NUMBER, after=before, timeout=60)


@pytest.mark.parametrize(
    "text", ["Schlüssel für Zoë: 123456", "код 123456 🔑", "one\n.two\n..\n123456", "123456 " + "long " * 300]
)
def test_texts_pass_through_two_mail_servers(
    postfix: Postfix, relay: SmtpGateway, ca_file: Path, text: str
) -> None:
    before = relay.inbox.mark()

    with provider(postfix, ca_file) as gateway:
        gateway.submit(message(text), within(10))

    assert relay.inbox.wait(NUMBER, after=before, timeout=60).text.strip() == text.strip()


def test_several_mails_share_a_connection(postfix: Postfix, ca_file: Path) -> None:
    with provider(postfix, ca_file) as gateway:
        for _ in range(3):
            gateway.submit(message(), within(10))

    postfix.wait_for("starttls=1 auth=1 mail=3 rcpt=3 data=3 quit=1")


@pytest.mark.parametrize(("number", "error"), [(BLOCKED, BadRecipient), (BUSY, GatewayUnavailable)])
def test_a_refusal_has_its_meaning_and_leaves_the_connection_good(
    postfix: Postfix, relay: SmtpGateway, ca_file: Path, number: str, error: type[DeliveryError]
) -> None:
    before = relay.inbox.mark()

    with provider(postfix, ca_file) as gateway:
        with pytest.raises(error):
            gateway.submit(message(number=number), within(10))
        gateway.submit(message(), within(10))

    relay.inbox.wait(NUMBER, after=before, timeout=60)


@pytest.mark.parametrize("changes", [{"password": "guess"}, {"username": None, "password": None}])
def test_without_the_right_log_in_nothing_is_sent(
    postfix: Postfix, ca_file: Path, changes: dict[str, Any]
) -> None:
    with provider(postfix, ca_file, **changes) as gateway, pytest.raises(AuthFailed):
        gateway.submit(message(), within(20))


def test_a_server_that_nobody_vouches_for_gets_nothing(postfix: Postfix, authority: Path) -> None:
    with provider(postfix, authority) as gateway, pytest.raises(ConnectFailed, match="certificate"):
        gateway.submit(message(), within(10))


def test_a_server_that_must_wait_for_its_own_relay_has_taken_the_mail(
    postfix: Postfix, relay: SmtpGateway, ca_file: Path
) -> None:
    before = relay.inbox.mark()
    relay.faults.add("throttle once")

    with provider(postfix, ca_file) as gateway:
        assert gateway.submit(message(), within(10)).gateway_id

    relay.inbox.wait(NUMBER, after=before, timeout=60)


def test_a_connection_that_the_server_ended_is_replaced(
    relay: SmtpGateway, certificate: bytes, authority: Path, ca_file: Path
) -> None:
    before = relay.inbox.mark()
    settings = "smtpd_timeout = 1s"

    with (
        started(relay, certificate, authority, settings) as postfix,
        provider(postfix, ca_file) as gateway,
    ):
        gateway.submit(message("111111"), within(10))
        postfix.wait_for("timeout after END-OF-MESSAGE")
        gateway.submit(message("222222"), within(10))

        relay.inbox.wait(NUMBER, after=relay.inbox.wait(NUMBER, after=before, timeout=60).id, timeout=10)


def test_too_much_mail_is_throttled(
    relay: SmtpGateway, certificate: bytes, authority: Path, ca_file: Path
) -> None:
    settings = "smtpd_client_message_rate_limit = 1\nsmtpd_client_event_limit_exceptions ="

    with (
        started(relay, certificate, authority, settings) as postfix,
        provider(postfix, ca_file) as gateway,
    ):
        gateway.submit(message(), within(10))
        with pytest.raises(Throttled):
            gateway.submit(message(), within(10))


BEGUN = "MAIL FROM:<otp@example.com>"
ADDRESSED = f"RCPT TO:<{NUMBER}@{DOMAIN}>"


def replies_of(port: int, user: str, password: str, commands: list[str]) -> list[tuple[int, bytes]]:
    """Return what a mail server says to commands after STARTTLS, and after a log-in where there is a password."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", port, local_hostname="me", timeout=30) as client:
        client.starttls(context=anybody)
        client.ehlo()
        if password:
            client.login(user, password)
        return [client.docmd(command) for command in commands]


@pytest.mark.parametrize(
    "commands",
    [
        *(["EHLO"], ["HELO"], ["WHAT"], [""], ["VRFY"], ["RSET x"], ["DATA"], [ADDRESSED]),
        *(["STARTTLS"], ["STARTTLS x"], ["AUTH PLAIN AAAA"], ["MAIL"], ["MAIL TO:<a@b>"], ["MAIL FROM:<a@>"]),
        *([f"{BEGUN} {word}"] for word in ("SIZE=x", "SIZE=", "BODY=9BIT", "SMTPUTF8=1", "FOO=1")),
        *([BEGUN, command] for command in (BEGUN, "DATA", "RCPT", "RCPT FROM:<a@b>", "RCPT TO:<a@>")),
        [BEGUN, f"{ADDRESSED} FOO"],
        [BEGUN, ADDRESSED, "DATA x"],
        [BEGUN, ADDRESSED, "RSET", "DATA"],
    ],
)
def test_the_mail_mock_says_what_postfix_says(
    postfix: Postfix, relay: SmtpGateway, commands: list[str]
) -> None:
    account = relay.accounts
    said = replies_of(postfix.port, f"{USERNAME}@localhost", PASSWORD, commands)

    assert replies_of(relay.port, account.smtp_username, account.smtp_password, commands) == said


@pytest.mark.parametrize("commands", [["AUTH"], [BEGUN, "AUTH PLAIN AAAA"]])
def test_the_mail_mock_says_what_postfix_says_before_a_log_in(
    postfix: Postfix, relay: SmtpGateway, commands: list[str]
) -> None:
    assert replies_of(relay.port, "", "", commands) == replies_of(postfix.port, "", "", commands)
