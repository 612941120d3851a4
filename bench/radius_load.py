"""
A load of RADIUS requests with a fixed number outstanding, from packets that are encoded before the clock starts.

One socket for each outstanding request; what answers is told apart by the socket. Not a RADIUS client: answers are
neither verified nor decoded beyond their code and State.
"""

import hashlib
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

ACCEPT, REJECT, CHALLENGE = 2, 3, 11
_USER_NAME, _USER_PASSWORD, _STATE, _CALLING_STATION = 1, 2, 24, 31


@dataclass(slots=True)
class Outcome:
    """What a run measured: seconds in all, seconds of each answered request, how many answers of each code."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    codes: dict[int, int] = field(default_factory=dict)
    lost: int = 0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def encode(user: str, password: str, secret: bytes, state: bytes = b"") -> bytes:
    """
    Encode an Access-Request (RFC 2865) without Message-Authenticator.

    Identifier and authenticator are random, or the server would take two packets of one socket for a repetition.
    """
    authenticator = os.urandom(16)
    attributes = _attribute(_USER_NAME, user.encode()) + _attribute(
        _USER_PASSWORD, _hidden(password.encode(), secret, authenticator)
    )
    attributes += _attribute(_CALLING_STATION, user.encode())
    if state:
        attributes += _attribute(_STATE, state)
    return struct.pack("!BBH16s", 1, authenticator[0], 20 + len(attributes), authenticator) + attributes


def state_of(packet: bytes) -> bytes:
    """Return the State of an answer, empty if it has none."""
    place = 20
    while place < len(packet):
        kind, length = packet[place], packet[place + 1]
        if kind == _STATE:
            return packet[place + 2 : place + length]
        place += length
    return b""


def run(
    address: tuple[str, int], packets: Iterable[bytes], *, outstanding: int, rate: float | None = None
) -> Outcome:
    """
    Send all packets and wait for their answers.

    Args:
        address: Of the server.
        packets: In the order in which they are sent.
        outstanding: How many are under way at most.
        rate: Requests per second, sent on schedule; latency then counts from the scheduled moment, so that waiting
            for a free place is not hidden. None: as fast as answers come.
    """
    return _Run(address, iter(packets), outstanding, rate).finish()


class _Run:
    def __init__(
        self, address: tuple[str, int], packets: "Iterable[bytes]", outstanding: int, rate: float | None
    ) -> None:
        self._next_packet: Callable[[], bytes | None] = lambda: next(self._packets, None)
        self._packets = iter(packets)
        self._rate = rate
        self._outcome = Outcome()
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._sent_at: dict[int, float] = {}
        for _ in range(outstanding):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.connect(address)
            sock.setblocking(False)
            self._sockets[sock.fileno()] = sock
            self._poll.register(sock.fileno(), select.EPOLLIN)

    def finish(self) -> Outcome:
        self._begin = time.perf_counter()
        self._number = 0
        idle = [number for number in self._sockets if not self._send(number)]
        while self._sent_at or idle:
            wait = 3.0 if self._rate is None else 0.0005
            events = self._poll.poll(wait)
            if not events and self._rate is None:
                break
            for number, _ in events:
                self._receive(number)
                if not self._send(number):
                    idle.append(number)
            if self._rate is not None:
                idle = [number for number in idle if not self._send(number)]
                if self._packets_done and not self._sent_at:
                    break
                if self._sent_at and time.perf_counter() - min(self._sent_at.values()) > 5.0:  # noqa: PLR2004
                    break
            elif not self._sent_at:
                break
        self._outcome.seconds = time.perf_counter() - self._begin
        self._outcome.lost = len(self._sent_at)
        for sock in self._sockets.values():
            sock.close()
        self._poll.close()
        return self._outcome

    _packets_done = False

    def _send(self, number: int) -> bool:
        now = time.perf_counter()
        due = now
        if self._rate is not None:
            due = self._begin + self._number / self._rate
            if due > now:
                return False
        packet = self._next_packet()
        if packet is None:
            self._packets_done = True
            return False
        self._number += 1
        self._sent_at[number] = due
        self._sockets[number].send(packet)
        return True

    def _receive(self, number: int) -> None:
        answer = self._sockets[number].recv(4096)
        now = time.perf_counter()
        self._outcome.latencies.append(now - self._sent_at.pop(number))
        code = answer[0]
        self._outcome.codes[code] = self._outcome.codes.get(code, 0) + 1


def _attribute(kind: int, value: bytes) -> bytes:
    return bytes([kind, 2 + len(value)]) + value


def _hidden(password: bytes, secret: bytes, authenticator: bytes) -> bytes:
    """Hide a password as RFC 2865 section 5.2 says."""
    padded = password + b"\0" * (-len(password) % 16 or (16 if not password else 0))
    hidden, before = b"", authenticator
    for start in range(0, len(padded), 16):
        mask = hashlib.md5(secret + before).digest()
        before = bytes(a ^ b for a, b in zip(padded[start : start + 16], mask, strict=True))
        hidden += before
    return hidden
