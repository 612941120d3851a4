"""
What a Redis costs in place of the file, as ratios from one run.

    bench/cluster.py [--quick] [--folder FOLDER]

It measures first legs of a module that does nothing, and of the plugin with SQLite on disk, with Redis, and with Redis and a worker
that sends; then whole log-ins with SMS over HTTP for the last three, and the commands and bytes that Redis sees for each of them. Last,
1, 2 and 4 workers empty the same queue. All programs share this machine.
"""

import contextlib
import time
from collections.abc import Sequence
from typing import cast

from bench_frame import Bench, Options, Sizes, open_bench, print_rates
from bench_servers import (
    do_nothing_server,
    kill_at_the_end,
    make_shared_server,
    silent_provider,
    write_http_gateway,
)
from login_load import run_logins
from radius_load import run_load
from radius_packets import CHALLENGE
from redis_counts import Counts, RedisMeter

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.net.ports import find_free_tcp_port
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.redis import RedisServer
from smsotp_mocks.servers.worker import Worker
from smsotp_plugin.dispatch.intake import PIECE
from smsotp_plugin.grammar import agree

_WHOLE = Sizes(rounds=5, requests=8_000, seconds=8.0)
_QUICK = Sizes(rounds=1, requests=1_500, seconds=2.0)
_NUMBERS_OF_WORKERS = (1, 2, 4)
_FILL = 1_500  # messages
_TO_WORKERS = '[queue]\nmode = "workers"\n\n'


