"""A Redis that is gone, hangs, is slow or forgets: log-ins are refused quickly, and go on when it is back."""

from collections.abc import Callable

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.kept import Attempt
from smsotp_plugin.stores.redis.link import LIMIT, NotAnswered
from smsotp_plugin.stores.redis.store import RedisStore
from tests.support.challenges import RIGHT, at_once
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import begin, begin_attempt
from tests.support.redis import Redis, once, open_store, somebody
from tests.support.redis_peer import Peer, close, hang, opened, server

__all__ = ["opened", "server"]


def test_who_comes_after_a_failure_is_refused_at_once_and_one_a_second_tries() -> None:
    clock = FakeClock(waits=Waits.NOT_AT_ALL)
    with Peer(hang) as peer:
        store = open_store(peer.url, clock, limit=LIMIT)
        assert peer.taken == 1
        for taken in (1, 2, 3):
            ended = at_once_raising(lambda: store.find("0" * 32, "bob"))
            assert (ended, peer.taken) == ({"NotAnswered"}, taken)
            clock.advance(1.0)
        store._gatherer.stop()


def at_once_raising(call: Callable[[], object]) -> set[str]:
    """Return the names of what a call raises in many threads."""
    raised: set[str] = set()

    def run() -> None:
        try:
            call()
        except StoreError as exc:
            raised.add(type(exc).__name__)

    at_once(run)
    return raised


def test_log_ins_go_on_when_a_redis_is_back_with_a_few_connections(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    store = opened(server, clock := FakeClock(waits=Waits.NOT_AT_ALL))
    begin(store, somebody())
    server.kill()
    with pytest.raises(NotAnswered):
        begin(store, somebody())
    server.start()
    once(lambda: begin(store, somebody()), clock=clock)
    at_once(lambda: begin(store, somebody()))

    redis = Redis(server.port)
    clients = redis.ask("INFO", "clients")
    redis.close()
    assert int(clients.partition("connected_clients:")[2].split()[0]) <= 60


def test_a_start_waits_for_no_redis_and_uses_it_when_it_comes(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    server.kill()
    store = opened(server, clock := FakeClock(waits=Waits.NOT_AT_ALL))
    with pytest.raises(NotAnswered):
        store.find_same("l", SystemClock().time())
    server.start()

    new = somebody()
    assert once(lambda: begin(store, new), clock=clock) == new


def test_a_connection_that_redis_closed_is_replaced_and_nobody_notices(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    store, redis = opened(server), Redis(server.port)
    for _ in range(20):
        begin(store, somebody())
        assert redis.ask("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal") >= 1
    redis.close()


def test_a_redis_that_has_forgotten_the_scripts_is_told_them(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    store, redis = opened(server), Redis(server.port)
    new = begin(store, somebody())
    redis.ask("SCRIPT", "FLUSH")
    redis.close()

    assert store.answer(new.state, "bob", RIGHT, SystemClock().time()) == new


def test_where_no_attempt_is_noted_because_redis_has_become_a_replica_the_right_one_is_looked_for(
    server: RedisServer,
) -> None:
    store, redis = open_store(server.url), Redis(server.port)
    states = [begin(store, somebody()).state for _ in range(3)]
    before = store._scripts.generation
    redis.ask("REPLICAOF", "127.0.0.1", "1")
    try:
        problems = store.begin_attempts([Attempt(state, 0, "gtx") for state in states])
    finally:
        redis.ask("REPLICAOF", "NO", "ONE")
        redis.close()
        close(store)

    assert ["READONLY" in str(problem) for problem in problems] == [True] * 3
    assert store._scripts.generation > before


def test_what_redis_refuses_is_an_error_that_repeats_nothing(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    store, redis = opened(server), Redis(server.port)
    redis.ask("CONFIG", "SET", "maxmemory", "1")
    redis.close()
    new = somebody()

    with pytest.raises(StoreError, match=r"^Redis refuses: .*maxmemory") as refused:
        begin(store, new)
    assert new.state not in str(refused.value)


def test_a_server_that_was_taken_for_dead_sends_nothing_that_another_one_has_taken_over(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    cut_off, other = opened(server), opened(server)
    new = begin(cut_off, somebody())
    cut_off._scripts.ask("ZADD", 1, cut_off._messages.owner, key="owners")
    taken = other.take_over(SystemClock().time())
    with pytest.raises(StoreError, match="taken this one for dead"):
        begin_attempt(cut_off, new.state, "gtx")
    cut_off.mark_undelivered(new.state, 0, "not sent")
    cut_off.forget_message(new.state, 0)
    cut_off.flush()
    begin_attempt(other, new.state, "gtx")

    assert [each.message.state for each in taken] == [new.state]
    assert other.find(new.state, "bob").undelivered == ""
    assert other._scripts.ask("EXISTS", key=f"message:{new.state}:0") == 1


def test_nobody_is_taken_for_dead_because_redis_was_away(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    one, other = opened(server), opened(server)
    begin(one, somebody())
    for store in (one, other):
        # As after a minute in which nobody could say that it lives.
        one._scripts.ask("ZADD", 2, store._messages.owner, key="owners")

    assert other.take_over(SystemClock().time()) == []
    assert one.take_over(SystemClock().time()) == []
