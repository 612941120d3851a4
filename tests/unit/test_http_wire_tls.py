"""The HTTP wire: TLS, proxies, and both together."""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import (
    ConnectFailed,
)
from smsotp_plugin.wire.http.client import is_cut_off
from smsotp_plugin.wire.http.connection import HttpConnection
from tests.support.http_peer import (
    OK,
    MakePeer,
    MakeWire,
    Talk,
    answer_for_ever,
    answer_with,
    exchange,
    post,
    read_head,
    within,
)


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
    wire.probe(within(30))


def test_an_unknown_authority_is_certainly_not_sent(
    make_peer: MakePeer, make_wire: MakeWire, authority: trustme.CA
) -> None:
    peer = make_peer(over_tls(authority, "127.0.0.1", lambda tls: tls.sendall(OK)))
    wire = make_wire(peer.port, scheme="https")

    with pytest.raises(ConnectFailed, match="certificate is not accepted"):
        exchange(wire)
    with pytest.raises(ConnectFailed, match="certificate is not accepted"):
        wire.probe(within(30))


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


@pytest.mark.parametrize("late", [True, False], ids=["after the request", "before it"])
def test_a_gateway_that_wants_a_certificate_of_ours_has_certainly_nothing(  # noqa: PLR0917  (pytest hands fixtures by name)
    make_peer: MakePeer,
    make_wire: MakeWire,
    authority: trustme.CA,
    ca_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    late: bool,  # noqa: FBT001  (a parameter of the test)
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    told = threading.Event()

    def talk(conn: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(conn.recv(65536))
        with suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        conn.sendall(outgoing.read())
        # The end of the client's handshake has some hundred bytes: of 10 000, most are its request.
        incoming.write(conn.recv(10_000, socket.MSG_WAITALL) if late else conn.recv(65536))
        with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
            tls.do_handshake()
        conn.sendall(outgoing.read())
        told.set()
        while conn.recv(65536):
            pass

    connect = HttpConnection._connect

    def connect_and_wait(self: HttpConnection, deadline: Deadline) -> object:
        channel = connect(self, deadline)
        assert late or told.wait(5)
        return channel

    monkeypatch.setattr(HttpConnection, "_connect", connect_and_wait)
    wire = make_wire(make_peer(talk).port, scheme="https", check_tls=ca_file)

    with pytest.raises(ConnectFailed, match="client certificate"):
        wire.exchange(post(wire, b"a" * 12_000), within(30))


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
    wire.probe(within(30))


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


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 407 No\r\n\r\n", "status 407: check its credentials$"),
        (b"HTTP/1.1 502 No\r\n\r\n", "status 502$"),
    ],
)
def test_a_proxy_that_refuses_the_tunnel_is_certainly_not_sent(
    make_peer: MakePeer, make_wire: MakeWire, answer: bytes, told: str
) -> None:
    proxy = make_peer(answer_with(answer))
    wire = make_wire(443, scheme="https", host="gateway.example", proxy=f"http://127.0.0.1:{proxy.port}")

    with pytest.raises(ConnectFailed, match=f"proxy refused .* {told}"):
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
    make_wire(peer.port).probe(within(30))
    ended.wait(5)
    peer.close()

    assert received == [b""]
    with pytest.raises(ConnectFailed):
        make_wire(peer.port).probe(within(30))


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
    assert wire.exchange(post(wire, b"a" * 100_000), within(30)).status_code == 200
    wire.probe(within(30))
    wire.close()


@pytest.mark.parametrize(
    ("raw", "says_the_end", "cut_off"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nOK", False, True),
        (b"HTTP/1.1 200 OK\r\n\r\nOK", True, False),
        (b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n", False, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: much\r\n\r\nOK", False, True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nOK", False, False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n", False, False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", False, False),
    ],
)
def test_a_body_to_the_end_is_whole_only_if_tls_has_come_to_its_end(  # noqa: PLR0917  (pytest hands fixtures by name)
    make_peer: MakePeer,
    make_wire: MakeWire,
    authority: trustme.CA,
    ca_file: Path,
    raw: bytes,
    says_the_end: bool,  # noqa: FBT001  (as above)
    cut_off: bool,  # noqa: FBT001  (as above)
) -> None:
    """RFC 9112 section 9.8. The context manager of a socket in TLS closes only the connection."""

    def talk(tls: socket.socket) -> None:
        answer_with(raw)(tls)
        if says_the_end and isinstance(tls, ssl.SSLSocket):
            with suppress(OSError):
                tls.unwrap()

    peer = make_peer(over_tls(authority, "127.0.0.1", talk))
    answer = exchange(make_wire(peer.port, scheme="https", check_tls=ca_file))

    assert answer.content == (b"OK" if b"OK" in raw.partition(b"\r\n\r\n")[2] else b"")
    assert is_cut_off(answer) is cut_off


def test_without_tls_a_body_to_the_end_is_whole(make_peer: MakePeer, make_wire: MakeWire) -> None:
    answer = exchange(make_wire(make_peer(answer_with(b"HTTP/1.1 200 OK\r\n\r\nOK")).port))

    assert (answer.content, is_cut_off(answer)) == (b"OK", False)
