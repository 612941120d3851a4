"""
Whole log-ins while workers are killed and Redis is restarted, and how many SMS each of them got; too long for every day.

::

    python -m tests.e2e.workers_killed --log-ins 2000

Two FreeRADIUS servers, three workers, a Redis that loses nothing (``appendfsync always``). Every second a worker is killed (unless it is the
only one that has finished its start) and another one started; every `--redis` seconds Redis is killed and started again. Each log-in begins at one server and is
answered at the other. A log-in that is refused, because Redis is away, is begun again; so is an answer. Who gets no SMS asks for it again.

Each log-in that was not as any other is told with all that is known of it. Exit code 0: everybody got in, with the right code
only; and of each SMS too many or too few, a worker says that an attempt at that very message was under way when its worker
died, so that nobody knows how it ended; and one had died since the code was asked for. 1 otherwise.
"""

import argparse
import re
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from time import monotonic, time
from typing import Self

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer, NoAnswer
from smsotp_plugin.codes.fingerprints import reference_of
from smsotp_plugin.dispatch.dispatcher import LOST
from smsotp_plugin.stores.delivery_log import Wanted, describe
from smsotp_plugin.stores.redis.kind import RedisKind
from tests.e2e.cluster import READY, Cluster
from tests.support.redis import Redis, fill_settings

#: People who log in at the same time.
_AT_ONCE = 8
#: Seconds for which somebody tries again who is refused, and within which an SMS has to come that was asked for again.
_PATIENCE = 60.0
#: Seconds without an SMS after which it is asked for again; ``[challenge] resend_after`` allows it then.
_MISSED_AFTER = 31.0
#: Said where a further SMS is on its way, as in ``[challenge] prompt``.
_PROMPT = "Enter the code sent to"
#: Seconds before and after a log-in whose events are told with it.
_AROUND = 1.0
#: Of a challenge, as Redis keeps it: what is told of it.
_FIELDS = ("status", "tries_left", "resends", "undelivered")

#: When something happened, in Unix seconds, and what.
Event = tuple[float, str]


class Trouble:
    """
    Kills workers and Redis until it is told to stop.

    Args:
        cluster: What is in trouble.
        redis_every: Seconds between two deaths of Redis.

    Attributes:
        events: What it has done.
        killed: How often, by what.
        died: When each worker died, by its place in `Cluster.all_workers`.
    """

    def __init__(self, cluster: Cluster, redis_every: float) -> None:
        self.events: list[Event] = []
        self.killed: Counter[str] = Counter()
        self.died: dict[int, float] = {}
        self._cluster = cluster
        self._redis_every = redis_every
        self._over = threading.Event()
        self._random = Random()
        self._thread = threading.Thread(target=self._make)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _make(self) -> None:
        redis_dies = monotonic() + self._redis_every
        while not self._over.wait(1.0):
            ready = [place for place, each in enumerate(self._cluster.workers) if READY in each.log]
            if len(ready) > 1:
                self._kill_worker(self._random.choice(ready))
            if monotonic() > redis_dies:
                self._kill_redis()
                redis_dies = monotonic() + self._redis_every

    def _kill_worker(self, place: int) -> None:
        number = self._cluster.all_workers.index(self._cluster.workers[place])
        self.died[number] = time()
        self._note("workers", f"worker {number} is killed")
        self._cluster.kill_worker(place)
        self._cluster.start_worker()

    def _kill_redis(self) -> None:
        self._note("Redis", "Redis is killed")
        self._cluster.redis.kill()
        self._cluster.redis.start()
        self.events.append((time(), "Redis is back"))

    def _note(self, what: str, event: str) -> None:
        self.killed[what] += 1
        self.events.append((time(), event))


