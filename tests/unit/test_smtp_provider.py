"""The provider smtp, through aiosmtpd."""

import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import AuthFailed, ConnectFailed
from smsotp_plugin.fields.smtp_server import SmtpServer
from smsotp_plugin.sms.message import Receipt
from tests.support.smtp_provider import CLOCK, message, provider


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
