"""The connection below SMTP and third parties' protocols, against a bare socket."""

import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import trustme

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.wire.channel import Broken, Channel, Silent
from tests.support.clock import FakeClock
from tests.support.interruption import is_kept_waiting

CLOCK = SystemClock()


def soon() -> Deadline:
    return Deadline.after(5, CLOCK)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def channel(listener: socket.socket) -> Iterator[Channel]:
    channel = Channel("the peer")
    channel.connect("127.0.0.1", listener.getsockname()[1], soon())
    yield channel
    channel.close()


@pytest.fixture
def peer(channel: Channel, listener: socket.socket) -> Iterator[socket.socket]:
    del channel
    connection, _ = listener.accept()
    with connection:
        yield connection


def test_lines_come_out_one_by_one_however_they_are_cut(channel: Channel, peer: socket.socket) -> None:
    peer.sendall(b"one\r\ntwo\nthr")
    first, second = channel.read_line(soon()), channel.read_line(soon())
    peer.sendall(b"ee\r\n")

    assert [first, second, channel.read_line(soon())] == [b"one", b"two", b"three"]


def test_a_connection_that_is_closed_is_lost_however_it_is_used(channel: Channel) -> None:
    channel.close()

    with pytest.raises(Broken, match="connection to the peer lost: Bad file descriptor"):
        channel.receive(soon())
    with pytest.raises(Broken, match="connection to the peer lost: Bad file descriptor"):
        channel.write(b"a", soon())
    assert not channel.quiet()


def test_an_endless_line_is_not_read_to_its_end(channel: Channel, peer: socket.socket) -> None:
    peer.sendall(b"x" * 9000)

    with pytest.raises(Broken, match="endless line"):
        channel.read_line(soon())


def test_silence_ends_at_the_deadline(channel: Channel, peer: socket.socket) -> None:
    peer.sendall(b"half a li")

    with pytest.raises(Silent):
        channel.read_line(Deadline.after(0.1, CLOCK))


def test_a_passed_deadline_writes_nothing(channel: Channel, peer: socket.socket) -> None:
    with pytest.raises(Silent):
        channel.write(b"x", Deadline.after(0, CLOCK))
    channel.close()

    assert peer.recv(1) == b""


def test_a_peer_that_does_not_read_does_not_hold_us(channel: Channel, peer: socket.socket) -> None:
    del peer

    with pytest.raises(Silent):
        channel.write(b"x" * 50_000_000, Deadline.after(0.2, CLOCK))


def test_aborting_wakes_whoever_waits_and_hangs_up(channel: Channel, peer: socket.socket) -> None:
    channel.abort()

    assert peer.recv(1) == b""
    with pytest.raises(Broken, match="being closed"):
        channel.read_line(soon())


def test_an_aborted_channel_does_not_connect(listener: socket.socket) -> None:
    channel = Channel("the peer")
    channel.abort()

    with pytest.raises(Broken):
        channel.connect("127.0.0.1", listener.getsockname()[1], soon())
    channel.close()

    listener.settimeout(0)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_the_next_address_of_a_name_is_tried(listener: socket.socket) -> None:
    # Nothing listens on ::1 there, which most systems name first.
    channel = Channel("the peer")
    channel.connect("localhost", listener.getsockname()[1], soon())

    assert channel.own_address() == "127.0.0.1"
    channel.close()


