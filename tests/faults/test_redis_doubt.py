"""Whether Redis has done what it was asked for is in doubt: what was kept is sent, once, and nothing else is."""

from dataclasses import replace

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.stores.base import Challenge, ResendRules
from smsotp_plugin.stores.redis.link import LIMIT, NotAnswered
from smsotp_plugin.stores.redis.store import RedisStore
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import SomeParcel, begin, told_by
from tests.support.redis import Redis, once, open_store, somebody
from tests.support.redis_peer import Proxy, behind, leave, server

__all__ = ["behind", "server"]


def test_a_challenge_whose_keeping_was_in_doubt_gets_its_sms_when_redis_answers(server: RedisServer) -> None:
    with Proxy(server.port) as proxy:
        store = open_store(proxy.url, clock := FakeClock(waits=Waits.NOT_AT_ALL), limit=LIMIT)
        begin(store, somebody(clock))
        store.flush()
        told = told_by(store)
        new = somebody(clock)
        proxy.is_silent = True
        with pytest.raises(NotAnswered):
            begin(store, new)
        proxy.is_silent = False
        assert told == []
        once(store.flush, clock=clock)

        assert told == [new.state]
        assert begin(store, replace(new, state="f" * 32)) == new
        assert told == [new.state]
        store.close()


def test_a_message_whose_taking_was_in_doubt_is_found_by_the_worker_and_handed_out_once(
    server: RedisServer, behind: tuple[Proxy, RedisStore, FakeClock]
) -> None:
    proxy, store, clock = behind
    node, redis = open_store(server.url, limit=LIMIT), Redis(server.port)
    node.open_queue(10)
    queue = store.open_queue(10)
    begin(node, somebody())
    # The first time, it makes the group; then Redis gets to know the script.
    for _ in range(2):
        queue.take(1)
    promised = [begin(node, somebody()) for _ in range(3)]
    words = ("XREADGROUP", "GROUP", "workers", store._messages.owner, "COUNT", 2)
    ((_, entries),) = redis.ask(*words, "STREAMS", "{smsotp}:queue", ">")
    proxy.is_silent = True
    with pytest.raises(NotAnswered):
        store._messages.take_from_queue(
            "workers", [word for number, (_, name) in entries for word in (number, name)]
        )
    proxy.is_silent = False
    found = once(queue.take_lost, clock=clock)
    again = [queue.take_lost() for _ in range(4)]
    rest = queue.take(5)
    node.close()
    redis.close()

    assert [each.message.state for each in found] == [each.state for each in promised[:2]]
    assert again == [[]] * 4
    assert [each.message.state for each in rest] == [promised[2].state]


@pytest.mark.parametrize("is_asked_again", [False, True])
def test_a_further_sms_that_was_kept_in_doubt_is_sent_once(
    behind: tuple[Proxy, RedisStore, FakeClock], *, is_asked_again: bool
) -> None:
    proxy, store, clock = behind
    # Redis gets to know the script.
    other = begin(store, somebody(clock))
    store.resend(other.state, "bob", clock.time(), ResendRules(3, 0), SomeParcel(other))
    new = begin(store, somebody(clock))

    def ask(resends: int = 0) -> Challenge:
        parcel = SomeParcel(replace(new, resends=resends))
        return store.resend(new.state, "bob", clock.time(), ResendRules(3, 0), parcel)

    proxy.is_silent = True
    with pytest.raises(NotAnswered):
        ask()
    proxy.is_silent = False
    if is_asked_again:
        once(lambda: ask(resends=1), clock=clock)
    found = [each for _ in range(4) for each in once(lambda: store.take_over(clock.time()), clock=clock)]

    assert [(each.message.state, each.message.resends) for each in found] == [(new.state, 1)]
    assert found[0].is_needed is not is_asked_again


def test_a_further_sms_that_was_not_kept_and_is_asked_for_again_is_sent_once(
    behind: tuple[Proxy, RedisStore, FakeClock],
) -> None:
    _, store, clock = behind
    new = begin(store, somebody(clock))
    # As if Redis had never received it.
    store._messages._unsure._names[f"{new.state}:1"] = 3
    store.resend(new.state, "bob", clock.time(), ResendRules(3, 0), SomeParcel(new))

    assert store.take_over(clock.time()) == []


def test_what_was_taken_over_in_doubt_is_found_and_nothing_else_is(
    server: RedisServer, behind: tuple[Proxy, RedisStore, FakeClock]
) -> None:
    proxy, store, clock = behind
    dead, redis = open_store(server.url, limit=LIMIT), Redis(server.port)
    own = begin(store, somebody())
    left = [begin(dead, somebody()) for _ in range(2)]
    earlier = leave(dead, redis)
    known = store.take_over(clock.time())
    late = open_store(server.url, limit=LIMIT)
    lost = [begin(late, somebody()) for _ in range(2)]
    leave(late, redis)
    proxy.is_silent = True
    with pytest.raises(NotAnswered):
        store.take_over(clock.time())
    proxy.is_silent = False
    found = once(lambda: store.take_over(clock.time()), clock=clock)
    again = [store.take_over(clock.time()) for _ in range(4)]
    redis.close()

    assert earlier
    assert {each.message.state for each in known} == {each.state for each in left}
    assert {each.message.state for each in found} == {each.state for each in lost}
    assert own.state not in {each.message.state for each in found}
    assert again == [[]] * 4


def test_a_challenge_that_was_not_kept_gets_none(server: RedisServer) -> None:
    store = open_store(server.url, limit=LIMIT)
    told = told_by(store)
    store._doubts.add(new := somebody(), SomeParcel(new))
    store.flush()
    store.close()

    assert told == []
