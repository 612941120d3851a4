"""The HTTP wire: what is taken for an answer, and until when it is waited for."""

import gzip
import socket
import threading
import zlib
from collections.abc import MutableMapping
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests import Response

from smsotp_plugin.errors import (
    AnswerTimeout,
    DeliveryError,
    ProtocolViolation,
)
from smsotp_plugin.wire.http.messages import make_response
from tests.support.http_peer import (
    OK,
    MakePeer,
    MakeWire,
    answer_with,
    dripping,
    exchange,
    read_head,
)

INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


def test_an_answer_has_all_that_one_of_requests_has_and_shares_nothing_that_can_be_changed() -> None:
    one, other = make_response(200, {}, b""), make_response(200, {}, b"")
    names = [*vars(Response())]
    kept = [getattr(one, name) for name in names if isinstance(getattr(one, name), list | MutableMapping)]

    assert len(kept) == 3
    assert not any(getattr(other, name) is each for each in kept for name in names)


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
        (b"HTTP/1.1 204 No Content\r\nContent-Encoding: br\r\n\r\n", b""),
        (b"HTTP/1.1 202 Accepted\r\nContent-Encoding: zstd\r\nContent-Length: 0\r\n\r\n", b""),
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
        b"HTTP/1." + b"1" * 5000 + b" 200 OK\r\nContent-Length: 2\r\n\r\nOK",
        b"ID: 1",
    ],
)
def test_half_an_answer_and_garbage_are_unknown(make_peer: MakePeer, make_wire: MakeWire, raw: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        exchange(make_wire(make_peer(answer_with(raw)).port))


@pytest.mark.parametrize("first", [b"", OK])
@pytest.mark.parametrize(
    "page",
    [
        b"Content-Length: 200000\r\n\r\n<html>",
        b"Content-Length: 10\r\n\r\n<html>",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n<ht",
        b"Transfer-Encoding: rot13\r\n\r\n",
        b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\nOK",
        b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nOK",
        b"\r\n" + b"a" * 70000,
    ],
    ids=[
        "too long",
        "broken off",
        "broken chunk",
        "odd framing",
        "brotli",
        "not packed",
        "too long to the end",
    ],
)
def test_a_failure_is_one_whatever_is_wrong_with_its_page(
    make_peer: MakePeer, make_wire: MakeWire, first: bytes, page: bytes
) -> None:
    def talk(conn: socket.socket) -> None:
        if first:
            read_head(conn)
            conn.sendall(first)
        read_head(conn)
        conn.sendall(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n" + page)

    wire = make_wire(make_peer(talk).port)
    if first:
        exchange(wire)

    answer = exchange(wire)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_a_failure_whose_page_never_ends_is_known_at_the_deadline(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    talk, stop = dripping(b"HTTP/1.1 503 Away\r\nContent-Length: 50000\r\n\r\n")

    assert exchange(make_wire(make_peer(talk).port), seconds=0.3).status_code == 503
    stop.set()


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
