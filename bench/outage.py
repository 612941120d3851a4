"""
What a gateway in trouble does to the people who log in, as ratios to a healthy one measured in the same run.

    bench/outage.py [--quick] [--memory 1000000] [--folder FOLDER]

The only gateway is healthy, sleeps for 2 s before each answer, or is dead. In each round, each of these conditions has a
FreeRADIUS of its own, so that none is affected by what another one left behind. It gets first as many first legs as it
answers, then first legs on schedule, and meanwhile somebody logs in who needs no code. While the gateway is dead, most
first legs are refused at once; a refusal is an answer, too. Last comes the memory of one process that handles many first
legs while its gateway is dead.
"""

import contextlib
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench_frame import Bench, Options, Sizes, find_percentile, open_bench
from bench_servers import add_plain_site, kill_at_the_end, make_plugin_server, write_http_gateway
from outage_memory import print_memory
from radius_load import LoadResult
from radius_packets import ACCEPT, CHALLENGE, REJECT

from smsotp_mocks.gateways.http.gateway import HttpGateway

_RATE = 300.0  # first legs per second on schedule
_PLAIN_RATE = 50.0
_CONDITIONS = {"healthy": "", "sleeps 2 s": "delay 2s", "dead": "dead"}
_SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}

_WHOLE = Sizes(rounds=3, requests=10_000, seconds=10.0)
_QUICK = Sizes(rounds=1, requests=3_000, seconds=4.0)


@dataclass(slots=True)
class Seen:
    """What was measured in one condition, over all rounds."""

    rates: list[float] = field(default_factory=list)
    legs: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    codes: dict[int, int] = field(default_factory=dict)
    lost: int = 0

    def add(self, result: LoadResult) -> None:
        """Count answers, whichever measurement they come from."""
        self.lost += result.lost
        for code, count in result.codes.items():
            self.codes[code] = self.codes.get(code, 0) + count


def measure(bench: Bench) -> dict[str, Seen]:
    """Let all conditions take turns."""
    seen = {name: Seen() for name in _CONDITIONS}
    for turn in range(bench.sizes.rounds):
        for name, faults in _CONDITIONS.items():
            _measure_one(bench, bench.folder / f"{turn}-{faults.replace(' ', '-')}", faults, seen[name])
    return seen


def _measure_one(bench: Bench, folder: Path, faults: str, seen: Seen) -> None:
    with _run_gateway(faults) as port:
        server = make_plugin_server(folder, write_http_gateway(port))
        plain = add_plain_site(server)
        with kill_at_the_end(server):
            fastest = bench.count_answers(server.address)
            seen.rates.append(fastest.rate)
            seen.add(fastest)
            legs, beside = bench.load_steadily(server.address, _RATE), bench.load_steadily(plain, _PLAIN_RATE)
            for result, latencies in ((legs.result(), seen.legs), (beside.result(), seen.plain)):
                latencies.extend(result.latencies)
                seen.add(result)


@contextlib.contextmanager
def _run_gateway(faults: str) -> Iterator[int]:
    with HttpGateway() as gateway:
        port = gateway.port
        if faults == "dead":
            gateway.stop()
        elif faults:
            gateway.faults.add(faults)
        yield port


def print_table(seen: dict[str, Seen]) -> None:
    """Print rates and percentiles, each with its ratio to the healthy gateway's."""
    print(f"\nOne gateway; answers per second at most, and latencies at {_RATE:g} first legs per second")
    healthy = seen["healthy"]
    rate = statistics.median(healthy.rates)
    for name, one in seen.items():
        median = statistics.median(one.rates)
        answers = ", ".join(
            f"{one.codes.get(code, 0)} {word}"
            for code, word in ((CHALLENGE, "challenges"), (REJECT, "refused"), (ACCEPT, "plain"))
        )
        print(f"  {name:10} {median:7.0f} /s   ratio {median / rate:5.2f}   {answers}, {one.lost} lost")
    for title, latencies in (("first legs", "legs"), ("plain user", "plain")):
        print(f"\n  {title}, milliseconds (ratio to healthy)")
        for name, one in seen.items():
            print(f"  {name:10} {_compare(getattr(one, latencies), getattr(healthy, latencies))}")


def _compare(mine: list[float], base: list[float]) -> str:
    cells = []
    for name, share in _SHARES.items():
        value, other = find_percentile(mine, share), find_percentile(base, share)
        cells.append(f"{name} {value * 1000:7.2f} ({value / other:4.2f})")
    return "   ".join(cells)


def main() -> None:
    options = Options(__doc__)
    options.add_amount("memory", 1_000_000, "first legs for the memory; 0 for none", quick=10_000)
    chosen = options.read()
    with open_bench(chosen, _WHOLE, _QUICK) as bench:
        print_table(measure(bench))
        if chosen.memory:
            bench.begin(print_memory, bench.folder, chosen.memory).result()


if __name__ == "__main__":
    main()
