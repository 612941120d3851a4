"""The time of single answers: a client that asks for one after the other, and statistics of the times by kind."""

import socket
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from time import perf_counter

from bench_servers import PASSWORD
from radius_packets import CHALLENGE, find_state, pack_access_request

_TRIES = 4  # wrong codes that each challenge takes while one try is left


class Asker:
    """Sends one request after the other from one socket."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(10)
        self._socket.connect(address)

    def ask(self, user: str, password: str, state: bytes = b"") -> tuple[bytes, float]:
        """Return the answer and the seconds that it took."""
        packet = pack_access_request(user, password, "", state)
        begin = perf_counter()
        self._socket.send(packet)
        answer = self._socket.recv(4096)
        return answer, perf_counter() - begin

    def close(self) -> None:
        self._socket.close()


def open_challenges(asker: Asker, users: Iterator[str]) -> Iterator[tuple[str, bytes]]:
    """Yield users with a State that takes one more wrong code."""
    for user in users:
        answer, _ = asker.ask(user, PASSWORD)
        assert answer[0] == CHALLENGE, answer
        for _ in range(_TRIES):
            yield user, find_state(answer)


def share_above(times: list[float], base: list[float]) -> float:
    """Return how often one of `times` is longer than one of `base`; half of the ties count (Mann-Whitney)."""
    ordered = sorted(base)
    above = sum((bisect_left(ordered, each) + bisect_right(ordered, each)) / 2 for each in times)
    return above / (len(times) * len(base))


def print_statistics(times: dict[str, list[float]]) -> None:
    """Print the seconds of each kind, and how often it takes longer than the first one."""
    print(f"{'microseconds':30}{'n':>7}{'median':>9}{'mean':>9}{'sd':>9}{'p1':>9}{'p99':>9}{'share':>8}")
    base = next(iter(times.values()))
    for kind, seconds in times.items():
        cuts = statistics.quantiles(seconds, n=100)
        values = (
            statistics.median(seconds),
            statistics.fmean(seconds),
            statistics.stdev(seconds),
            cuts[0],
            cuts[-1],
        )
        columns = "".join(f"{value * 1e6:9.0f}" for value in values)
        print(f"{kind:30}{len(seconds):7}{columns}{share_above(seconds, base):8.2f}")
