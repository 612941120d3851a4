"""Processes that use one Redis agree on a time that nobody sets, whatever becomes of the clock of Redis."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.stores.redis.connect import connect
from smsotp_plugin.stores.redis.steady import SteadyClock
from tests.support.clock import FakeClock, Waits
from tests.support.redis import Redis, fill_settings

HOUR = 3600.0
KEY = "{smsotp}:steady"
JUMPS = pytest.mark.parametrize("jump", [-1e6, -HOUR, -2.0, 2.0, HOUR, 1e6])
Start = Callable[[], SteadyClock]


@pytest.fixture
def own() -> FakeClock:
    """Return the clock of all processes."""
    return FakeClock(waits=Waits.NOT_AT_ALL)


@pytest.fixture
def redis_clock() -> FakeClock:
    return FakeClock(waits=Waits.NOT_AT_ALL)


@pytest.fixture
def start(server: RedisServer, redis: Redis, own: FakeClock, redis_clock: FakeClock) -> Iterator[Start]:
    del redis
    links = ExitStack()

    def start() -> SteadyClock:
        link, scripts = connect(fill_settings(server.url), own, turn=redis_clock.time, limit=20.0)
        links.callback(link.close)
        started = SteadyClock(scripts, own)
        started.agree()
        return started

    with links:
        yield start


def is_agreed(*clocks: SteadyClock, on: float) -> bool:
    return [clock.now() for clock in clocks] == pytest.approx([on] * len(clocks))


@JUMPS
def test_whoever_starts_after_the_clock_of_redis_was_set_has_the_time_of_the_others(
    start: Start, own: FakeClock, redis_clock: FakeClock, jump: float
) -> None:
    first, second = start(), start()
    redis_clock.set_by(jump)
    for clock in (first, second, first, second):
        clock.agree()

    assert is_agreed(first, second, start(), on=own.time())


@JUMPS
def test_whoever_starts_before_the_others_have_noticed_follows_them(
    start: Start, own: FakeClock, redis_clock: FakeClock, jump: float
) -> None:
    first = start()
    redis_clock.set_by(jump)
    late = start()
    for clock in (first, late):
        clock.agree()

    assert is_agreed(first, late, on=own.time())


@JUMPS
def test_a_clock_that_is_set_again_and_again_changes_nothing(
    start: Start, own: FakeClock, redis_clock: FakeClock, jump: float
) -> None:
    clocks = [start() for _ in range(3)]
    for _ in range(5):
        redis_clock.set_by(jump)
        for clock in clocks:
            clock.agree()

    assert is_agreed(*clocks, start(), on=own.time())


@pytest.mark.parametrize(
    "lost", ["0 0.000000", "1 3600.000000", "no number", "9999999999999 1.0", "1 1e999", "2 -nan"]
)
def test_a_correction_that_is_lost_or_damaged_is_made_again(
    start: Start, redis: Redis, own: FakeClock, redis_clock: FakeClock, lost: str
) -> None:
    clocks = [start() for _ in range(2)]
    for _ in range(2):
        redis_clock.set_by(-HOUR)
        for clock in clocks:
            clock.agree()
    redis.ask("SET", KEY, lost)
    for clock in clocks:
        clock.agree()

    assert is_agreed(*clocks, start(), on=own.time())


def test_another_redis_that_is_empty_and_has_another_time_changes_nothing(
    start: Start, redis: Redis, own: FakeClock, redis_clock: FakeClock
) -> None:
    clocks = [start() for _ in range(2)]
    redis.ask("FLUSHALL")
    redis_clock.set_by(HOUR)
    for clock in clocks:
        clock.agree()

    assert is_agreed(*clocks, start(), on=own.time())


def test_a_clock_that_drifts_is_followed(start: Start, redis: Redis, redis_clock: FakeClock) -> None:
    clock = start()
    for _ in range(10):
        redis_clock.set_by(0.9)
        clock.agree()

    assert is_agreed(clock, on=redis_clock.time())
    assert redis.ask("EXISTS", KEY) == 0


def test_an_answer_that_took_long_corrects_nothing(server: RedisServer, redis: Redis, own: FakeClock) -> None:
    def hang() -> float:
        before = own.time()
        own.advance(delay)
        return before

    delay = 0.0
    link, scripts = connect(fill_settings(server.url), own, turn=hang, limit=20.0)
    clock = SteadyClock(scripts, own)
    clock.agree()
    delay = 30.0
    clock.agree()
    link.close()

    assert is_agreed(clock, on=own.time())
    assert redis.ask("EXISTS", KEY) == 0


def test_what_is_agreed_ends_by_itself(start: Start, redis: Redis, redis_clock: FakeClock) -> None:
    clock = start()
    redis_clock.set_by(HOUR)
    clock.agree()

    assert 0 < redis.ask("TTL", KEY) <= 400 * 86400
