"""The HTTP wire: requests that others have prepared or sign."""

import socket

import pytest
import requests

from smsotp_plugin.errors import (
    BadMessage,
)
from smsotp_plugin.wire.http.client import make_request
from tests.support.http_peer import MakePeer, MakeWire, answer_for_ever, within


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
        within(30),
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

    assert wire.exchange(request, within(30)).status_code == 200
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

    wire.exchange(request.prepare(), within(30))

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
        wire.exchange(make_request(method, wire.origin.url() + after_origin, headers, body), within(30))
    assert peer.heads == []
