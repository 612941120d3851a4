"""
Log-ins for a long time, with faults that come and go: is anything lost, doubled or wrong, and does anything grow?

    bench/soak.py [--quick] [--minutes 30] [--rate 200] [--people 10000] [--requests 512]
                  [--folder FOLDER]

A real FreeRADIUS with the plugin and an SQLite store on disk; people take turns to log in, with SMS over HTTP. The
first of two gateways fails in a different way every 20 s, for 10 s; meanwhile another program locks the database for half a
second. It prints a line every 10 s. If anything was wrong, it says so at the end, prints what happened to each of these log-ins,
and its exit status is 1.

There may be as many "doubled" SMS as attempts whose outcome is unknown; any more are mistakes. These are mistakes as well: lost (no
SMS, and the person was not told), told (no SMS, and the person was told), late (no answer within 10 s, to the same packet sent every
3 s) and wrong (refused with a right code). Memory, threads and file handles are compared between the second quarter and the last one
if each quarter has seen every fault, that is, from 15 minutes on.
"""

import multiprocessing
import re
import sqlite3
import statistics
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from bench_frame import Options, find_percentile, make_folder
from bench_servers import make_plugin_server, write_http_gateway
from soak_load import ENDED_BADLY, FAULTS, Sighting, SoakPlan, run_soak
from soak_stories import print_stories

from smsotp_mocks.net.ports import find_free_tcp_port
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_plugin.grammar import agree

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_EVERY = 10.0  # seconds
_FAULT_SECONDS = 10.0
_LOCK_SECONDS = 0.5  # less than a log-in waits for a lock
_LOCK_EVERY = 15.0  # seconds
_COMPLAINTS = 12  # kinds of lines
_UNKNOWN = "gateway failing: unknown:"
#: By how much the last quarter may exceed the second one.
_GROWTH, _MORE = 1.15, 8


