"""
What a Redis that is far away, hangs or is gone costs the people who log in, and those who need no code.

    bench/redis_trouble.py [--quick] [--folder FOLDER]

Each condition has a FreeRADIUS of its own: Redis on this machine; Redis behind a relay that delays what Redis says by 5 ms; Redis
held (SIGSTOP); Redis killed. The first two show how many first legs and answers a second FreeRADIUS takes. Then all three kinds of
requests come on schedule: first legs, answers (wrong codes), and log-ins at a virtual server that does not call the plugin. Refusals
are answers, too.
"""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Iterator, Mapping

from answer_times import Asker, open_challenges
from bench_frame import Bench, Options, Sizes, open_bench, write_times
from bench_servers import add_plain_site, kill_at_the_end, make_shared_server, silent_provider
from radius_load import LoadResult, run_packets
from radius_packets import ACCEPT, CHALLENGE, REJECT, pack_access_request

from smsotp_mocks.servers.redis import RedisServer

_NEAR, _FAR, _HELD, _GONE = "near", "5 ms away", "held", "gone"
_DISTANCE = 0.005  # seconds
_RATE = 20.0  # first legs and answers a second on schedule, each
_PLAIN_RATE = 50.0
_LIMIT = 0.5  # seconds within which each leg has to be decided
_WRONG = "000000"  # could be a code: what cannot is looked up

_WHOLE = Sizes(rounds=1, requests=4_000, seconds=30.0)
_QUICK = Sizes(rounds=1, requests=800, seconds=8.0)


class Relay:
    """
    Passes requests to a server of this machine on at once, and passes its answers back after a delay.

    Args:
        port: Where the server listens.
        delay: Seconds that each answer is held.

    Attributes:
        port: Where the relay listens.
    """

    def __init__(self, port: int, delay: float) -> None:
        self._target = port
        self._delay = delay
        self._loop = asyncio.new_event_loop()
        server = self._loop.run_until_complete(asyncio.start_server(self._relay, "127.0.0.1", 0))
        self.port: int = server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._thread.start()

    async def _relay(self, asking: asyncio.StreamReader, told: asyncio.StreamWriter) -> None:
        answering, asked = await asyncio.open_connection("127.0.0.1", self._target)
        back = asyncio.create_task(self._bring_back(answering, told))
        with contextlib.suppress(ConnectionError):
            while some := await asking.read(65536):
                asked.write(some)
        asked.close()
        await back

    async def _bring_back(self, answering: asyncio.StreamReader, told: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while some := await answering.read(65536):
                self._loop.call_later(self._delay, told.write, some)
        self._loop.call_later(self._delay, told.close)


class Trial:
    """
    Tries one server after the other.

    Args:
        bench: Sends the loads.
        redis: For all of them.
        silent: The table of a gateway that sends nothing.
    """

    def __init__(self, bench: Bench, redis: RedisServer, silent: str) -> None:
        self._bench = bench
        self._redis = redis
        self._silent = silent
        #: Nobody answers in two conditions, because wrong codes count.
        self._names = (str(number) for number in itertools.count(8_000_000))
        self._far = f"redis://127.0.0.1:{Relay(redis.port, _DISTANCE).port}/0"

    def measure(self, condition: str) -> None:
        """Print what one condition costs."""
        url = self._far if condition == _FAR else self._redis.url
        server = make_shared_server(self._bench.folder / condition.replace(" ", "-"), url, self._silent)
        plain = add_plain_site(server)
        with kill_at_the_end(server):
            print(f"\n{condition}")
            if condition in {_NEAR, _FAR}:
                self._print_fastest(server.address)
            answers = self._prepare(server.address, int(_RATE * self._bench.sizes.seconds))
            with self._trouble(condition):
                _print_times(self._load_steadily(server.address, plain, answers))

    def _print_fastest(self, address: tuple[str, int]) -> None:
        legs = self._bench.find_fastest(address).rate
        load = self._bench.load(address, 0)
        packets = self._prepare(address, self._bench.sizes.requests)
        answers = self._bench.begin(run_packets, load, packets).result().rate
        whole = 1 / (1 / legs + 1 / answers)
        print(
            f"  at most {legs:6.0f} first legs or {answers:6.0f} answers a second: {whole:6.0f} whole log-ins"
        )

    def _prepare(self, address: tuple[str, int], number: int) -> list[bytes]:
        """Return wrong answers to open challenges."""
        asker = Asker(address)
        pending = list(itertools.islice(open_challenges(asker, self._names), number))
        asker.close()
        return [pack_access_request(name, _WRONG, "", state) for name, state in pending]

    def _load_steadily(
        self, address: tuple[str, int], plain: tuple[str, int], answers: list[bytes]
    ) -> Mapping[str, LoadResult]:
        load = self._bench.load(address, 0, _RATE)
        begun = {
            "first legs": self._bench.load_steadily(address, _RATE),
            "answers": self._bench.begin(run_packets, load, answers),
            "plain": self._bench.load_steadily(plain, _PLAIN_RATE),
        }
        return {name: each.result() for name, each in begun.items()}

    @contextlib.contextmanager
    def _trouble(self, condition: str) -> Iterator[None]:
        if condition == _HELD:
            self._redis.freeze()
        elif condition == _GONE:
            self._redis.kill()
        try:
            yield
        finally:
            if condition == _HELD:
                self._redis.thaw()


def _print_times(seen: Mapping[str, LoadResult]) -> None:
    words = {CHALLENGE: "challenges", REJECT: "rejected", ACCEPT: "accepted"}
    for name, result in seen.items():
        codes = ", ".join(f"{count} {words[code]}" for code, count in sorted(result.codes.items()))
        late = sum(seconds > _LIMIT for seconds in result.latencies)
        print(
            f"  {name:12} {write_times(result.latencies)}; {late} after more than {_LIMIT * 1000:.0f} ms, {result.lost} lost; {codes}"
        )


def main() -> None:
    options = Options(__doc__).read()
    with (
        open_bench(options, _WHOLE, _QUICK) as bench,
        silent_provider(bench.folder / "provider") as silent,
        RedisServer(bench.folder / "redis") as redis,
    ):
        trial = Trial(bench, redis, silent)
        for condition in (_NEAR, _FAR, _HELD, _GONE):
            trial.measure(condition)


if __name__ == "__main__":
    main()
