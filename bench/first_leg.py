"""
First legs and whole log-ins per second through a real FreeRADIUS, compared with a module that does nothing, in one run.

    bench/first_leg.py [--quick] [--profile] [--folder FOLDER]

Three tables: first legs with a provider that sends nothing; whole log-ins with the SMS over HTTP; and both while the
gateway is awake and asleep. Servers take turns, and what counts is the ratio of their medians: absolute figures vary by
a factor of two with whatever else the machine does.
"""

import contextlib
import statistics

from bench_frame import Bench, Options, Sizes, open_bench, print_rates, require_only, write_times
from bench_servers import (
    add_plain_site,
    do_nothing_server,
    kill_at_the_end,
    make_plugin_server,
    silent_provider,
    write_http_gateway,
)
from login_load import LoginResult, run_logins
from radius_load import LoadResult
from radius_packets import ACCEPT, CHALLENGE
from server_profile import print_profile

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.net.ports import find_free_tcp_port

_THREADS = (1, 4, 8, 32)
_ASLEEP = "delay 2s"
_PLAIN_RATE = 50.0  # requests per second of the user who is only checked for a password
_WHOLE = Sizes(rounds=5, requests=20_000, seconds=8.0)
_QUICK = Sizes(rounds=3, requests=6_000, seconds=3.0)


def measure_first_legs(bench: Bench, silent: str, *, profile: bool) -> None:
    """Table (a)."""
    nothing = do_nothing_server(bench.folder / "nothing")
    ours = make_plugin_server(bench.folder / "silent", silent)
    with nothing, ours:
        rates = bench.load_in_turn({"do nothing": nothing.address, "plugin": ours.address})
        title = "First legs, 64 outstanding, a provider that sends nothing, SQLite on disk"
        print_rates(title, rates, "do nothing")
        half = statistics.median(rates["plugin"]) / 2
        print("  at half of its own load, on schedule:")
        for name, server in (("plugin", ours), ("do nothing", nothing)):
            _print_times(name, require_only(CHALLENGE, bench.load_steadily(server.address, half).result()))
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
        print_rates("FreeRADIUS's thread pool, first legs as above", rates, next(iter(servers)))
        half = min(statistics.median(rates[name]) for name in servers) / 2
        print("  at half of the slowest one's load, on schedule:")
        for name, server in servers.items():
            _print_times(name, require_only(CHALLENGE, bench.load_steadily(server.address, half).result()))


def measure_whole_logins(bench: Bench) -> None:
    """Tables (b) and (c)."""
    port = find_free_tcp_port()
    toml = write_http_gateway(port)
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
            _print_times(f"{name}, 500/s", require_only(CHALLENGE, legs.result()))
            _print_times(f"{name}, plain", require_only(ACCEPT, beside.result()))


def _print_times(name: str, result: LoadResult) -> None:
    print(f"  {name:14} {result.rate:6.0f} /s   {write_times(result.latencies)}")


def _print_logins(name: str, result: LoginResult) -> None:
    print(f"  {name:12} {result.login_rate:8.1f} /s   first leg: {write_times(result.latencies)}")
    late = sum(seconds > 2 for seconds in result.sms)
    print(f"  {'':12} challenge to SMS: {write_times(result.sms)}; {late} took more than 2 s")
    print(f"  {'':12} {result.accepted} accepted, answers by code {result.codes}, lost {result.lost}")


def main() -> None:
    options = Options(__doc__)
    options.parser.add_argument(
        "--profile", action="store_true", help="say where the time of first legs goes (needs py-spy)"
    )
    chosen = options.read()
    with open_bench(chosen, _WHOLE, _QUICK) as bench, silent_provider(bench.folder / "provider") as silent:
        measure_first_legs(bench, silent, profile=chosen.profile)
        measure_thread_pools(bench, silent)
        measure_whole_logins(bench)


if __name__ == "__main__":
    main()
