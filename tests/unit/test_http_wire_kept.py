"""The HTTP wire: connections that are kept, and those that cannot be."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import (
    DeliveryError,
    NotSent,
    ProtocolViolation,
    Unknown,
)
from tests.support.clock import FakeClock
from tests.support.http_peer import OK, MakePeer, MakeWire, answer_for_ever, exchange, get, read_head


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


def test_a_connection_that_a_rush_has_left_over_is_closed_once_it_has_rested_too_long(
    make_peer: MakePeer, make_wire: MakeWire
) -> None:
    both, ended, clock = threading.Barrier(2), threading.Event(), FakeClock()

    def talk(conn: socket.socket) -> None:
        peer.read(conn)
        both.wait(5)
        conn.sendall(OK)
        answer_for_ever(peer, conn)
        ended.set()

    peer = make_peer(talk)
    wire = make_wire(peer.port)
    with ThreadPoolExecutor(2) as rush:
        for done in [rush.submit(wire.exchange, get(wire), Deadline.after(60, clock)) for _ in range(2)]:
            done.result()

    for _ in range(2):
        clock.advance(3)
        wire.exchange(get(wire), Deadline.after(60, clock))

    assert ended.wait(5)
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
