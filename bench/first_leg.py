"""
First legs and whole log-ins per second through a real FreeRADIUS, beside a module that does nothing, in one run.

    bench/first_leg.py [--quick] [--profile] [--folder FOLDER]

Three tables: first legs with a provider that sends nothing; whole log-ins with the SMS over HTTP; and both while the
gateway is awake and asleep. Servers take turns, and what counts is the ratio of their medians: absolute figures move by
a factor of two with whatever else the machine does.
"""

import argparse
import contextlib
import itertools
import multiprocessing
import statistics
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from bench_servers import add_plain_site, do_nothing_server, make_plugin_server, silent_provider
from login_load import LoginResult, run_logins
from radius_load import Load, LoadResult, run_load
from radius_packets import ACCEPT, CHALLENGE
from server_profile import print_profile

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.servers.freeradius import FreeRadiusServer

_THREADS = (1, 4, 8, 32)
_ASLEEP = "delay 2s"
_PLAIN_RATE = 50.0  # requests per second of the user who is only checked for a password
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: rounds, requests of a round, and seconds of what is measured on schedule."""

    rounds: int
    requests: int
    seconds: float


_WHOLE = Sizes(rounds=5, requests=20_000, seconds=8.0)
_QUICK = Sizes(rounds=3, requests=6_000, seconds=3.0)


class Bench:
    """
    Runs loads in processes of their own, so that they do not wait for the thread that reads the server's log.

    Args:
        folder: For everything that the servers write, the store included.
    """

    def __init__(self, folder: Path, sizes: Sizes, workers: Executor) -> None:
        self.folder = folder
        self.sizes = sizes
        self._workers = workers
        self._stations = itertools.count(0, 1_000_000)

    def load(self, address: tuple[str, int], requests: int, rate: float | None = None) -> Load:
        """Return a load of log-ins that nobody has begun before."""
        first = next(self._stations)
        outstanding = 64 if rate is None else 256
        return Load(
            address, b"testing123", range(first, first + requests), outstanding=outstanding, rate=rate
        )

    def begin(self, what: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> "Future[_T]":
        """Begin a load."""
        return self._workers.submit(what, *args, **kwargs)

    def find_fastest(self, address: tuple[str, int]) -> LoadResult:
        """Send as fast as answers come, 64 at a time."""
        return _check(self.count_answers(address), CHALLENGE)

    def count_answers(self, address: tuple[str, int]) -> LoadResult:
        """Send as `find_fastest` does, and take refusals, too."""
        return self.begin(run_load, self.load(address, self.sizes.requests)).result()

    def load_steadily(self, address: tuple[str, int], rate: float) -> "Future[LoadResult]":
        """Begin to send on schedule; unlike `find_fastest`, nobody has looked at the answers yet."""
        return self.begin(run_load, self.load(address, int(rate * self.sizes.seconds), rate))

    def load_in_turn(self, addresses: dict[str, tuple[str, int]]) -> dict[str, list[float]]:
        """Return the rates of all rounds of each server, the first legs of which take turns."""
        rates: dict[str, list[float]] = {name: [] for name in addresses}
        for _ in range(self.sizes.rounds):
            for name, address in addresses.items():
                rates[name].append(self.find_fastest(address).rate)
        return rates


def measure_first_legs(bench: Bench, silent: str, *, profile: bool) -> None:
    """Table (a)."""
    nothing = do_nothing_server(bench.folder / "nothing")
    ours = make_plugin_server(bench.folder / "silent", silent)
    with nothing, ours:
        rates = bench.load_in_turn({"do nothing": nothing.address, "plugin": ours.address})
        _print_rates("First legs, 64 outstanding, a provider that sends nothing, SQLite on disk", rates)
        half = statistics.median(rates["plugin"]) / 2
        print("  at half of its own load, on schedule:")
        for name, server in (("plugin", ours), ("do nothing", nothing)):
            _print_times(name, _check(bench.load_steadily(server.address, half).result(), CHALLENGE))
        if profile:
            load = bench.load_steadily(ours.address, half * 1.5)
            print_profile(ours, bench.sizes.seconds)
            load.result()


def measure_thread_pools(bench: Bench, silent: str) -> None:
    """Table: how many threads FreeRADIUS should have."""
    with contextlib.ExitStack() as stack:
        servers = {
            f"{threads} threads": stack.enter_context(
                make_plugin_server(bench.folder / f"threads-{threads}", silent, threads)
            )
            for threads in _THREADS
        }
        rates = bench.load_in_turn({name: server.address for name, server in servers.items()})
        _print_rates("FreeRADIUS's thread pool, first legs as above; ratio to the first", rates)
        half = min(statistics.median(rates[name]) for name in servers) / 2
        print("  at half of the slowest one's load, on schedule:")
        for name, server in servers.items():
            _print_times(name, _check(bench.load_steadily(server.address, half).result(), CHALLENGE))


def measure_whole_logins(bench: Bench) -> None:
    """Tables (b) and (c)."""
    with HttpGateway() as gateway:  # only to find a port; each load runs a gateway of its own there
        port, tables = gateway.port, gateway.configuration()
    toml = write_gateway(tables["gateways.http"]["URL"])
    print(
        f"\nWhole log-ins, 64 outstanding, SMS over HTTP, the code read back from the gateway ({_ASLEEP!r}: asleep)"
    )
    for name, faults in (("awake", ""), ("asleep", _ASLEEP)):
        server = make_plugin_server(bench.folder / f"logins-{name}", toml)
        with kill_at_the_end(server):
            load = bench.load(server.address, 1_000_000)
            _print_logins(name, bench.begin(run_logins, load, port, faults, bench.sizes.seconds).result())
    _measure_beside_a_sleeper(bench, toml, port)


def _measure_beside_a_sleeper(bench: Bench, toml: str, port: int) -> None:
    print("\nFirst legs with SMS over HTTP, and a user who needs no code beside them")
    for name, faults in (("awake", ""), ("asleep", _ASLEEP)):
        server = make_plugin_server(bench.folder / f"beside-{name}", toml)
        plain = add_plain_site(server)
        with kill_at_the_end(server), HttpGateway(port=port) as gateway:
            if faults:
                gateway.faults.add(faults)
            fastest = bench.find_fastest(server.address)
            print(f"  {name:12} {fastest.rate:8.0f} /s at most")
            legs = bench.load_steadily(server.address, 500.0)
            beside = bench.load_steadily(plain, _PLAIN_RATE)
            _print_times(f"{name}, 500/s", _check(legs.result(), CHALLENGE))
            _print_times(f"{name}, plain", _check(beside.result(), ACCEPT))


def write_gateway(url: str) -> str:
    """Return the tables of a HTTP gateway."""
    options = 'to = "{phone}"\ntext = "{otp}"\n'
    return (
        f'[gateways.http]\nprovider = "http"\nURL = "{url}"\nHTTP_METHOD = "POST"\nRETURN_SUCCESS = "OK"\n'
        f"[gateways.http.options]\n{options}"
    )


@contextlib.contextmanager
def kill_at_the_end(server: FreeRadiusServer) -> Iterator[None]:
    """Run a server and kill it in the end: what a sleeping gateway has not taken would be sent for a minute."""
    server.start()
    try:
        yield
    finally:
        server.kill()


def _check(result: LoadResult, expected: int) -> LoadResult:
    if result.lost or set(result.codes) != {expected}:
        raise SystemExit(
            f"answers by code: {result.codes}, lost: {result.lost}; expected only code {expected}"
        )
    return result


def _print_rates(title: str, rates: dict[str, list[float]]) -> None:
    print(f"\n{title}")
    base = statistics.median(next(iter(rates.values())))
    for name, values in rates.items():
        median = statistics.median(values)
        spread = f"{min(values):.0f} to {max(values):.0f}"
        print(f"  {name:12} {median:8.0f} /s   ratio {median / base:5.2f}   ({spread})")


def _print_times(name: str, result: LoadResult) -> None:
    print(f"  {name:14} {result.rate:6.0f} /s   {_write_percentiles(result.latencies, 1000)} ms")


def _print_logins(name: str, result: LoginResult) -> None:
    print(
        f"  {name:12} {result.login_rate:8.1f} /s   first leg: {_write_percentiles(result.latencies, 1000)} ms"
    )
    late = sum(seconds > 2 for seconds in result.sms)
    print(f"  {'':12} challenge to SMS: {_write_percentiles(result.sms, 1000)} ms; {late} took more than 2 s")
    print(f"  {'':12} {result.accepted} accepted, answers by code {result.codes}, lost {result.lost}")


def _write_percentiles(seconds: list[float], unit: float) -> str:
    ordered = sorted(seconds) or [0.0]
    at = (ordered[int((len(ordered) - 1) * share)] * unit for share in (0.5, 0.99, 1.0))
    return "p50 {:.2f}, p99 {:.2f}, max {:.2f}".format(*at)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="less of everything: one minute instead of four")
    parser.add_argument(
        "--profile", action="store_true", help="say where the time of first legs goes (needs py-spy)"
    )
    parser.add_argument("--folder", help="where to write; a folder on a real disk")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="smsotp-bench-", dir=options.folder) as folder,
        ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as workers,
        silent_provider(Path(folder) / "provider") as silent,
    ):
        bench = Bench(Path(folder), _QUICK if options.quick else _WHOLE, workers)
        measure_first_legs(bench, silent, profile=options.profile)
        measure_thread_pools(bench, silent)
        measure_whole_logins(bench)


if __name__ == "__main__":
    main()
