"""The server below all mocks: what ends it, or its connections, pulls nothing away from the threads that use them."""

import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from types import FrameType
from typing import Any

import pytest

from smsotp_mocks.net.certificates import Certificates
from smsotp_mocks.net.tcp_server import TcpServer


class Talker(TcpServer):
    """Says what it thinks of its connection after that was dropped."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.connected, self.dropped, self.looked = (threading.Event() for _ in range(3))
        self.is_encrypted = False

    def serve(self, connection: socket.socket) -> None:
        self.connected.set()
        self.dropped.wait(30)
        self.is_encrypted = isinstance(connection, ssl.SSLSocket) and connection.version() is not None
        self.looked.set()


@pytest.fixture
def encrypting() -> Iterator[tuple[Talker, ssl.SSLContext]]:
    certificates = Certificates()
    with Talker(tls=certificates) as talker:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        yield talker, context


def test_a_connection_that_is_dropped_goes_on_in_tls_to_its_end(
    encrypting: tuple[Talker, ssl.SSLContext],
) -> None:
    talker, context = encrypting
    plain = socket.create_connection((talker.host, talker.port))
    with closing(context.wrap_socket(plain)):
        assert talker.connected.wait(30)
        talker.drop_connections()
        talker.dropped.set()
        assert talker.looked.wait(30)

    assert talker.is_encrypted


def test_a_listener_is_not_closed_before_nobody_waits_on_it() -> None:
    talker = Talker().start()
    listener, acceptor = talker._listener, talker._acceptor
    assert listener is not None
    assert acceptor is not None
    seen = set()

    def look(frame: FrameType, *_: object) -> Any:
        frame.f_trace_opcodes = True
        seen.add((listener.fileno() < 0, acceptor.is_alive()))
        return look

    before = sys.gettrace()
    sys.settrace(lambda frame, *rest: look(frame, *rest) if frame.f_code is TcpServer.stop.__code__ else None)
    talker.stop()
    sys.settrace(before)

    assert (True, True) not in seen
    assert (True, False) in seen