@dataclass(slots=True)
class LogIn:
    """
    One log-in.

    Attributes:
        user: Whose.
        state: Of its challenge; empty where there was none.
        end: What came of it.
        asked_again: How often it asked for a further SMS and was promised one.
        events: What the person did, and what they were told.
    """

    user: RadiusUser
    state: str = ""
    end: str = ""
    asked_again: int = 0
    events: list[Event] = field(default_factory=list)

    @property
    def reference(self) -> str:
        """What stands for its challenge in logs."""
        return reference_of(self.state)

    def note(self, event: str) -> None:
        """Note that something happens now that has not just happened."""
        if not self.events or self.events[-1][1] != event:
            self.events.append((time(), event))

    def insist(self, what: str, call: Callable[[], Answer], is_good: Callable[[Answer], bool]) -> bool:
        """
        Ask until the answer is as hoped, or patience is at its end.

        Returns:
            Whether it was; a challenge is noted.
        """
        until, pause = monotonic() + _PATIENCE, threading.Event()
        while True:
            answer = self.ask(what, call)
            if answer is not None and is_good(answer):
                return True
            if monotonic() > until:
                return False
            pause.wait(0.3)

    def ask(self, what: str, call: Callable[[], Answer]) -> Answer | None:
        """Send one packet; returns what is answered, if anything is."""
        try:
            answer = call()
        except NoAnswer:
            self.note(f"{what}: no answer")
            return None
        self.note(f"{what}: {answer.code}, {answer.prompt!r}")
        if answer.code == "challenge" and not self.state:
            self.state = answer.state.decode()
        return answer


def log_in(cluster: Cluster, user: RadiusUser, servers: Sequence[FreeRadiusServer]) -> LogIn:
    """Do one log-in."""
    done = LogIn(user)
    done.end = _log_in(done, cluster, servers)
    return done


def _log_in(done: LogIn, cluster: Cluster, servers: Sequence[FreeRadiusServer]) -> str:
    first, second = servers
    user = done.user

    def answer(typed: str) -> Callable[[], Answer]:
        return lambda: second.answer(user.name, typed, done.state.encode())

    if not done.insist("first leg", lambda: first.log_in(user.name, user.password), _is_challenge):
        return "never asked for a code"
    code = _wait_for_code(done, cluster, _MISSED_AFTER)
    if not code:
        if not done.insist("asks for another SMS", answer("resend"), _promises_sms):
            return "no SMS, and no other one promised"
        done.asked_again += 1
        code = _wait_for_code(done, cluster, _PATIENCE)
        if not code:
            return "no SMS, nor when it was asked for again"
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    told = done.ask("wrong code", answer(wrong))
    if told is not None and told.code == "accept":
        return "wrong code accepted"
    if not done.insist("right code", answer(code), lambda told: told.code == "accept"):
        return "right code refused"
    return "accepted"


def _is_challenge(answer: Answer) -> bool:
    return answer.code == "challenge"


def _promises_sms(answer: Answer) -> bool:
    return answer.code == "challenge" and answer.prompt.startswith(_PROMPT)


def _wait_for_code(done: LogIn, cluster: Cluster, seconds: float) -> str:
    """Return the code of the SMS, or nothing where none comes."""
    try:
        code = cluster.code_of(done.user, seconds)
    except AssertionError:
        done.note(f"no SMS within {seconds:g} s")
        return ""
    done.note("the SMS is there")
    return code


