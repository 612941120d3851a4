"""
Whole log-ins while workers are killed and Redis is restarted, and how many SMS each of them got; too long for every day.

::

    python -m tests.e2e.workers_killed --log-ins 2000

Two FreeRADIUS servers, three workers, a Redis that loses nothing (``appendfsync always``). Every second a worker is killed (unless it is the
only one that has finished its start) and another one started; every `--redis` seconds Redis is killed and started again. Each log-in begins at one server and is
answered at the other. A log-in that is refused, because Redis is away, is begun again.

Exit code 0: everybody was asked for a code; nobody got in with a wrong one; there are no more SMS too many or too few than
attempts that died with their worker, whose outcome nobody knows; and no more right codes were refused than Redis has
died, with whose answer it may have gone down that a code was right. 1 otherwise.
"""

import argparse
import re
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from time import monotonic
from typing import Self

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer, NoAnswer
from tests.e2e.cluster import READY, Cluster

#: People who log in at the same time.
_AT_ONCE = 8
#: Seconds: within which an SMS has to come, and for which somebody tries again who is refused.
_PATIENCE = 60.0


class Trouble:
    """
    Kills workers and Redis until it is told to stop.

    Args:
        cluster: What is in trouble.
        redis_every: Seconds between two deaths of Redis.
    """

    def __init__(self, cluster: Cluster, redis_every: float) -> None:
        self.killed: Counter[str] = Counter()
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
                self._cluster.kill_worker(self._random.choice(ready))
                self._cluster.start_worker()
                self.killed["workers"] += 1
            if monotonic() > redis_dies:
                self._cluster.redis.kill()
                self._cluster.redis.start()
                self.killed["Redis"] += 1
                redis_dies = monotonic() + self._redis_every


def insist(call: Callable[[], Answer], good: str) -> Answer:
    """Ask until the answer is as hoped, or patience is at its end."""
    until = monotonic() + _PATIENCE
    pause = threading.Event()
    while True:
        try:
            answer = call()
        except NoAnswer:
            if monotonic() > until:
                raise
            continue
        if answer.code == good or monotonic() > until:
            return answer
        pause.wait(0.3)


def log_in(cluster: Cluster, user: RadiusUser, servers: Sequence[FreeRadiusServer]) -> str:
    """Do one log-in; returns what came of it."""
    first, second = servers
    challenge = insist(lambda: first.log_in(user.name, user.password), "challenge")
    if challenge.code != "challenge":
        return "never asked for a code"
    try:
        code = cluster.code_of(user, _PATIENCE)
    except AssertionError:
        return "no SMS"
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    if second.answer(user.name, wrong, challenge.state).code == "accept":
        return "wrong code accepted"
    answer = insist(lambda: second.answer(user.name, code, challenge.state), "accept")
    return "accepted" if answer.code == "accept" else "right code refused"


def run(log_ins: int, redis_every: float, directory: Path) -> int:
    """Do all of them and print what came of it; returns the exit code."""
    with Cluster(
        directory, users=log_ins, sections="[dispatch]\nworkers = 4\n[limits]\nmode = 'record'", durable=True
    ) as cluster:
        both = cluster.servers
        ways = (both, both[::-1])
        with Trouble(cluster, redis_every) as trouble, ThreadPoolExecutor(_AT_ONCE) as pool:
            began = monotonic()
            ends = Counter(
                pool.map(
                    lambda numbered: log_in(cluster, numbered[1], ways[numbered[0] % 2]),
                    enumerate(cluster.users),
                )
            )
            seconds = monotonic() - began
        for worker in cluster.workers:
            worker.wait_for(READY)
        copies = Counter(cluster.sms_to(user) for user in cluster.users)
        logs = [worker.log for worker in cluster.all_workers]
        lost = sum(log.count("the server ended during the attempt") for log in logs)
        dropped = Counter(reason for log in logs for reason in re.findall(r": not sent[^:]*: (.*)", log))
    print(f"{log_ins} log-ins in {seconds:.0f} s; killed: {dict(trouble.killed)}")  # noqa: T201  (this is a command)
    print(f"ends: {dict(ends)}")  # noqa: T201  (as above)
    print(f"log-ins by number of SMS: {dict(sorted(copies.items()))}")  # noqa: T201  (as above)
    print(f"attempts that died with their worker, outcome unknown: {lost}")  # noqa: T201  (as above)
    print(f"given up: {dict(dropped)}")  # noqa: T201  (as above)
    further = sum((number - 1) * count for number, count in copies.items() if number > 1)
    is_expected = set(ends) <= {"accepted", "no SMS", "right code refused"}
    is_explained = ends["no SMS"] + further <= lost and ends["right code refused"] <= trouble.killed["Redis"]
    return 0 if is_expected and is_explained else 1


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
