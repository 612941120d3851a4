"""A mock whose process has run out of descriptors serves again when there are some."""

import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.gateways.http.sipgate import SipgateGateway
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.gateways.smtp.gateway import SmtpGateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.tcp_server import TcpServer
from smsotp_mocks.page.server import InboxPage

#: What any of the mocks answers with a few bytes: a request of HTTP, a command of SMTP, an enquire_link of SMPP.
SMPP = b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01"
HTTP = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
MOCKS: dict[str, tuple[Callable[[Inbox], TcpServer], bytes]] = {
    "http": (HttpGateway, HTTP),
    "sipgate": (SipgateGateway, HTTP),
    "smtp": (SmtpGateway, b"NOOP\r\n"),
    "smpp": (Smsc, SMPP),
    "page": (InboxPage, HTTP),
}


@contextmanager
def no_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def expect_answer(client: socket.socket, request: bytes) -> bool:
    client.settimeout(10)
    client.sendall(request)
    return client.recv(1) != b""


@pytest.mark.parametrize("name", MOCKS)
def test_a_mock_serves_again_when_there_are_descriptors(name: str) -> None:
    make, request = MOCKS[name]
    with make(Inbox()) as mock, ExitStack() as opened:
        clients = [opened.enter_context(socket.socket()) for _ in range(3)]
        with no_descriptors():
            for client in clients[:2]:
                client.connect((mock.host, mock.port))
            # The kernel may have had a descriptor for the first one; the second one can only wait.
            clients[1].settimeout(0.2)
            with suppress(TimeoutError):
                clients[1].recv(1)
        clients[2].connect((mock.host, mock.port))

        assert [expect_answer(client, request) for client in clients] == [True, True, True]
