"""What the figures of a load rest on: it takes for an answer only what is one, as the client of a NAS does (RFC 2865 section 3)."""

import hashlib
import os
import socket
from collections.abc import Iterator

import pytest
from radius_packets import ACCEPT, CHALLENGE, SECRET
from radius_requests import Request, Requests

from tests.support.clock import FakeClock

_PATIENCE = 60.0  # real seconds


class Server:
    """A port that requests come to, and what is answered by hand."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(_PATIENCE)
        self._socket.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._socket.getsockname()

    def take(self) -> tuple[bytes, tuple[str, int]]:
        """Return a request that has come, and where it came from."""
        return self._socket.recvfrom(4096)

    def answer(self, request: tuple[bytes, tuple[str, int]], code: int) -> None:
        packet, place = request
        head = bytes((code, packet[1], 0, 20))
        self._socket.sendto(head + hashlib.md5(head + packet[4:20] + SECRET).digest(), place)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def client(server: Server, clock: FakeClock) -> Iterator[Requests[str]]:
    """Give a client with one port."""
    bell = os.eventfd(0)
    made: Requests[str] = Requests(server.address, 1, bell, clock.monotonic)
    yield made
    made.close()
    os.close(bell)


def receive(client: Requests[str]) -> tuple[Request[str], bytes] | None:
    (number,) = client.wait(_PATIENCE)
    return client.receive(number)


def begin(client: Requests[str], sender: str) -> Request[str]:
    return client.begin(sender, sender, "hello", b"")


def test_an_answer_that_comes_twice_is_not_taken_for_that_of_the_next_request(
    server: Server, client: Requests[str]
) -> None:
    begin(client, "anna")
    first = server.take()
    server.answer(first, CHALLENGE)
    anna = receive(client)
    begin(client, "bob")
    second = server.take()
    server.answer(first, CHALLENGE)
    stray = receive(client)
    server.answer(second, ACCEPT)
    bob = receive(client)

    assert anna is not None
    assert bob is not None
    assert (anna[0].sender, anna[1][0], stray) == ("anna", CHALLENGE, None)
    assert (bob[0].sender, bob[1][0]) == ("bob", ACCEPT)
    assert client.strays == {"answers that came again": 1}


def test_the_same_packet_is_sent_every_three_seconds_and_given_up_after_ten(
    server: Server, client: Requests[str], clock: FakeClock
) -> None:
    begun = begin(client, "anna")
    first = server.take()
    given_up = []
    for _ in range(10):
        clock.advance(1)
        given_up.append(client.look().given_up)

    assert [server.take() for _ in range(3)] == [first] * 3
    assert given_up == [[]] * 9 + [[begun]]


def test_an_answer_that_comes_too_late_is_known_and_frees_nothing(
    server: Server, client: Requests[str], clock: FakeClock
) -> None:
    begun = begin(client, "anna")
    first = server.take()
    clock.advance(10)
    client.look()
    begin(client, "bob")
    server.answer(first, CHALLENGE)
    late = receive(client)

    assert late is not None
    assert late[0] is begun
    assert begun.is_given_up
    assert not client.has_room


def test_a_port_and_identifier_are_not_used_again_while_the_server_may_work_at_their_request(
    server: Server, client: Requests[str], clock: FakeClock
) -> None:
    given_up = begin(client, "anna").identifier
    server.take()
    clock.advance(10)
    client.look()
    used = []
    for _ in range(600):
        used.append(begin(client, "bob").identifier)
        server.answer(server.take(), CHALLENGE)
        receive(client)
    clock.advance(70)
    client.look()
    for _ in range(256):
        used.append(begin(client, "bob").identifier)
        server.answer(server.take(), CHALLENGE)
        receive(client)

    assert given_up not in used[:600]
    assert given_up in used[600:]
    assert all(used[place] != used[place + 1] for place in range(len(used) - 1))


def test_what_is_not_signed_as_the_answer_is_none(server: Server, client: Requests[str]) -> None:
    begin(client, "anna")
    packet, place = server.take()
    server.answer((packet[:4] + bytes(16) + packet[20:], place), ACCEPT)

    assert receive(client) is None
    assert client.strays == {"answers to other requests": 1}
