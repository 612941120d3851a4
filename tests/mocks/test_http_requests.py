"""Requests that no HTTP server takes, and the HTTP mock."""

import socket

import pytest

from smsotp_mocks import HttpGateway, Inbox
from tests.mocks.test_http_gateway import exchange


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", b"400"),
        (b"BREW /pot HTTP/1.1\r\n\r\n", b"501"),
        (b"GET //[ HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", b"400"),
        (
            b"POST /?to=49170&text=x HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"400",
        ),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", b"413"),
        (b"GET /?" + b"a&" * 300 + b" HTTP/1.1\r\n\r\n", b"400"),
    ],
)
def test_hostile_bytes_get_a_clear_status(gateway: HttpGateway, sent: bytes, status: bytes) -> None:
    assert status == exchange(gateway, sent).split(b" ")[1]
    assert gateway.requests[0].verdict == "rejected"


GOOD = b"POST /?to=49170&text=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (GOOD.replace(b"Host: x\r\n", b"") + b"\r\n", b"there are 0 headers Host"),
        (GOOD + b"host: y\r\n\r\n", b"there are 2 headers Host"),
        (GOOD + b"Content-Length: 1\r\ncontent-length: 2\r\n\r\nab", b"two Content-Lengths"),
        *((GOOD + name + b": y\r\n\r\n", b"has no name, or one that") for name in (b"", b"X Y", b"X\x01", b"X\xc3\xa4", b"(X)")),
        (GOOD + b"X: a\0b\r\n\r\n", b"control character"),
        (GOOD + b"X: a\rb\r\n\r\n", b"control character"),
        (GOOD.replace(b"1.1", b"1.x") + b"\r\n", b"not HTTP/1"),
        *(
            (GOOD + b"Transfer-Encoding: chunked\r\n\r\n%b\r\nab\r\n0\r\n\r\n" % size, reason)
            for size, reason in (
                (b"0x2", b"no size"), (b"+2", b"no size"), (b"0_2", b"no size"), (b"1", b"longer than its size"),
            )
        ),
    ],
)  # fmt: skip
def test_what_every_server_refuses_is_refused(
    gateway: HttpGateway, inbox: Inbox, sent: bytes, reason: bytes
) -> None:
    answer = exchange(gateway, sent)

    assert answer.split(b" ")[1] == b"400"
    assert reason in answer
    assert len(inbox) == 0


def test_a_client_of_an_older_version_needs_no_host_and_is_told_nothing_in_between(
    gateway: HttpGateway, inbox: Inbox
) -> None:
    old = b"POST /?to=49170&text=x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"

    assert exchange(gateway, old).startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(inbox) == 1


def test_a_wish_to_close_counts_among_others(gateway: HttpGateway) -> None:
    with socket.create_connection((gateway.host, gateway.port), timeout=10) as connection:
        connection.sendall(GOOD.replace(b"close", b"TE, close") + b"\r\n")

        with connection.makefile("rb") as answer:
            assert b"Connection: close\r\n" in answer.read()
