"""Processes that are behind without knowing it spend by the time of the others: nobody gets another SMS through them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.errors import OverBudget, StoreError
from smsotp_plugin.stores.redis.store import RedisStore
from tests.contracts.budget_contract import HOUR, RULES, how_it_ended, log_in
from tests.support.challenges import DAY, WINDOW
from tests.support.clock import FakeClock, Waits
from tests.support.redis import Redis, fill_settings, once

Opener = Callable[[FakeClock], RedisStore]
BOB_IS_REFUSED = "per_user 3/10m"


@pytest.fixture
def real() -> FakeClock:
    """Give the real time, which Redis has too."""
    return FakeClock(waits=Waits.NOT_AT_ALL)


@pytest.fixture
def opened(server: RedisServer, redis: Redis, real: FakeClock) -> Iterator[Opener]:
    """Give a function that opens a store of a process with a clock of its own."""
    del redis
    with ExitStack() as rest:

        def opened(own: FakeClock) -> RedisStore:
            settings = fill_settings(server.url)
            store = RedisStore(settings, WINDOW, DAY, own, RULES, turn=real.time, limit=20.0)
            rest.callback(store.close)
            return store

        yield opened


def wait(seconds: int, clocks: list[FakeClock], stores: list[RedisStore]) -> None:
    """Let time pass, in which each store does what it does once a second."""
    for _ in range(seconds):
        for clock in clocks:
            clock.advance(1)
        for store in stores:
            store._keep_house()


def test_a_machine_that_stood_still_gives_nobody_another_sms(opened: Opener, real: FakeClock) -> None:
    own = FakeClock(waits=Waits.NOT_AT_ALL)
    going, standing = opened(real), opened(own)
    wait(2, [real, own], [going, standing])
    real.advance(HOUR)
    wait(2, [real], [going])
    for _ in range(3):
        log_in(going, real)
    # It has not yet heard from Redis since.
    refused = how_it_ended(lambda: log_in(standing, own))
    wait(1, [real, own], [standing])

    assert refused == BOB_IS_REFUSED
    assert how_it_ended(lambda: log_in(going, real)) == BOB_IS_REFUSED
    assert how_it_ended(lambda: log_in(standing, own)) == BOB_IS_REFUSED


@pytest.mark.parametrize("off", [-DAY, -2 * HOUR, 2 * HOUR])
def test_a_server_with_another_time_that_has_only_just_reached_redis_gives_nobody_another_sms(
    opened: Opener, redis: Redis, real: FakeClock, off: float
) -> None:
    own = FakeClock(waits=Waits.NOT_AT_ALL)
    own.set_by(off)
    going = opened(real)
    wait(2, [real], [going])
    for _ in range(3):
        log_in(going, real)
    redis.ask("CONFIG", "SET", "maxmemory", "1")
    late = opened(own)
    with suppress(StoreError):
        log_in(late, own)
    redis.ask("CONFIG", "SET", "maxmemory", "0")

    def refuse() -> float:
        with pytest.raises(OverBudget) as refused:
            log_in(late, own)
        return refused.value.wait

    assert 590 < once(refuse, clock=own) <= 600
    assert how_it_ended(lambda: log_in(going, real)) == BOB_IS_REFUSED