def test_an_address_for_which_there_is_no_socket_is_passed_over(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A family that this system does not have, as IPv6 is on some.
    strange = (9999, socket.SOCK_STREAM, 6, "", ("::1", 1))
    good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", listener.getsockname())
    found = [strange, good]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    channel = Channel("the peer")

    channel.connect("gateway.example", 1, soon())
    channel.close()

    found[:] = [strange]
    with pytest.raises(Broken, match="no connection to the peer"):
        Channel("the peer").connect("gateway.example", 1, soon())


def name(monkeypatch: pytest.MonkeyPatch, *listeners: socket.socket) -> None:
    """Let every name have the addresses of these listeners."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each.getsockname()) for each in listeners]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Take one connection in TLS; what the other side thinks of our certificate is its own affair."""
    connection, _ = listener.accept()
    with suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
        tls.sendall(b"hello")


def say_nonsense(listener: socket.socket, _: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"220 no TLS here\r\n")
        while connection.recv(4096):
            pass


def hang_up(listener: socket.socket, _: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    connection.close()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def issue(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("certified", "serve"),
    [("another.example", shake_hands), ("", say_nonsense), ("", hang_up)],
)
def test_the_next_address_is_tried_if_tls_fails_with_the_first(
    monkeypatch: pytest.MonkeyPatch,
    listener: socket.socket,
    authority: trustme.CA,
    certified: str,
    serve: Callable[[socket.socket, ssl.SSLContext], None],
) -> None:
    trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    channel = Channel("the peer")
    with socket.create_server(("127.0.0.1", 0)) as first, ThreadPoolExecutor() as pool:
        name(monkeypatch, first, listener)
        pool.submit(serve, first, issue(authority, certified or "gateway.example"))
        pool.submit(shake_hands, listener, issue(authority, "gateway.example"))
        channel.connect("gateway.example", 1, soon(), trusting)
        said = channel.receive(soon())
        channel.close()

    assert said == b"hello"


def test_a_handshake_that_hangs_takes_only_its_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch, listener: socket.socket, authority: trustme.CA
) -> None:
    trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    channel = Channel("the peer")
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as pool:
        name(monkeypatch, silent, listener)
        pool.submit(shake_hands, listener, issue(authority, "gateway.example"))
        channel.connect("gateway.example", 1, Deadline.after(4, CLOCK), trusting)
        said = channel.receive(soon())
        channel.close()

    assert said == b"hello"


class WatchedClock(FakeClock):
    """Tells when somebody looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self.looked = threading.Event()

    def monotonic(self) -> float:
        self.looked.set()
        return super().monotonic()


def shake_slowly(listener: socket.socket, context: ssl.SSLContext, clock: WatchedClock) -> None:
    """Take connections, and let a second pass in the middle of each handshake."""
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_side=True)
            with connection, suppress(OSError):
                incoming.write(connection.recv(65536))
                with suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                flight = outgoing.read()
                clock.advance(1.0)
                clock.looked.clear()
                connection.sendall(flight[:1])
                assert clock.looked.wait(10)
                connection.sendall(flight[1:])
                finish(tls, incoming, connection)
                tls.write(b"hello")
                connection.sendall(outgoing.read())


def finish(tls: ssl.SSLObject, incoming: ssl.MemoryBIO, connection: socket.socket) -> None:
    """Read the last words of a handshake, however they are cut."""
    while received := connection.recv(65536):
        incoming.write(received)
        with suppress(ssl.SSLWantReadError):
            return tls.do_handshake()
    raise ConnectionResetError


def test_a_slow_gateway_with_many_addresses_has_time_for_a_handshake(
    monkeypatch: pytest.MonkeyPatch, listener: socket.socket, authority: trustme.CA
) -> None:
    trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    channel, clock = Channel("the peer"), WatchedClock()
    name(monkeypatch, *[listener] * 8)
    with ThreadPoolExecutor() as pool:
        pool.submit(shake_slowly, listener, issue(authority, "gateway.example"), clock)
        try:
            channel.connect("gateway.example", 1, Deadline.after(4, clock), trusting)
            said = channel.receive(soon())
        finally:
            channel.close()
            listener.shutdown(socket.SHUT_RDWR)

    assert said == b"hello"


def test_if_tls_fails_with_all_addresses_the_last_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, listener: socket.socket, authority: trustme.CA
) -> None:
    trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    channel = Channel("the peer")
    with socket.create_server(("127.0.0.1", 0)) as first, ThreadPoolExecutor() as pool:
        name(monkeypatch, first, listener)
        pool.submit(hang_up, first, issue(authority, "gateway.example"))
        pool.submit(shake_hands, listener, issue(authority, "another.example"))
        with pytest.raises(
            Broken, match="no TLS with the peer: the certificate is not accepted: Hostname mismatch"
        ):
            channel.connect("gateway.example", 1, soon(), trusting)


def test_a_name_that_does_not_exist_is_told() -> None:
    with pytest.raises(Broken, match="cannot be resolved"):
        Channel("the peer").connect("does-not-exist.invalid", 1, soon())


def test_a_peer_that_speaks_no_tls_is_told(channel: Channel, peer: socket.socket) -> None:
    peer.sendall(b"220 hello\r\n")

    with pytest.raises(Broken, match=r"no TLS with the peer: .*; is it a port without TLS"):
        channel.encrypt(ssl.create_default_context(), "localhost", soon())


def test_a_peer_that_hangs_up_instead_of_shaking_hands_is_told(channel: Channel, peer: socket.socket) -> None:
    peer.shutdown(socket.SHUT_WR)

    with pytest.raises(Broken, match="no TLS with the peer: the other side has closed the connection"):
        channel.encrypt(ssl.create_default_context(), "localhost", soon())


def test_a_peer_that_does_not_shake_hands_does_not_hold_us(channel: Channel, peer: socket.socket) -> None:
    del peer

    with pytest.raises(Broken, match="no answer in time"):
        channel.encrypt(ssl.create_default_context(), "localhost", Deadline.after(0.1, CLOCK))


def test_a_channel_is_quiet_until_the_peer_speaks_or_hangs_up(channel: Channel, peer: socket.socket) -> None:
    before = channel.quiet()
    peer.sendall(b"x")
    select.select([channel._socket], [], [], 5)  # type: ignore[type-var]

    assert (before, channel.quiet()) == (True, False)


def make_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return TLS for a client and for a server called localhost, whom the client trusts."""
    authority, ours = trustme.CA(), ssl.create_default_context()
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(theirs)
    authority.configure_trust(ours)
    return ours, theirs


def test_a_channel_in_tls_is_quiet_though_tickets_come_until_the_peer_speaks(
    channel: Channel, peer: socket.socket
) -> None:
    ours, theirs = make_contexts()
    with ThreadPoolExecutor(1) as pool:
        # With TLS 1.3 the tickets come after the handshake.
        wrapping = pool.submit(theirs.wrap_socket, peer, server_side=True)
        channel.encrypt(ours, "localhost", soon())
        tls = wrapping.result()
    select.select([channel._socket], [], [], 5)  # type: ignore[type-var]
    looks = [channel.quiet(), channel.quiet()]
    with tls:
        tls.sendall(b"x")
        select.select([channel._socket], [], [], 5)  # type: ignore[type-var]
        looks.append(channel.quiet())

    assert looks == [True, True, False]


def begin_tls_twice(
    channel: Channel, peer: socket.socket
) -> tuple[ssl.SSLSocket, ssl.SSLObject, ssl.MemoryBIO]:
    """Have a channel speak TLS inside of TLS; return the peer's outer and inner TLS, and what the inner one has to say."""
    ours, theirs = make_contexts()
    # As the HTTP wire has it.
    ours.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF

    def serve() -> tuple[ssl.SSLSocket, ssl.SSLObject, ssl.MemoryBIO]:
        outer = theirs.wrap_socket(peer, server_side=True)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        inner = theirs.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                inner.do_handshake()
            except ssl.SSLWantReadError:
                outer.sendall(outgoing.read())
                incoming.write(outer.recv(65536))
            else:
                return outer, inner, outgoing

    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(serve)
        channel.encrypt(ours, "localhost", soon())
        channel.encrypt(ours, "localhost", soon())
        return serving.result()


def test_a_channel_in_tls_inside_of_tls_is_not_quiet_when_more_came_than_was_asked_for(
    channel: Channel, peer: socket.socket
) -> None:
    outer, inner, outgoing = begin_tls_twice(channel, peer)
    with outer:
        # Two records inside of one.
        inner.write(b"x")
        inner.write(b"y")
        outer.sendall(outgoing.read())

        assert (channel.receive(soon()), channel.quiet()) == (b"x", False)


@pytest.mark.parametrize("end", ["both", "outer", "none"])
def test_of_tls_inside_of_tls_only_the_inner_end_says_that_all_has_come(
    channel: Channel, peer: socket.socket, end: str
) -> None:
    outer, inner, outgoing = begin_tls_twice(channel, peer)
    with outer:
        inner.write(b"x")
        with suppress(ssl.SSLWantReadError):
            if end == "both":
                inner.unwrap()
        outer.sendall(outgoing.read())
        outer.setblocking(False)
        with suppress(ssl.SSLWantReadError):
            if end != "none":
                outer.unwrap()

    assert [channel.receive(soon()) for _ in range(2)] == [b"x", b""]
    assert channel.cut_off is (end != "both")


def test_no_socket_is_closed_while_another_thread_shuts_it_down(channel: Channel) -> None:
    # Its number would be free for any other file from there on.
    assert is_kept_waiting(channel.close, channel.abort, "shutdown")
