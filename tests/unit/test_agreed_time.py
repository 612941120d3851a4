"""Processes that use one Redis agree on a time that nobody sets, whatever becomes of the clock of Redis."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.stores.redis.connect import connect
from smsotp_plugin.stores.redis.steady import SteadyClock
from tests.support.clock import FakeClock, Waits
from tests.support.redis import Redis, fill_settings

HOUR = 3600.0
KEY = "{smsotp}:steady"
#: Seconds.
_CLOSE = 0.01
JUMPS = pytest.mark.parametrize("jump", [-1e6, -HOUR, -10.0, 10.0, HOUR, 1e6])


class Group:
    """Processes at one Redis, and time."""

    def __init__(self, url: str, rest: ExitStack) -> None:
        self.real, self.redis = FakeClock(waits=Waits.NOT_AT_ALL), FakeClock(waits=Waits.NOT_AT_ALL)
        self._settings = fill_settings(url)
        self._rest = rest
        self.members: list[SteadyClock] = []

    def start(self, own: FakeClock | None = None) -> SteadyClock:
        """Start one more process."""
        own = own or self.real
        link, scripts = connect(self._settings, own, turn=self.redis.time, limit=20.0)
        self._rest.callback(link.close)
        started = SteadyClock(scripts, own)
        started.agree()
        self.members.append(started)
        return started

    def wait(self, seconds: int) -> None:
        """Let time pass, in which each process does once a second what it does then."""
        for _ in range(seconds):
            for clock in (self.real, self.redis):
                clock.advance(1)
            for member in self.members:
                member.agree()

    def is_agreed(self, on: FakeClock | None = None) -> bool:
        """Tell whether all of them have the time of one clock, that of the real time if none is named."""
        right = (on or self.real).time()
        return all(abs(each.now() - right) < _CLOSE for each in self.members)


@pytest.fixture
def group(server: RedisServer, redis: Redis) -> Iterator[Group]:
    """Two processes that have agreed for some seconds."""
    del redis
    with ExitStack() as rest:
        group = Group(server.url, rest)
        for _ in range(2):
            group.start()
        group.wait(3)
        yield group


@JUMPS
def test_whoever_starts_after_the_clock_of_redis_was_set_has_the_time_of_the_others(
    group: Group, jump: float
) -> None:
    group.redis.set_by(jump)
    group.wait(1)
    group.start()
    group.wait(3)

    assert group.is_agreed()


@JUMPS
def test_whoever_starts_before_the_others_have_noticed_follows_them(group: Group, jump: float) -> None:
    group.redis.set_by(jump)
    group.start()
    group.wait(1)

    assert group.is_agreed()


@JUMPS
def test_a_clock_that_is_set_again_and_again_changes_nothing(group: Group, jump: float) -> None:
    for _ in range(5):
        group.redis.set_by(jump)
        group.wait(1)
    group.start()

    assert group.is_agreed()


@pytest.mark.parametrize("stood_still", [10, 100])
def test_a_process_that_stood_still_with_its_machine_follows_the_others(
    group: Group, stood_still: int
) -> None:
    own = FakeClock(waits=Waits.NOT_AT_ALL)
    own.advance(group.real.time() - own.time())
    sleeper = group.start(own)
    sleeper.agree()
    group.members.remove(sleeper)
    group.wait(stood_still)
    sleeper.agree()
    group.members.append(sleeper)

    assert group.is_agreed()


@pytest.mark.parametrize(
    "lost",
    [
        "0 0.000000 0.0",
        "1 3600.000000 1.0",
        "no number",
        "9999999999999 1.0 1.0",
        "1 1e999 1.0",
        "2 -nan nan",
    ],
)
def test_a_correction_that_is_lost_or_damaged_is_made_again(group: Group, redis: Redis, lost: str) -> None:
    for _ in range(2):
        group.redis.set_by(-HOUR)
        group.wait(1)
    redis.ask("SET", KEY, lost)
    group.wait(1)
    group.start()

    assert group.is_agreed()


def test_what_somebody_else_has_put_in_its_place_is_replaced(group: Group, redis: Redis) -> None:
    group.redis.set_by(-HOUR)
    group.wait(1)
    redis.ask("DEL", KEY)
    redis.ask("LPUSH", KEY, "no number")
    group.wait(1)
    group.start()

    assert group.is_agreed()


def test_another_redis_that_is_empty_and_has_another_time_changes_nothing(group: Group, redis: Redis) -> None:
    redis.ask("FLUSHALL")
    group.redis.set_by(HOUR)
    group.wait(1)

    assert group.is_agreed()


def test_a_clock_that_drifts_is_followed(group: Group) -> None:
    for _ in range(10):
        group.redis.set_by(0.9)
        group.wait(1)

    assert group.is_agreed(on=group.redis)


def test_an_answer_that_took_long_corrects_nothing(server: RedisServer, redis: Redis) -> None:
    def hang() -> float:
        before = own.time()
        own.advance(delay)
        return before

    own, delay = FakeClock(waits=Waits.NOT_AT_ALL), 0.0
    link, scripts = connect(fill_settings(server.url), own, turn=hang, limit=20.0)
    clock = SteadyClock(scripts, own)
    clock.agree()
    delay = 30.0
    clock.agree()
    link.close()

    assert abs(clock.now() - own.time()) < _CLOSE
    assert redis.ask("GET", KEY).startswith("0 0.000000 ")


def test_what_is_agreed_ends_by_itself(group: Group, redis: Redis) -> None:
    assert group.is_agreed()
    assert 0 < redis.ask("TTL", KEY) <= 400 * 86400
