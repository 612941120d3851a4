"""The HTTP wire against peers made of bare sockets."""

import gzip
import logging
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.errors import (
    AnswerTimeout,
    BadMessage,
    ConnectFailed,
    DeliveryError,
    NotSent,
    ProtocolViolation,
    Unknown,
)
from smsotp_plugin.wire.http.client import HttpWire, Origin, make_request
from smsotp_plugin.wire.http.connection import HttpConnection
from tests.support.clock import FakeClock

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
Talk = Callable[[socket.socket], object]
MakePeer = Callable[["Talk | None"], "Peer"]
MakeWire = Callable[..., HttpWire]


def read_head(conn: socket.socket) -> bytes:
    """Read up to the end of a request's head; empty when the client has gone."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = conn.recv(1)
        if not piece:
            return b""
        head += piece
    return head


@dataclass
class Peer:
    """A server on loopback that runs one function for each connection, in a thread."""

    talk: Talk
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                conn, _ = self.server.accept()
                self.connections += 1
                self._open.append(conn)
                thread = threading.Thread(target=self._run, args=(conn,))
                self._threads.append(thread)
                thread.start()

    def _run(self, conn: socket.socket) -> None:
        with suppress(OSError):
            self.talk(conn)
        conn.close()

    def read(self, conn: socket.socket) -> bytes:
        head = read_head(conn)
        if head:
            self.heads.append(head)
        return head

    def close(self) -> None:
        with suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for conn in self._open:
            with suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def make_peer() -> Iterator[MakePeer]:
    """Start peers; each answers OK for ever, or does what it is told."""
    peers: list[Peer] = []

    def make(talk: Talk | None = None) -> Peer:
        peer = Peer(talk or (lambda conn: answer_for_ever(peer, conn)))
        peers.append(peer)
        return peer

    yield make
    for peer in peers:
        peer.close()


@pytest.fixture
def make_wire() -> Iterator[MakeWire]:
    wires: list[HttpWire] = []

    def make(port: int, *, scheme: str = "http", host: str = "127.0.0.1", **more: object) -> HttpWire:
        wires.append(HttpWire(Origin(scheme, host, port, **more)))  # type: ignore[arg-type]
        return wires[-1]

    yield make
    for wire in wires:
        wire.close()


def answer_for_ever(peer: Peer, conn: socket.socket) -> None:
    while peer.read(conn):
        conn.sendall(OK)


def within(seconds: float) -> Deadline:
    return Deadline.after(seconds, SystemClock())


def answer_with(raw: bytes) -> Talk:
    """Return a talk that answers one request with these bytes and closes."""

    def talk(conn: socket.socket) -> None:
        read_head(conn)
        conn.sendall(raw)

    return talk


def dripping(before: bytes) -> tuple[Talk, threading.Event]:
    """Return a talk that never ends: one byte at a time, quicker than any limit for one read."""
    stop = threading.Event()

    def talk(conn: socket.socket) -> None:
        read_head(conn)
        conn.sendall(before)
        while not stop.wait(0.02):
            conn.sendall(b"a")

    return talk, stop


def get(wire: HttpWire) -> requests.PreparedRequest:
    return make_request("GET", f"{wire.origin.url()}/send?text=123456", {"User-Agent": "test"})


def post(wire: HttpWire, body: bytes = b"text=123456") -> requests.PreparedRequest:
    return make_request("POST", f"{wire.origin.url()}/send", {"Content-Type": "text/plain"}, body)


def exchange(wire: HttpWire, seconds: float = 5) -> requests.Response:
    return wire.exchange(get(wire), within(seconds))


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

    wire.exchange(post(wire, b"hello"), within(5))

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

        assert exchange(make_wire(1, host="gateway.example"), seconds=0.6).status_code == 200


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
        wire.exchange(post(wire) if method == "POST" else get(wire), within(5))


def test_a_request_of_which_the_end_was_not_written_is_certainly_not_sent(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    def talk(conn: socket.socket) -> None:
        read_head(conn)
        reset(conn)

    wire = make_wire(make_peer(talk).port)

    with pytest.raises(ConnectFailed):
        wire.exchange(post(wire, b"a" * 50_000_000), within(5))


INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@pytest.mark.parametrize(
    "before",
    [
        INTERIM,
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + INTERIM + INTERIM,
        b"HTTP/1.1 199 Whatever\nA: b\n\n",
    ],
)
def test_interim_answers_are_skipped(make_peer: MakePeer, make_wire: MakeWire, before: bytes) -> None:
    def talk(conn: socket.socket) -> None:
        for answer in (OK, b"HTTP/1.1 402 Pay\r\nContent-Length: 0\r\n\r\n"):
            read_head(conn)
            conn.sendall(before)
            conn.sendall(answer)

    peer = make_peer(talk)
    wire = make_wire(peer.port)

    assert (exchange(wire).status_code, exchange(wire).status_code) == (200, 402)
    assert peer.connections == 1


def test_an_answer_that_comes_late_is_not_taken_for_the_next_one(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    def talk(conn: socket.socket) -> None:
        read_head(conn)
        conn.sendall(OK)
        read_head(conn)
        # What belongs to the first request, and then what belongs to the second one.
        conn.sendall(OK + b"HTTP/1.1 402 Pay\r\nContent-Length: 0\r\n\r\n")

    wire = make_wire(make_peer(talk).port)
    exchange(wire)

    with pytest.raises(ProtocolViolation, match="more than one answer"):
        exchange(wire)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nServer Name: x\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\nX-Frame-Options : DENY\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 00000000000002\r\n\r\nOK", b"OK"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n000000000002\r\nOK\r\n000000000000\r\n\r\n",
            b"OK",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\nContent-Length:2;\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2 bytes\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\n: nameless\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\nX-Long: a\r\n  and more\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\n odd\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nOK", b"OK"),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
        (b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
        (b"http/1.1  200  ok\r\nCONTENT-LENGTH: 2\r\n\r\nOK", b"OK"),
        (b"HTTP/2 200\r\ncontent-length: 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK and more than it said", b"OK"),
        (b"HTTP/1.1 200 OK\r\nX-\xe4: \xff\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 9\r\n\r\n2\r\nOK\r\n0\r\n\r\n", b"OK"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 ; a=b\nOK\n00\nX: y\n\n", b"OK"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: utf-8\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b""),
    ],
)  # fmt: skip
def test_an_odd_answer_is_read_as_browsers_read_it_without_waiting(
    make_peer: MakePeer, make_wire: MakeWire, raw: bytes, body: bytes
) -> None:
    done = threading.Event()

    def talk(conn: socket.socket) -> None:
        read_head(conn)
        conn.sendall(raw)
        done.wait(5)

    wire = make_wire(make_peer(talk).port)

    answer = exchange(wire)
    done.set()

    assert (answer.status_code // 100, answer.content) == (2, body)


def pack(coding: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (coding, len(body)) + body


@pytest.mark.parametrize(
    "raw",
    [
        pack(b"gzip", gzip.compress(b"OK")),
        pack(b"X-GZIP", gzip.compress(b"OK")),
        pack(b"gzip", gzip.compress(b"O") + gzip.compress(b"K")),
        pack(b"gzip", gzip.compress(b"OK") + b"\0\0"),
        pack(b"deflate", zlib.compress(b"OK")),
        pack(b"deflate", zlib.compress(b"OK", wbits=-15)),
        pack(b"deflate, gzip", gzip.compress(zlib.compress(b"OK"), mtime=0)),
    ],
    ids=["gzip", "x-gzip", "gzip in pieces", "gzip with padding", "deflate", "bare deflate", "both"],
)
def test_a_packed_body_is_unpacked(make_peer: MakePeer, make_wire: MakeWire, raw: bytes) -> None:
    assert exchange(make_wire(make_peer(answer_with(raw)).port)).content == b"OK"


@pytest.mark.parametrize(
    "length", [b"", b"Content-Length: -1\r\n", b"Content-Length: many\r\n", b"Content-Length:\r\n"]
)
def test_an_answer_without_a_length_that_can_be_read_goes_on_to_the_end_of_the_connection(
    make_peer: MakePeer, make_wire: MakeWire, length: bytes
) -> None:
    wire = make_wire(make_peer(answer_with(b"HTTP/1.1 200 OK\r\n" + length + b"\r\nOK")).port)

    assert exchange(wire).content == b"OK"


def test_silence_is_unknown(make_peer: MakePeer, make_wire: MakeWire) -> None:
    with pytest.raises(AnswerTimeout, match="in time"):
        exchange(make_wire(make_peer(lambda conn: conn.recv(1 << 20) and conn.recv(1)).port), seconds=0.2)


def test_the_read_limit_ends_the_silence_before_the_deadline(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    silent = make_peer(lambda conn: read_head(conn) and conn.recv(1))

    with pytest.raises(AnswerTimeout):
        exchange(make_wire(silent.port, read_limit=0.2), seconds=100)


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["status line", "header", "body", "chunk", "body without length"],
)
def test_the_deadline_holds_against_one_byte_at_a_time(
    make_peer: MakePeer, make_wire: MakeWire, before: bytes
) -> None:
    talk, stop = dripping(before)
    try:
        with pytest.raises(AnswerTimeout):
            exchange(make_wire(make_peer(talk).port), seconds=0.3)
    finally:
        stop.set()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Len",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nO",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nOK\r\n",
        b"\x00\xff garbage\r\n\r\n",
        b"220 mail ESMTP\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, rot13\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK and more\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 2\r\n\r\nOK",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"ID: 1",
    ],
)
def test_half_an_answer_and_garbage_are_unknown(make_peer: MakePeer, make_wire: MakeWire, raw: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        exchange(make_wire(make_peer(answer_with(raw)).port))


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"a" * 70000,
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 60000 + b"\r\nX: " + b"a" * 60000 + b"\r\nX: " + b"a" * 60000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: a\r\n" * 50000,
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n",
    ],
    ids=["body", "headers", "interim answers", "trailers", "many headers"],
)
def test_an_endless_answer_is_unknown(make_peer: MakePeer, make_wire: MakeWire, raw: bytes) -> None:
    with pytest.raises(ProtocolViolation, match="long"):
        exchange(make_wire(make_peer(answer_with(raw)).port))


HEADS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\nContent-Length: 9\r\n",
        b"HTTP/1.0 101 \r\nConnection: keep-alive\r\nKeep-Alive: timeout=",
    ]
)


def test_any_bytes_are_an_answer_or_one_of_our_errors(make_peer: MakePeer, make_wire: MakeWire) -> None:
    answers = [b""]
    wire = make_wire(make_peer(lambda conn: [read_head(conn), conn.send(answers[0])]).port)

    @settings(max_examples=200, deadline=None)
    @given(raw=st.binary(max_size=60) | st.builds(bytes.__add__, HEADS, st.binary(max_size=60)))
    def check(raw: bytes) -> None:
        answers[0] = raw
        with suppress(DeliveryError):
            assert exchange(wire).status_code >= 100

    check()


def test_a_connection_that_ended_while_idle_is_replaced_before_anything_is_written(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    ended = threading.Event()

    def once(conn: socket.socket) -> None:
        peer.read(conn)
        conn.sendall(OK)
        conn.shutdown(socket.SHUT_RDWR)
        ended.set()

    peer = make_peer(once)
    wire = make_wire(peer.port)
    exchange(wire)
    ended.wait(5)

    exchange(wire)

    assert (peer.connections, len(peer.heads)) == (2, 2)


def test_a_request_that_was_read_and_not_answered_is_not_sent_again(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    peer = make_peer(lambda conn: [peer.read(conn)])

    with pytest.raises(ProtocolViolation, match="without an answer"):
        exchange(make_wire(peer.port))
    assert len(peer.heads) == 1


def test_what_comes_after_an_answer_is_not_the_next_answer(make_peer: MakePeer, make_wire: MakeWire) -> None:
    sent = threading.Event()

    def talk(conn: socket.socket) -> None:
        peer.read(conn)
        conn.sendall(OK + b"HTTP/1.1 500 Surprise\r\nContent-Length: 0\r\n\r\n")
        sent.set()
        answer_for_ever(peer, conn)

    peer = make_peer(talk)
    wire = make_wire(peer.port)
    exchange(wire)
    sent.wait(5)

    assert exchange(wire).status_code == 200


def test_a_connection_that_rested_long_is_not_used_again(make_peer: MakePeer, make_wire: MakeWire) -> None:
    peer, clock = make_peer(None), FakeClock()
    wire = make_wire(peer.port)
    wire.exchange(get(wire), Deadline.after(5, clock))

    clock.advance(5.0)
    wire.exchange(get(wire), Deadline.after(5, clock))

    assert peer.connections == 2


def test_close_ends_an_exchange_that_is_under_way(make_peer: MakePeer, make_wire: MakeWire) -> None:
    reading = threading.Event()
    caught: list[BaseException] = []

    def talk(conn: socket.socket) -> None:
        read_head(conn)
        reading.set()
        conn.recv(1)

    wire = make_wire(make_peer(talk).port)

    def run() -> None:
        try:
            exchange(wire, 60)
        except DeliveryError as exc:
            caught.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    reading.wait(5)
    wire.close()
    thread.join(5)

    assert isinstance(caught[0], Unknown)
    with pytest.raises(NotSent):
        exchange(wire)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def over_tls(authority: trustme.CA, name: str, talk: Talk) -> Talk:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    def wrap(conn: socket.socket) -> None:
        with context.wrap_socket(conn, server_side=True) as tls:
            talk(tls)

    return wrap


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


def test_a_trusted_certificate_is_accepted_and_the_connection_kept(
    make_peer: MakePeer, make_wire: MakeWire, authority: trustme.CA, ca_file: Path
) -> None:
    peer = make_peer(over_tls(authority, "127.0.0.1", lambda tls: answer_for_ever(peer, tls)))
    wire = make_wire(peer.port, scheme="https", check_tls=ca_file)

    assert (exchange(wire).status_code, exchange(wire).status_code) == (200, 200)
    assert peer.connections == 1
    wire.probe(within(5))


def test_an_unknown_authority_is_certainly_not_sent(
    make_peer: MakePeer, make_wire: MakeWire, authority: trustme.CA
) -> None:
    peer = make_peer(over_tls(authority, "127.0.0.1", lambda tls: tls.sendall(OK)))
    wire = make_wire(peer.port, scheme="https")

    with pytest.raises(ConnectFailed, match="certificate is not accepted"):
        exchange(wire)
    with pytest.raises(ConnectFailed, match="certificate is not accepted"):
        wire.probe(within(5))


def test_a_certificate_for_another_name_is_certainly_not_sent(
    make_peer: MakePeer, make_wire: MakeWire, authority: trustme.CA, ca_file: Path
) -> None:
    peer = make_peer(over_tls(authority, "gateway.example", lambda tls: tls.sendall(OK)))

    with pytest.raises(ConnectFailed, match="IP address mismatch"):
        exchange(make_wire(peer.port, scheme="https", check_tls=ca_file))


def test_an_unchecked_certificate_is_accepted_without_a_warning(
    make_peer: MakePeer, make_wire: MakeWire, authority: trustme.CA
) -> None:
    peer = make_peer(over_tls(authority, "other", lambda tls: answer_for_ever(peer, tls)))

    assert exchange(make_wire(peer.port, scheme="https", check_tls=False)).status_code == 200


def test_a_peer_that_does_not_speak_tls_is_certainly_not_sent(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    peer = make_peer(lambda conn: [conn.recv(100), conn.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")])

    with pytest.raises(ConnectFailed, match="is it a port without TLS"):
        exchange(make_wire(peer.port, scheme="https"))


def test_a_handshake_that_never_ends_is_certainly_not_sent(make_peer: MakePeer, make_wire: MakeWire) -> None:
    peer = make_peer(lambda conn: [conn.recv(1 << 16) for _ in range(2)] and None)

    with pytest.raises(ConnectFailed, match="in time"):
        exchange(make_wire(peer.port, scheme="https", connect_limit=0.2), seconds=60)


def test_plain_http_over_a_proxy_names_the_whole_url_and_the_credentials(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    proxy = make_peer(None)
    wire = make_wire(80, host="gateway.example", proxy=f"http://me:p%40ss@127.0.0.1:{proxy.port}")

    exchange(wire)

    assert proxy.heads[0].startswith(
        b"GET http://gateway.example/send?text=123456 HTTP/1.1\r\nHost: gateway.example\r\n"
    )
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==\r\n" in proxy.heads[0]


def test_https_goes_through_the_proxy_in_a_tunnel(
    make_peer: MakePeer, make_wire: MakeWire, authority: trustme.CA, ca_file: Path
) -> None:
    heads: list[bytes] = []

    def talk(conn: socket.socket) -> None:
        heads.append(read_head(conn))
        conn.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        over_tls(authority, "gateway.example", lambda tls: answer_for_ever(proxy, tls))(conn)

    proxy = make_peer(talk)
    wire = make_wire(
        443,
        scheme="https",
        host="gateway.example",
        check_tls=ca_file,
        proxy=f"http://me:x@127.0.0.1:{proxy.port}",
    )

    assert (exchange(wire).status_code, exchange(wire).status_code) == (200, 200)
    assert len(heads) == 1
    assert heads[0].startswith(b"CONNECT gateway.example:443 HTTP/1.1\r\nHost: gateway.example:443\r\n")
    assert b"Proxy-Authorization: Basic bWU6eA==\r\n" in heads[0]
    assert b"Proxy-Authorization" not in proxy.heads[0]
    wire.probe(within(5))


def test_a_dot_behind_a_name_is_no_part_of_what_is_certified(
    make_peer: MakePeer, make_wire: MakeWire, authority: trustme.CA, ca_file: Path
) -> None:
    def talk(conn: socket.socket) -> None:
        read_head(conn)
        conn.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        over_tls(authority, "gateway.example", lambda tls: answer_for_ever(proxy, tls))(conn)

    proxy = make_peer(talk)
    wire = make_wire(
        443,
        scheme="https",
        host="gateway.example.",
        check_tls=ca_file,
        proxy=f"http://127.0.0.1:{proxy.port}",
    )

    assert exchange(wire).status_code == 200


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 No\r\n\r\n", b"HTTP/1.1 502 No\r\n\r\n"])
def test_a_proxy_that_refuses_the_tunnel_is_certainly_not_sent(
    make_peer: MakePeer, make_wire: MakeWire, answer: bytes
) -> None:
    proxy = make_peer(answer_with(answer))
    wire = make_wire(443, scheme="https", host="gateway.example", proxy=f"http://127.0.0.1:{proxy.port}")

    with pytest.raises(ConnectFailed, match=r"proxy refused .* status (407|502)"):
        exchange(wire)


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n", b"HTTP/1.1 200 OK\r\nX:"])
def test_a_proxy_that_breaks_off_is_certainly_not_sent(
    make_peer: MakePeer, make_wire: MakeWire, answer: bytes
) -> None:
    proxy = make_peer(answer_with(answer))
    wire = make_wire(443, scheme="https", host="gateway.example", proxy=f"http://127.0.0.1:{proxy.port}")

    with pytest.raises(ConnectFailed):
        exchange(wire)


def test_a_probe_tells_a_dead_gateway_from_a_living_one_and_sends_nothing(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    received: list[bytes] = []
    ended = threading.Event()

    def talk(conn: socket.socket) -> None:
        received.append(conn.recv(1))
        ended.set()

    peer = make_peer(talk)
    make_wire(peer.port).probe(within(5))
    ended.wait(5)
    peer.close()

    assert received == [b""]
    with pytest.raises(ConnectFailed):
        make_wire(peer.port).probe(within(5))


def test_a_proxy_is_spoken_to_over_tls_and_the_gateway_inside_of_it(
    make_peer: MakePeer, make_wire: MakeWire, authority: trustme.CA, ca_file: Path
) -> None:
    gateway = make_peer(over_tls(authority, "gateway.example", lambda tls: answer_for_ever(gateway, tls)))

    def forward(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def talk(conn: socket.socket) -> None:
        read_head(conn)
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with socket.create_connection(("127.0.0.1", gateway.port)) as beyond:
            back = threading.Thread(target=forward, args=(beyond, conn))
            back.start()
            forward(conn, beyond)
            beyond.shutdown(socket.SHUT_RDWR)
            back.join()

    proxy = make_peer(over_tls(authority, "127.0.0.1", talk))
    wire = make_wire(
        443,
        scheme="https",
        host="gateway.example",
        check_tls=ca_file,
        proxy=f"https://127.0.0.1:{proxy.port}",
    )

    assert exchange(wire).content == b"OK"
    assert wire.exchange(post(wire, b"a" * 100_000), within(5)).status_code == 200
    wire.probe(within(5))
    wire.close()


class Signature(requests.auth.AuthBase):
    """Signs the body, as several gateways want it."""

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["X-Signature"] = f"{len(r.body or b'')}-{r.path_url}"
        return r


def test_an_auth_class_signs_what_is_sent(make_peer: MakePeer, make_wire: MakeWire) -> None:
    peer = make_peer(None)
    wire = make_wire(peer.port)

    wire.exchange(
        make_request("GET", f"{wire.origin.url()}/send?a=b", {}, auth=Signature()),
        within(5),
    )

    assert b"X-Signature: 0-/send?a=b\r\n" in peer.heads[0]


def test_digest_authentication_answers_its_challenge_over_the_same_connection(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    challenge = (
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
        b'WWW-Authenticate: Digest realm="sms", nonce="abc", qop="auth", algorithm=SHA-256\r\n\r\n'
    )

    def talk(conn: socket.socket) -> None:
        peer.read(conn)
        conn.sendall(challenge)
        answer_for_ever(peer, conn)

    peer = make_peer(talk)
    wire = make_wire(peer.port)
    request = make_request(
        "GET", f"{wire.origin.url()}/send", {}, auth=requests.auth.HTTPDigestAuth("me", "secret")
    )

    assert wire.exchange(request, within(5)).status_code == 200
    assert b'Authorization: Digest username="me"' in peer.heads[1]
    assert peer.connections == 1


def test_a_request_that_requests_itself_prepared_is_sent_as_it_is(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    peer = make_peer(None)
    wire = make_wire(peer.port)
    request = requests.Request(
        "GET", f"http://127.0.0.1:{peer.port}/ü?a=ü#part", auth=("me", "pass"), headers={"X-A": "b"}
    )

    wire.exchange(request.prepare(), within(5))

    assert peer.heads[0].startswith(b"GET /%C3%BC?a=%C3%BC HTTP/1.1\r\n")
    assert b"X-A: b\r\n" in peer.heads[0]
    assert b"Authorization: Basic bWU6cGFzcw==\r\n" in peer.heads[0]


@pytest.mark.parametrize(
    "parts",
    [
        ("GET", "@elsewhere.example/", {}, None),
        ("GET", ".elsewhere.example/", {}, None),
        ("GET", "/", {"X-A": "b\r\nX-Evil: c"}, None),
        ("GET", "/ HTTP/1.1\r\nX-Evil: c", {}, None),
        ("GET", "/a b", {}, None),
        ("GET", "/", {"X-A": "\u20ac"}, None),
        ("POST", "/", {}, iter([b"a"])),
    ],
)
def test_a_request_that_leads_elsewhere_or_cannot_be_written_is_refused(
    make_peer: MakePeer, make_wire: MakeWire, parts: tuple[str, str, dict[str, str], bytes | None]
) -> None:
    method, after_origin, headers, body = parts
    peer = make_peer(None)
    wire = make_wire(peer.port)

    with pytest.raises(BadMessage):
        wire.exchange(make_request(method, wire.origin.url() + after_origin, headers, body), within(5))
    assert peer.heads == []
