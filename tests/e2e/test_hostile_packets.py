"""Thousands of hostile packets: the server stays up, and nobody gets anything but a rejection or silence."""

import select
import socket
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from .hostile import HostilePackets
from .system import World

_REJECT = 3
_PACKETS = 4000
_BURST = 50


def fire(world: World, packets: list[bytes]) -> list[bytes]:
    """Send each packet from a port of its own; return the answers that came before that to a last, honest one."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in packets]
        for connection, packet in zip(sockets, packets, strict=True):
            connection.connect(world.server.address)
            connection.send(packet)
        assert world.server.log_in("nobody", "wrong").code == "reject"
        return [connection.recv(4096) for connection in select.select(sockets, [], [], 0)[0]]


@pytest.mark.parametrize("seed", [1, 2])
def test_hostile_packets_are_rejected_or_dropped(tmp_path: Path, seed: int) -> None:
    with World(tmp_path) as world:
        pid = world.server.pid
        anna, names = world.someone(), [world.someone().name for _ in range(3)]
        challenge = world.log_in(anna)
        hostile = HostilePackets(seed, world.server.secret, names, [challenge.state])

        packets = list(hostile.packets(_PACKETS))
        answers = [
            answer
            for first in range(0, _PACKETS, _BURST)
            for answer in fire(world, packets[first : first + _BURST])
        ]
        sent = len(world.gateway.inbox)

        assert set(Counter(answer[0] for answer in answers)) == {_REJECT}
        assert len(answers) > _PACKETS / 4
        assert world.server.pid == pid
        assert sent == 1
        assert world.answer(anna, world.code_of(anna), challenge.state).code == "accept"
        assert world.log_in_wholly(world.someone()).code == "accept"
        assert "unexpected" not in world.server.log_text()
