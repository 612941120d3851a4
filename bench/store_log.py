"""
The size of the store's files while log-ins come on schedule: a real FreeRADIUS, whole log-ins, SMS over HTTP.

    bench/store_log.py [--seconds 600] [--rate 150] [--folder FOLDER]

Prints the sizes at intervals, and in the end how long first legs took.
"""

import argparse
import multiprocessing
import tempfile
from concurrent.futures import Future, ProcessPoolExecutor, wait
from pathlib import Path

from bench_servers import make_plugin_server
from first_leg import write_gateway
from login_load import LoginResult, run_logins
from radius_load import Load
from radius_packets import ACCEPT, CHALLENGE

from smsotp_mocks.gateways.http.gateway import HttpGateway

_INTERVALS = 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--rate", type=float, default=150.0, help="log-ins per second")
    parser.add_argument(
        "--folder", type=Path, help="for the store; by default one that is removed afterwards"
    )
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as workers,
    ):
        measure(Path(folder), options.seconds, options.rate, workers)


def measure(folder: Path, seconds: float, rate: float, workers: ProcessPoolExecutor) -> None:
    with HttpGateway() as gateway:  # only to find a port; the load runs a gateway of its own there
        port, tables = gateway.port, gateway.configuration()
    with make_plugin_server(folder, write_gateway(tables["gateways.http"]["URL"])) as server:
        load = Load(server.address, b"testing123", range(int(rate * seconds)), outstanding=256, rate=rate)
        running = workers.submit(run_logins, load, port, "", seconds)
        longest = watch(folder / "smsotp.db", seconds, running)
        show(running.result(), rate, longest)


def watch(database: Path, seconds: float, running: "Future[LoginResult]") -> int:
    """Print the sizes at intervals; returns the longest write-ahead log, in bytes."""
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
    times = sorted(result.latencies)
    p50, p99 = (times[int(len(times) * share)] * 1e3 for share in (0.5, 0.99))
    print(
        f"{result.accepted} log-ins at {rate:g} a second ({result.login_rate:.0f} came), "
        f"{result.codes.get(CHALLENGE, 0)} challenges, {result.codes.get(ACCEPT, 0)} accepted, {result.lost} lost; "
        f"first legs p50 {p50:.1f} ms, p99 {p99:.1f} ms; the log at its longest {longest / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main()