class Cluster:
    """
    Servers that differ only in their store.

    Args:
        bench: Sends the loads.
        redis: For the servers that use one.
    """

    def __init__(self, bench: Bench, redis: RedisServer) -> None:
        self._bench = bench
        self._redis = redis
        self._meter = RedisMeter(redis.port)

    def measure_first_legs(self, silent: str) -> None:
        """Print the first table; servers take turns."""
        file, shared = self._make("legs-file", silent), self._make("legs-redis", silent, shared=True)
        served = self._make("legs-worker", _TO_WORKERS + silent, shared=True)
        served.prepare()
        with (
            do_nothing_server(self._bench.folder / "nothing") as nothing,
            file,
            shared,
            self._worker(served),
            served,
        ):
            servers = {"do nothing": nothing, "SQLite": file, "Redis": shared, "Redis, one worker": served}
            rates: dict[str, list[float]] = {name: [] for name in servers}
            seen, legs = Counts(0, 0, 0, 0.0), 0
            for _ in range(self._bench.sizes.rounds):
                for name, server in servers.items():
                    before = self._meter.count()
                    result = self._bench.find_fastest(server.address)
                    rates[name].append(result.rate)
                    if server is shared:
                        seen, legs = self._meter.count() - before, len(result.latencies)
        print_rates("First legs a second, 64 outstanding, a provider that sends nothing", rates, "SQLite")
        _print_counts("first leg", seen, legs)

    def measure_logins(self) -> None:
        """Print the second table."""
        port = find_free_tcp_port()
        toml = write_http_gateway(port)
        rates: dict[str, list[float]] = {}
        counted: dict[str, tuple[Counts, int]] = {}
        for name in ("SQLite", "Redis", "Redis, one worker"):
            is_served = name.endswith("worker")
            server = self._make(f"logins-{name}", _TO_WORKERS * is_served + toml, shared=name != "SQLite")
            server.prepare()
            with contextlib.ExitStack() as running:
                if is_served:
                    # A worker that finds its gateway dead at its start reports this, and log-ins are refused.
                    with HttpGateway(port=port):
                        running.enter_context(self._worker(server))
                running.enter_context(kill_at_the_end(server))
                before = self._meter.count()
                load = self._bench.load(server.address, 1_000_000)
                result = self._bench.begin(run_logins, load, port, "", self._bench.sizes.seconds).result()
            if result.lost or not result.accepted:
                raise SystemExit(f"answers by code: {result.codes}, lost: {result.lost}")
            rates[name] = [result.login_rate]
            counted[name] = self._meter.count() - before, result.accepted
        title = "Whole log-ins a second, 64 outstanding, SMS over HTTP, the code read back from the gateway"
        print_rates(title, rates, "SQLite")
        _print_counts("log-in", *counted["Redis"])

    def measure_workers(self, silent: str) -> None:
        """Print the third table: how fast workers empty a queue that was filled while all of them were held."""
        print("\nMessages a second from the queue, a provider that sends nothing")
        rates: dict[int, float] = {}
        server = self._make("workers", _TO_WORKERS + silent, shared=True)
        server.prepare()
        with contextlib.ExitStack() as running:
            workers = [self._worker(server, each) for each in range(max(_NUMBERS_OF_WORKERS))]
            for program in workers:
                running.enter_context(program)
            running.enter_context(server)
            for number in sorted(_NUMBERS_OF_WORKERS, reverse=True):
                for surplus in workers[number:]:
                    surplus.stop()
                rates[number] = self._empty(server, workers[:number])
        for number in _NUMBERS_OF_WORKERS:
            print(
                f"  {number} {agree(number, 'worker'):7} {rates[number]:10.0f} /s   ratio to one {rates[number] / rates[1]:5.2f}"
            )

    def _empty(self, server: FreeRadiusServer, workers: Sequence[Worker]) -> float:
        """Fill the queue, let the workers empty it, and return the messages a second."""
        for worker in workers:
            worker.freeze()
        # Workers that are held for five seconds count as dead.
        load = self._bench.load(server.address, _FILL)
        filled = self._bench.begin(run_load, load).result().codes.get(CHALLENGE, 0)
        # A message that was handed to a held worker is lost on its way to it, and is claimed two seconds later.
        handed = PIECE * len(workers)
        begin = time.perf_counter()
        for worker in workers:
            worker.thaw()
        while self._count_messages() > handed:
            time.sleep(0.005)
        seconds = time.perf_counter() - begin
        while self._count_messages():
            time.sleep(0.02)
        return (filled - handed) / seconds

    def _count_messages(self) -> int:
        """Return how many messages wait or are under way; the query takes a few microseconds, so that it does not delay the workers."""
        owners = cast("list[str]", self._meter.ask("ZRANGE {smsotp}:owners 0 -1"))
        keys = ["XLEN {smsotp}:queue", *(f"SCARD {{smsotp}}:messages:{owner}" for owner in owners)]
        return sum(cast("int", self._meter.ask(key)) for key in keys)

    def close(self) -> None:
        self._meter.close()

    def _worker(self, server: FreeRadiusServer, number: int = 0) -> Worker:
        """Return a worker, not yet started, with the configuration of a server that is prepared."""
        return Worker(server.directory / f"worker-{number}", server.smsotp, server.config_file)

    def _make(self, name: str, gateway: str, *, shared: bool = False) -> FreeRadiusServer:
        folder = self._bench.folder / name
        return make_shared_server(
            folder, self._redis.url if shared else f"sqlite://{folder}/smsotp.db", gateway
        )


def _print_counts(what: str, seen: Counts, times: int) -> None:
    print(
        f"  each {what}: {seen.calls / times:.1f} commands, {seen.received / times:.0f} bytes to Redis, "
        f"{seen.sent / times:.0f} from it; {seen.busy / times * 1e6:.0f} microseconds of its time"
    )


def main() -> None:
    options = Options(__doc__).read()
    with (
        open_bench(options, _WHOLE, _QUICK) as bench,
        silent_provider(bench.folder / "provider") as silent,
        RedisServer(bench.folder / "redis") as redis,
    ):
        cluster = Cluster(bench, redis)
        cluster.measure_first_legs(silent)
        cluster.measure_logins()
        cluster.measure_workers(silent)
        cluster.close()


if __name__ == "__main__":
    main()
