"""Challenges, and how their answers end, in tests of stores."""

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from smsotp_plugin.errors import ChallengeError
from smsotp_plugin.stores.base import Challenge, ChallengeStore, ResendRules
from tests.support.clock import FakeClock

DAY = 86400.0
WINDOW = 30.0
RESENDS = ResendRules(limit=2, pace=30.0)
TTL = 300.0
RIGHT, WRONG = "a" * 32, "b" * 32
THREADS = 50

_numbers = itertools.count(1)


def challenge(clock: FakeClock, *, login: str = "", user: str = "bob", tries: int = 3) -> Challenge:
    """Return a new challenge, of a log-in of its own unless one is named."""
    state = f"{next(_numbers):032x}"
    return Challenge(
        state=state,
        user=user,
        login=login or state,
        seed="c" * 32,
        seal=RIGHT,
        number="+49 *** **67",
        number_hash="d" * 32,
        created=clock.time(),
        expires=clock.time() + TTL,
        tries_left=tries,
    )


def name_outcome(call: Callable[[], object]) -> str:
    """Return the name of what a call raised, or ``accepted``."""
    try:
        call()
    except ChallengeError as exc:
        return type(exc).__name__
    return "accepted"


def at_once(call: Callable[[], object]) -> Counter[str]:
    """Make the same call in many threads that begin together; return how the calls ended."""
    together = threading.Barrier(THREADS)

    def run() -> str:
        together.wait()
        return name_outcome(call)

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(future.result() for future in [pool.submit(run) for _ in range(THREADS)])


def count_right_answers(store: ChallengeStore, clock: FakeClock, some: list[Challenge]) -> Counter[str]:
    """Return how right answers to some challenges of bob ended."""
    return Counter(
        name_outcome(partial(store.answer, each.state, "bob", RIGHT, clock.time())) for each in some
    )
