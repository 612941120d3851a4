"""A load of single RADIUS requests, meant for a process of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from radius_packets import pack_access_request
from radius_sockets import RadiusSockets

#: How many different people log in. Each has a name of seven digits.
PEOPLE = 5000
_FIRST_NAME = 1_000_000

_LOST_AFTER = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Load:
    """
    What to send.

    Attributes:
        address: Of the server.
        stations: The Calling-Station-Id of each request, so that no two are the same log-in.
        password: Everybody's password.
        outstanding: How many requests are under way at most.
        rate: Requests per second, sent on schedule; None: as fast as answers come.
    """

    address: tuple[str, int]
    stations: range
    password: str = "hello"
    outstanding: int = 64
    rate: float | None = None

    @staticmethod
    def name_user(station: int) -> str:
        """Return who logs in: `PEOPLE` in turn, whom the server knows after the first round, as a real one would."""
        return str(_FIRST_NAME + station % PEOPLE)


@dataclass(slots=True)
class LoadResult:
    """
    The result of a load.

    Attributes:
        seconds: From the first request to the last answer.
        latencies: Seconds of each answered request. On schedule they count from the moment when it was due, so that
            waiting for a free place is not hidden.
        codes: How many answers had each packet code.
        lost: Requests without an answer.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    codes: dict[int, int] = field(default_factory=dict)
    lost: int = 0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds


def run_load(load: Load) -> LoadResult:
    """Send one first leg from each station and wait for the answers."""
    packets = [
        pack_access_request(load.name_user(station), load.password, str(station)) for station in load.stations
    ]
    return run_packets(load, packets)


def run_packets(load: Load, packets: Sequence[bytes]) -> LoadResult:
    """Send these packets instead of first legs, and wait for the answers."""
    run = _Run(load, iter(packets))
    try:
        return run.finish()
    finally:
        run.close()


class _Run:
    def __init__(self, load: Load, packets: Iterator[bytes]) -> None:
        self._packets = packets
        self._interval = 1 / load.rate if load.rate else 0.0
        self._result = LoadResult()
        self._sockets = RadiusSockets(load.address, load.outstanding)
        self._sent_at: dict[int, float] = {}

    def finish(self) -> LoadResult:
        begin = self._due = perf_counter()
        self._next = next(self._packets, None)
        self._send()
        while self._sent_at or self._next is not None:
            if not self._receive():
                break
            self._send()
        self._result.seconds = perf_counter() - begin
        self._result.lost = len(self._sent_at)
        return self._result

    def close(self) -> None:
        self._sockets.close()

    def _send(self) -> None:
        while self._sockets.idle and self._next is not None:
            now = perf_counter()
            if self._due > now:
                return
            number = self._sockets.idle.pop()
            self._sent_at[number] = self._due if self._interval else now
            self._sockets.send(number, self._next)
            self._due += self._interval
            self._next = next(self._packets, None)

    def _receive(self) -> bool:
        """Wait until there is an answer or a request is due, and take the answers that have come; False: answers are lost."""
        is_scheduled = self._interval > 0 and self._next is not None and bool(self._sockets.idle)
        if is_scheduled:
            ready = self._sockets.wait_exactly(self._due - perf_counter())
        else:
            ready = self._sockets.wait(_LOST_AFTER)
        for number in ready:
            answer = self._sockets.receive(number)
            self._result.latencies.append(perf_counter() - self._sent_at.pop(number))
            self._result.codes[answer[0]] = self._result.codes.get(answer[0], 0) + 1
            self._sockets.idle.append(number)
        return is_scheduled or bool(ready)