class Inquest:
    """
    Knows of every log-in what the logs say of it.

    Args:
        cluster: Where they happened; its Redis answers.
        trouble: What was done to it.
    """

    def __init__(self, cluster: Cluster, trouble: Trouble) -> None:
        self._cluster = cluster
        self._trouble = trouble
        self._logs = {
            f"server {number}": server.log_text().splitlines()
            for number, server in enumerate(cluster.servers)
        }
        for number, worker in enumerate(cluster.all_workers):
            died = trouble.died.get(number)
            end = f" (died {_show(died)})" if died is not None else ""
            self._logs[f"worker {number}{end}"] = worker.log.splitlines()
        lines = [line for log in self._logs.values() for line in log if str(LOST) in line]
        #: Attempts that were under way when their worker died, by the reference of their message.
        self.lost = Counter(
            found[1] for line in lines if (found := re.search(r"message ([0-9a-f]{8})", line))
        )
        self.dropped = Counter(
            reason
            for log in self._logs.values()
            for line in log
            for reason in re.findall(r": not sent[^:]*: (.*)", line)
        )

    def is_regular(self, done: LogIn) -> bool:
        """Tell whether there is nothing to explain."""
        return done.end == "accepted" and self._cluster.sms_to(done.user) == 1 and not done.asked_again

    def is_explained(self, done: LogIn) -> bool:
        """Tell whether it ended well, and attempts of which nobody knows how they ended explain the number of its SMS."""
        amiss = abs(self._cluster.sms_to(done.user) - done.asked_again - 1)
        return done.end == "accepted" and amiss <= self.count_under_way(done)

    def count_under_way(self, done: LogIn) -> int:
        """Return how many attempts are said to have been under way when their worker died; none where no worker had died by then."""
        began, *told = done.events[0][0], *(at for at, event in self._read_trace(done) if str(LOST) in event)
        until = min(told, default=done.events[-1][0])
        return (
            self.lost[done.reference] if any(began < at < until for at in self._trouble.died.values()) else 0
        )

    def tell(self, done: LogIn) -> Iterator[str]:
        """Yield all that is known of one log-in, as lines."""
        under_way = self.count_under_way(done)
        yield (
            f"--- {done.user.name}, challenge {done.reference}: {done.end}; {self._cluster.sms_to(done.user)} SMS, "
            f"asked for {1 + done.asked_again}; attempts under way when their worker died: {under_way}"
        )
        began, ended = done.events[0][0] - _AROUND, done.events[-1][0] + _AROUND
        events = [*done.events, *(each for each in self._trouble.events if began < each[0] < ended)]
        for moment, event in sorted([*events, *self._read_trace(done)]):
            yield f"  {_show(moment)} {event}"
        kept = dict(zip(_FIELDS, self._read_challenge(done), strict=True))
        yield f"  in Redis: {kept}"
        for name, log in self._logs.items():
            yield from (
                f"  {name}: {line}" for line in log if done.reference in line or f'"{done.user.name}"' in line
            )

    def _read_trace(self, done: LogIn) -> list[Event]:
        settings = fill_settings(self._cluster.redis.url)
        events = RedisKind().read_trace(settings, Wanted(reference=done.reference), 1)
        return [(event.at, f"[trace] {event.kind}: {describe(event)}") for event in events]

    def _read_challenge(self, done: LogIn) -> list[str | None]:
        with closing(Redis(self._cluster.redis.port)) as redis:
            kept: list[str | None] = redis.ask("HMGET", f"{{smsotp}}:challenge:{done.state}", *_FIELDS)
        return kept


def _show(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S.%f")[:-3]


def run(log_ins: int, redis_every: float, directory: Path) -> int:
    """Do all of them and print what came of it; returns the exit code."""
    sections = "[dispatch]\nworkers = 4\n[limits]\nmode = 'record'"
    with Cluster(directory, users=log_ins, sections=sections, durable=True) as cluster:
        both = cluster.servers
        ways = (both, both[::-1])
        with Trouble(cluster, redis_every) as trouble, ThreadPoolExecutor(_AT_ONCE) as pool:
            began = monotonic()
            all_done = list(
                pool.map(lambda user, number: log_in(cluster, user, ways[number % 2]), cluster.users, count())
            )
            seconds = monotonic() - began
        for worker in cluster.workers:
            worker.wait_for(READY)
        inquest = Inquest(cluster, trouble)
        copies = Counter(cluster.sms_to(done.user) - done.asked_again for done in all_done)
        irregular = [done for done in all_done if not inquest.is_regular(done)]
        unexplained = [done for done in irregular if not inquest.is_explained(done)]
        said = [line for done in irregular for line in inquest.tell(done)]
    said += [
        f"{log_ins} log-ins in {seconds:.0f} s; killed: {dict(trouble.killed)}",
        f"ends: {dict(Counter(done.end for done in all_done))}",
        f"log-ins by number of SMS, without those that were asked for again: {dict(sorted(copies.items()))}",
        f"attempts that died with their worker, outcome unknown: {inquest.lost.total()}",
        f"given up: {dict(inquest.dropped)}",
        f"not as any other: {len(irregular)}; unexplained: {[done.reference for done in unexplained]}",
    ]
    print("\n".join(said))  # noqa: T201  (this is a command)
    return 1 if unexplained else 0


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Log in while workers are killed.")
    parser.add_argument("--log-ins", type=int, default=2000)
    parser.add_argument("--redis", type=float, default=15.0, metavar="SECONDS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        sys.exit(run(options.log_ins, options.redis, Path(directory)))


if __name__ == "__main__":
    main()
