"""Every gateway shows a bad certificate when it is told to, and the good one afterwards."""

import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from smsotp_mocks.gateways.table import GATEWAYS, GatewaySetup
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates
from smsotp_mocks.net.tcp_server import TcpServer


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates()


@pytest.fixture
def trusting(certificates: Certificates, tmp_path: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificates.write_authority(tmp_path / "ca.pem"))


def over_tls(port: int, context: ssl.SSLContext) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        context.wrap_socket(plain, server_hostname="localhost").close()


def over_starttls(port: int, context: ssl.SSLContext) -> None:
    with smtplib.SMTP("localhost", port, timeout=10) as server:
        server.starttls(context=context)


CONNECT: Mapping[str, Callable[[int, ssl.SSLContext], None]] = dict.fromkeys(GATEWAYS, over_tls) | {
    "smtp": over_starttls
}


@pytest.mark.parametrize(("fault", "says"), [("expired", "expired"), ("wrong-name", "mismatch")])
@pytest.mark.parametrize("kind", CONNECT)
def test_a_bad_certificate_is_shown_as_often_as_the_rule_says(
    certificates: Certificates, trusting: ssl.SSLContext, kind: str, fault: str, says: str
) -> None:
    gateway = GATEWAYS[kind](Inbox(), GatewaySetup(tls=certificates))
    gateway.faults.add(f"certificate {fault} 2 times")
    with gateway:
        assert isinstance(gateway, TcpServer)
        for _ in range(2):
            with pytest.raises(ssl.SSLCertVerificationError, match=says):
                CONNECT[kind](gateway.port, trusting)
        CONNECT[kind](gateway.port, trusting)
