"""
What the time of an answer tells about a State: a wrong code for a challenge that is open, against States that nobody has.

    bench/state_timing.py [--samples 2000] [--folder FOLDER]

A real FreeRADIUS without a reject delay, one request at a time, the kinds in random order. A share of 0.50 means that
the time of one answer tells nothing: it is how often an answer of this kind takes longer than one to the right State.
"""

import argparse
import itertools
import random
import secrets
import socket
import statistics
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from bench_servers import PASSWORD, make_plugin_server, silent_provider
from radius_packets import CHALLENGE, find_state, pack_access_request

_SECRET = b"testing123"
_TRIES = 4  # wrong codes that each challenge takes while one try is left
_STATE_DIGITS = 32
_WRONG = "000000"
_RIGHT, _UNKNOWN = "right user, right State", "right user, unknown State"
_ANOTHERS, _NONE = "right user, another's State", "right user, no State"
_WARM_UP = 200  # requests that are not counted


class Asker:
    """Sends one request after the other from one socket."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(10)
        self._socket.connect(address)

    def ask(self, user: str, password: str, state: bytes = b"") -> tuple[bytes, float]:
        """Return the answer and the seconds that it took."""
        packet = pack_access_request(user, password, "", _SECRET, state)
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


def measure(asker: Asker, samples: int) -> dict[str, list[float]]:
    """Return the seconds of each answer, by kind."""
    users = (str(number) for number in itertools.count(1_000_000))
    rights, others = open_challenges(asker, users), open_challenges(asker, users)
    times: dict[str, list[float]] = {_RIGHT: [], _UNKNOWN: [], _ANOTHERS: [], _NONE: []}
    for turn in range(samples + _WARM_UP):
        for kind in random.sample([*times], len(times)):
            user, right = next(rights)
            states = {
                _RIGHT: right,
                _UNKNOWN: secrets.token_hex(_STATE_DIGITS // 2).encode(),
                _ANOTHERS: next(others)[1],
                _NONE: b"",
            }
            _, seconds = asker.ask(user, _WRONG, states[kind])
            if turn >= _WARM_UP:
                times[kind].append(seconds)
    return times


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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=2000, help="answers of each kind")
    parser.add_argument(
        "--folder", type=Path, help="for the store; by default one that is removed afterwards"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        Path(folder).chmod(0o755)
        run(Path(folder), options.samples)


def run(folder: Path, samples: int) -> None:
    with silent_provider(folder) as table, make_plugin_server(folder / "server", table) as server:
        asker = Asker(server.address)
        try:
            print_statistics(measure(asker, samples))
        finally:
            asker.close()


if __name__ == "__main__":
    main()
