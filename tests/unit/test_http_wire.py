"""The HTTP wire against peers made of bare sockets."""

import logging
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import (
    ConnectFailed,
)
from smsotp_plugin.wire.http.connection import HttpConnection
from tests.support.http_peer import (
    OK,
    MakePeer,
    MakeWire,
    Talk,
    answer_with,
    exchange,
    get,
    post,
    read_head,
    within,
)


def test_two_requests_go_over_one_connection(make_peer: MakePeer, make_wire: MakeWire) -> None:
    peer = make_peer(None)
    wire = make_wire(peer.port)

    first, second = exchange(wire), exchange(wire)

    assert (200, b"OK") == (first.status_code, first.content) == (second.status_code, second.content)
    assert peer.connections == 1


def test_a_body_is_sent_with_its_length(make_peer: MakePeer, make_wire: MakeWire) -> None:
    received: list[bytes] = []

    def talk(conn: socket.socket) -> None:
        received.append(read_head(conn) + conn.recv(5, socket.MSG_WAITALL))
        conn.sendall(OK)

    wire = make_wire(make_peer(talk).port)

    wire.exchange(post(wire, b"hello"), within(30))

    assert b"Content-Length: 5\r\n" in received[0]
    assert received[0].endswith(b"\r\n\r\nhello")


def test_a_redirect_is_an_answer_and_is_not_followed(make_peer: MakePeer, make_wire: MakeWire) -> None:
    peer = make_peer(None)
    moved = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{peer.port}/\r\nContent-Length: 0\r\n\r\n"
    wire = make_wire(make_peer(answer_with(moved.encode())).port)

    assert exchange(wire).status_code == 302
    assert peer.heads == []


def test_a_refused_connection_is_certainly_not_sent(make_wire: MakeWire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    wire = make_wire(port)

    with pytest.raises(ConnectFailed, match="Connection refused"):
        exchange(wire)


def test_a_name_that_does_not_exist_is_certainly_not_sent(make_wire: MakeWire) -> None:
    with pytest.raises(ConnectFailed, match="cannot be resolved"):
        exchange(make_wire(80, host="gateway.invalid"))


def test_a_passed_deadline_sends_nothing(make_peer: MakePeer, make_wire: MakeWire) -> None:
    peer = make_peer(None)

    with pytest.raises(ConnectFailed):
        exchange(make_wire(peer.port), seconds=0)
    assert peer.heads == []


def test_a_second_address_is_tried_when_the_first_swallows_packets(
    make_peer: MakePeer, make_wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = make_peer(None)
    with full_listener() as dead:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in (dead, peer.port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

        assert exchange(make_wire(1, host="gateway.example", connect_limit=0.6)).status_code == 200


@contextmanager
def full_listener() -> Iterator[int]:
    """Give a port that answers no SYN: its queue is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(server.getsockname())
        yield server.getsockname()[1]
        for sock in waiting:
            sock.close()


def test_a_connection_that_cannot_be_made_in_time_is_certainly_not_sent(make_wire: MakeWire) -> None:
    with full_listener() as port, pytest.raises(ConnectFailed, match="in time"):
        exchange(make_wire(port, connect_limit=0.2), seconds=60)


def test_no_url_reaches_the_log(
    make_peer: MakePeer, make_wire: MakeWire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    odd = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno header\r\n\r\nOK"

    exchange(make_wire(make_peer(answer_with(odd)).port))

    assert caplog.text == ""


def reset(conn: socket.socket) -> None:
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


@pytest.mark.parametrize(
    "act",
    [reset, socket.socket.close, lambda conn: conn.sendall(b"220 mail.example ESMTP\r\n")],
    ids=["reset", "closed", "a greeting"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_peer_that_ends_or_speaks_before_it_is_asked_has_certainly_nothing(
    make_peer: MakePeer, make_wire: MakeWire, monkeypatch: pytest.MonkeyPatch, act: Talk, method: str
) -> None:
    acted = threading.Event()

    def talk(conn: socket.socket) -> None:
        act(conn)
        acted.set()
        if conn.fileno() >= 0:
            read_head(conn)

    connect = HttpConnection._connect

    def connect_and_wait(self: HttpConnection, deadline: Deadline) -> object:
        channel = connect(self, deadline)
        acted.wait(5)
        return channel

    monkeypatch.setattr(HttpConnection, "_connect", connect_and_wait)
    wire = make_wire(make_peer(talk).port)

    with pytest.raises(ConnectFailed):
        wire.exchange(post(wire) if method == "POST" else get(wire), within(30))


def test_a_request_of_which_the_end_was_not_written_is_certainly_not_sent(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    def talk(conn: socket.socket) -> None:
        read_head(conn)
        reset(conn)

    wire = make_wire(make_peer(talk).port)

    with pytest.raises(ConnectFailed):
        wire.exchange(post(wire, b"a" * 50_000_000), within(30))
