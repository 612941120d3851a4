"""
The size of the store's files while log-ins come on schedule: a real FreeRADIUS, whole log-ins, SMS over HTTP.

    bench/store_log.py [--quick] [--seconds 600] [--rate 150] [--folder FOLDER]

It prints the sizes at intervals, and at the end how long first legs took.
"""

from concurrent.futures import Future, wait
from pathlib import Path

from bench_frame import Bench, Options, Sizes, open_bench, write_times
from bench_servers import make_plugin_server, write_http_gateway
from login_load import LoginResult, run_logins
from radius_packets import ACCEPT, CHALLENGE

from smsotp_mocks.net.ports import find_free_tcp_port

_INTERVALS = 20


def main() -> None:
    options = Options(__doc__)
    options.add_amount("seconds", 600.0, "how long", quick=10.0)
    options.add_amount("rate", 150.0, "log-ins a second", quick=50.0)
    chosen = options.read()
    sizes = Sizes(rounds=1, requests=int(chosen.rate * chosen.seconds), seconds=chosen.seconds)
    with open_bench(chosen, sizes, sizes) as bench:
        measure(bench, chosen.rate)


def measure(bench: Bench, rate: float) -> None:
    port = find_free_tcp_port()
    with make_plugin_server(bench.folder, write_http_gateway(port)) as server:
        load = bench.load(server.address, bench.sizes.requests, rate)
        running = bench.begin(run_logins, load, port, "", bench.sizes.seconds)
        longest = watch(bench.folder / "smsotp.db", bench.sizes.seconds, running)
        show(running.result(), rate, longest)


def watch(database: Path, seconds: float, running: "Future[LoginResult]") -> int:
    """Print the sizes at intervals; return the greatest length of the write-ahead log, in bytes."""
    log = database.with_name(database.name + "-wal")
    longest = ticks = 0
    print("   seconds   database MB   log MB, now and at its longest", flush=True)
    while not wait([running], timeout=0.1).done:
        ticks += 1
        longest = max(longest, log.stat().st_size)
        if ticks % max(1, int(10 * seconds / _INTERVALS)) == 0:
            sizes = [size / 1e6 for size in (database.stat().st_size, log.stat().st_size, longest)]
            print("{:10.0f}{:14.1f}{:9.1f}{:8.1f}".format(ticks / 10, *sizes), flush=True)
    return longest


def show(result: LoginResult, rate: float, longest: int) -> None:
    print(
        f"{result.accepted} log-ins at {rate:g} a second ({result.login_rate:.0f} came), "
        f"{result.codes.get(CHALLENGE, 0)} challenges, {result.codes.get(ACCEPT, 0)} accepted, {result.lost} lost; "
        f"first legs {write_times(result.latencies)}; the log at its longest {longest / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main()
