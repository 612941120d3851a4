"""The provider ``smtp`` keeps the contract with each kind of protection, and reads the mock's replies."""

import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from smsotp_conformance import CLOCK, ProviderContract, message, within
from smsotp_mocks.gateways.smtp.gateway import Security, SmtpGateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates
from smsotp_plugin.errors import (
    AuthFailed,
    BadMessage,
    BadRecipient,
    DeliveryError,
    GatewayUnavailable,
    Throttled,
)
from smsotp_plugin.fields.smtp_server import SmtpServer
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.smtp import SmtpProvider, SmtpSettings


def make(mock: SmtpGateway, server: dict[str, Any] | None = None, **settings: Any) -> SmtpProvider:
    tables = mock.configuration()
    known = SmtpServer.model_validate(tables["smtp_servers.mock"] | (server or {}))
    given = SmtpSettings.model_validate(
        {"TIMEOUT": 30, **tables["gateways.smtp"], **settings}, context={"smtp_servers": {"mock": known}}
    )
    return SmtpProvider(GatewayContext("contract", CLOCK), given)


class TestTlsSmtp(ProviderContract):
    """TLS from the first byte where the contract asks for TLS, else none."""

    security: Security = "tls"

    def serve(self, inbox: Inbox, tls: ssl.SSLContext | None) -> AbstractContextManager[SmtpGateway]:
        if tls is None:
            return SmtpGateway(inbox)
        return SmtpGateway(inbox, security=self.security, certificate=tls)

    def make(self, mock: SmtpGateway, check_tls: bool | Path) -> SmtpProvider:  # noqa: FBT001  (as in the settings)
        return make(mock, {"ca_file": check_tls} if isinstance(check_tls, Path) else {"verify": check_tls})


class TestStartTlsSmtp(TestTlsSmtp):
    """The same with STARTTLS."""

    security: Security = "starttls"


@pytest.fixture
def mock() -> Iterator[SmtpGateway]:
    with SmtpGateway() as mock:
        yield mock


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("smtp-reply 421 at connect", GatewayUnavailable),
        ("smtp-reply 550 at mail", GatewayUnavailable),
        ("smtp-reply 550 at rcpt", BadRecipient),
        ("smtp-reply 450 at rcpt", GatewayUnavailable),
        ('smtp-reply 450 "4.7.1 too much mail" at rcpt', Throttled),
        ("smtp-reply 552 at message", BadMessage),
        ("smtp-reply 451 at message", GatewayUnavailable),
    ],
)
def test_a_reply_has_its_meaning(mock: SmtpGateway, fault: str, error: type[DeliveryError]) -> None:
    mock.faults.add(fault)
    provider = make(mock)

    with pytest.raises(error):
        provider.submit(message(), within(30))
    provider.close()

    assert mock.inbox.messages() == ()


def test_a_wrong_password_is_an_authentication_failure(tmp_path: Path) -> None:
    certificates = Certificates()
    authority = certificates.write_authority(tmp_path / "ca.pem")
    with SmtpGateway(security="starttls", certificate=certificates.server_context()) as mock:
        provider = make(mock, {"ca_file": authority, "password": "wrong"})
        with pytest.raises(AuthFailed):
            provider.submit(message(), within(30))
        provider.close()


def test_a_server_without_starttls_gets_no_mail(mock: SmtpGateway) -> None:
    provider = make(mock, {"security": "starttls"})

    with pytest.raises(DeliveryError, match="STARTTLS"):
        provider.submit(message(), within(30))
    provider.close()

    assert mock.inbox.messages() == ()