@dataclass(frozen=True, slots=True)
class Size:
    """What the server uses: megabytes of memory, threads, file handles."""

    memory: float
    threads: int
    handles: int

    @classmethod
    def of(cls, pid: int) -> "Size":
        """Read the size of a process."""
        status = dict(re.findall(r"^(\w+):\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE))
        handles = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        return cls(int(status["VmRSS"]) / 1000, int(status["Threads"]), handles)


def soak(folder: Path, seconds: float, rate: float, people: int, under_way: int) -> list[str]:
    """Run everything, and return what was wrong, as sentences."""
    ports = (find_free_tcp_port(), find_free_tcp_port())
    more = "TIMEOUT = 1\nCONNECTIONS = 64"
    tables = "".join(
        write_http_gateway(port, name, more) for name, port in zip(("failing", "sound"), ports, strict=True)
    )
    # Real people do not log in as often as these do.
    server = make_plugin_server(folder / "server", f'[limits]\nmode = "record"\n{tables}')
    server.start()
    plan = SoakPlan(server.address, ports, people, rate, under_way, seconds, _FAULT_SECONDS, _EVERY)
    context = multiprocessing.get_context("spawn")
    reports, sender = context.Pipe(duplex=False)
    load = context.Process(target=run_soak, args=(plan, sender))
    stopped = threading.Event()
    locker = threading.Thread(target=lock_now_and_then, args=(folder / "server" / "smsotp.db", stopped))
    load.start()
    locker.start()
    try:
        seen, sizes = watch(server, reports)
    finally:
        stopped.set()
        locker.join()
        load.join(_EVERY)
        load.kill()
        begin = perf_counter()
        status = server.stop(expected=None)
    print(f"stopped with status {status} in {perf_counter() - begin:.1f} s")
    unknown = server.log_text().count(_UNKNOWN)
    print_complaints(server.log_text())
    print_stories(seen.stories, server)
    return [*judge_counts(seen, unknown), *judge_sizes(sizes), *([f"exit status {status}"] if status else [])]


def lock_now_and_then(database: Path, stopped: threading.Event) -> None:
    """Lock the database as another program would, for a moment, again and again."""
    while not stopped.wait(_LOCK_EVERY):
        with closing(sqlite3.connect(database, isolation_level=None, timeout=10)) as other:
            other.execute("BEGIN IMMEDIATE")
            stopped.wait(_LOCK_SECONDS)
            other.execute("ROLLBACK")


def watch(server: FreeRadiusServer, reports: "Connection[None, Sighting]") -> tuple[Sighting, list[Size]]:
    """Print the progress until the load is over; return its result, and the sizes at each report."""
    begin, sizes = perf_counter(), []
    print(
        "  seconds    begun accepted refused waiting   p50 ms   p99 ms doubled     MB threads handles fault",
        flush=True,
    )
    while True:
        seen = reports.recv()
        if server.pid is None:
            raise SystemExit("the server has ended")
        size = Size.of(server.pid)
        sizes.append(size)
        p50, p99 = (find_percentile(seen.latencies, share) * 1000 for share in (0.5, 0.99))
        counts = seen.counts
        print(
            f"{perf_counter() - begin:9.0f}{counts['begun']:9}{counts['accepted']:9}{counts['refused']:8}"
            f"{seen.waiting:8}{p50:9.1f}{p99:9.1f}{counts['doubled']:8}{size.memory:7.0f}{size.threads:8}"
            f"{size.handles:8} {seen.fault or '-'}",
            flush=True,
        )
        if seen.is_over:
            return seen, sizes


def print_complaints(text: str) -> None:
    """Print what the server has complained of most often, without names and numbers."""
    lines = [line.partition(" : ")[2] for line in text.splitlines()]
    alike = Counter(
        re.sub(r'"[^"]*"( at \+[\d *]+)?|\b[0-9a-f]{8}\b|\d+', "_", line)
        for line in lines
        if line.startswith(("Error", "Warning"))
    )
    for line, count in alike.most_common(_COMPLAINTS):
        print(f"{count:9} {line[:150]}")


def judge_counts(seen: Sighting, unknown: int) -> list[str]:
    """Return what is wrong with the results of the log-ins."""
    counts = seen.counts
    shown = ", ".join(f"{count} {what}" for what, count in counts.items())
    print(f"{shown}; attempts with an unknown outcome: {unknown}")
    print(
        ", ".join(f"{count} {what}" for what, count in seen.strays.items())
        or "no packet that answered nothing"
    )
    problems = [
        f"{counts[what]} {agree(counts[what], 'log-in')} {what}" for what in ENDED_BADLY if counts[what]
    ]
    endless = counts["begun"] - sum(counts[what] for what in ("accepted", "refused", *ENDED_BADLY))
    if endless:
        problems.append(f"{endless} {agree(endless, 'log-in has', 'log-ins have')} no end")
    if counts["doubled"] > unknown:
        problems.append(f"{counts['doubled']} doubled SMS, but {unknown} unknown {agree(unknown, 'outcome')}")
    return problems


def judge_sizes(sizes: Sequence[Size]) -> list[str]:
    """Return what has grown from the second quarter to the last one."""
    quarter = len(sizes) // 4
    if quarter * _EVERY < len(FAULTS) * 2 * _FAULT_SECONDS:
        print("too short to tell what grows")
        return []
    before, after = sizes[quarter : 2 * quarter], sizes[-quarter:]
    problems = []
    memory = [statistics.median(size.memory for size in part) for part in (before, after)]
    if memory[1] > memory[0] * _GROWTH:
        problems.append(f"memory has grown from {memory[0]:.0f} to {memory[1]:.0f} MB")
    for what in ("threads", "handles"):
        # During a fault there may be many for a while; what leaks is there at any time.
        least = [min(getattr(size, what) for size in part) for part in (before, after)]
        if least[1] > least[0] + _MORE:
            problems.append(f"{what} have grown from {least[0]} to {least[1]}")
    print(f"memory {memory[0]:.0f} -> {memory[1]:.0f} MB between the second quarter and the last one")
    return problems


def main() -> None:
    options = Options(__doc__)
    options.add_amount("minutes", 30.0, "how long", quick=0.5)
    options.add_amount("rate", 200.0, "log-ins a second", quick=50.0)
    options.add_amount("people", 10_000, "who log in in turn")
    options.add_amount("requests", 512, "RADIUS requests that may be under way")
    chosen = options.read()
    with make_folder(chosen) as folder:
        problems = soak(folder, chosen.minutes * 60, chosen.rate, chosen.people, chosen.requests)
    print("\n".join(problems) or "nothing lost, doubled, late or wrong; nothing grows; a clean stop")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
