"""
Requests that are under way, sent as the client of a NAS sends them (RFC 2865 section 2.5, RFC 5080 section 2.2.1).

The same packet is sent again from the same port until it is answered or given up. The next packet from that port has another
identifier, for two reasons: an answer that comes twice or too late is not taken for the answer to another request, and the server does
not get another request with a port and identifier that it is still working on.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Generic, TypeVar

from radius_packets import is_answer, pack_access_request
from radius_sockets import RadiusSockets

_T = TypeVar("_T")

#: Seconds: how long until the same packet is sent once more, each time, and until it is given up.
_AGAIN_AFTER, _GIVEN_UP_AFTER = 3.0, 10.0
#: Seconds during which the server may still be working on a request that was given up, or remember its answer: twice
#: FreeRADIUS's ``max_request_time`` and ``cleanup_delay``.
_FORGOTTEN_AFTER = 70.0
_IDENTIFIERS = 256


@dataclass(slots=True)
class Request(Generic[_T]):
    """
    One request.

    Attributes:
        sender: Who sends it.
        number: The file descriptor of its socket.
        port: The port of that socket.
        packet: What is sent.
        begun: When it was sent first, in seconds.
        due: When something is to be done about it, if there is no answer.
        is_given_up: Whether no answer came in time.
    """

    sender: _T
    number: int
    port: int
    packet: bytes
    begun: float
    due: float
    is_given_up: bool = False

    @property
    def identifier(self) -> int:
        """Of the packet."""
        return self.packet[1]


@dataclass(frozen=True, slots=True)
class Overdue(Generic[_T]):
    """Requests that had no answer in time."""

    repeated: list[Request[_T]] = field(default_factory=list)
    given_up: list[Request[_T]] = field(default_factory=list)


class Requests(Generic[_T]):
    """
    Sends requests, each from a port that has no other request under way.

    Args:
        address: Of the server.
        many: How many may be under way.
        bell: A further file descriptor to wait for.
        now: Returns seconds.

    Attributes:
        strays: Packets that answered nothing that was under way, by kind.
    """

    def __init__(
        self, address: tuple[str, int], many: int, bell: int, now: Callable[[], float] = perf_counter
    ) -> None:
        self.strays: Counter[str] = Counter()
        self._now = now
        self._sockets = RadiusSockets(address, many, bell)
        self._identifiers = {number: deque(range(_IDENTIFIERS)) for number in self._sockets.idle}
        self._known: dict[tuple[int, int], Request[_T]] = {}
        self._due: list[tuple[float, int, int]] = []

    @property
    def has_room(self) -> bool:
        """Whether a request can be begun."""
        return bool(self._sockets.idle)

    def begin(self, sender: _T, user: str, password: str, state: bytes) -> Request[_T]:
        """Send a request for the first time; there must be room."""
        number = self._sockets.idle.pop(0)
        # Never empty: the identifiers that wait to be forgotten were given up one after the other.
        identifier = self._identifiers[number].popleft()
        now = self._now()
        packet = pack_access_request(user, password, "", state, identifier)
        request = Request(sender, number, self._sockets.find_port(number), packet, now, now)
        self._known[number, identifier] = request
        self._put_off(request, now + _AGAIN_AFTER)
        self._sockets.send(number, packet)
        return request

    def wait(self, seconds: float) -> list[int]:
        """See `RadiusSockets.wait`."""
        return self._sockets.wait(seconds)

    def receive(self, number: int) -> tuple[Request[_T], bytes] | None:
        """Return a request and the answer that a socket has, even if the request was given up before; None for any other packet."""
        answer = self._sockets.receive(number)
        request = self._known.get((number, answer[1]))
        if request is None:
            self.strays["answers that came again"] += 1
            return None
        if not is_answer(answer, request.packet):
            self.strays["answers to other requests"] += 1
            return None
        if request.is_given_up:
            self.strays["answers that came too late"] += 1
        else:
            self._sockets.idle.append(number)
            self._forget(request)
        return request, answer

    def look(self) -> Overdue[_T]:
        """Send requests that have no answer once more, and give up those that have waited too long."""
        overdue: Overdue[_T] = Overdue()
        now = self._now()
        while self._due and self._due[0][0] <= now:
            due, number, identifier = heapq.heappop(self._due)
            request = self._known.get((number, identifier))
            if request is None or request.due != due:
                continue
            if request.is_given_up:
                self._forget(request)
            elif now >= request.begun + _GIVEN_UP_AFTER:
                request.is_given_up = True
                self._sockets.idle.append(number)
                self._put_off(request, now + _FORGOTTEN_AFTER)
                overdue.given_up.append(request)
            else:
                self._sockets.send(number, request.packet)
                self._put_off(request, min(due + _AGAIN_AFTER, request.begun + _GIVEN_UP_AFTER))
                overdue.repeated.append(request)
        return overdue

    def close(self) -> None:
        self._sockets.close()

    def _put_off(self, request: Request[_T], due: float) -> None:
        request.due = due
        heapq.heappush(self._due, (due, request.number, request.identifier))

    def _forget(self, request: Request[_T]) -> None:
        del self._known[request.number, request.identifier]
        self._identifiers[request.number].append(request.identifier)
