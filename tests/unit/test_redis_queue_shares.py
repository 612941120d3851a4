"""Nobody takes up the queue of a Redis alone: shares, what is told of them, and when they end."""

from collections.abc import Callable

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.dispatch.slots import Slot, Slots
from smsotp_plugin.errors import QueueFull
from smsotp_plugin.stores.base import ResendRules
from smsotp_plugin.stores.person import StoredPerson
from smsotp_plugin.stores.redis.erase import erase_from_redis
from tests.support.parcels import SomeParcel
from tests.support.queue_process import NOW, STREAM, Process, die, node, notify, put, workers
from tests.support.redis import Redis, somebody

__all__ = ["node", "workers"]


def held(redis: Redis) -> dict[str, int]:
    """Return how many messages each holder has on their way."""
    keys = redis.ask("KEYS", "{smsotp}:held:*")
    return {key.removeprefix("{smsotp}:held:"): redis.ask("ZCARD", key) for key in keys}


@pytest.mark.parametrize(
    ("who", "others"),
    [
        (("user:a",), 0),
        (("number:a",), 3),
        (("station:a",), 0),
        (("station:a",), 5),
        (("client:a",), 0),
        (("client:a",), 4),
        (("user:a", "number:b", "station:c", "client:d"), 0),
    ],
)
def test_nobody_gets_more_of_the_queue_than_of_that_of_one_process(
    server: RedisServer, redis: Redis, who: tuple[str, ...], others: int
) -> None:
    del redis
    node, slots = Process(server, most=36), Slots(36)
    kept: list[Slot] = []
    named = dict(holder.split(":") for holder in who)

    def count(take: Callable[[], object]) -> int:
        for number in range(37):
            try:
                take()
            except QueueFull:
                return number
        raise AssertionError("there is no end")

    for _ in range(others):
        put(node.store)
        kept.append(slots.take())
    of_queue = count(lambda: put(node.store, *who))
    of_process = count(lambda: kept.append(slots.take(**named)))
    for_others = put(node.store, "user:z", "number:z", "station:z", "client:z")
    node.close()

    assert of_queue == of_process
    assert for_others.state


def test_a_share_is_told_and_nothing_is_changed(server: RedisServer, redis: Redis) -> None:
    node = Process(server, most=8)
    first, late = put(node.store, "user:a", "station:b"), somebody()
    with pytest.raises(QueueFull, match=r"1 message for this user is on its way already.*dispatch\.queue"):
        node.store.open_challenge(late, SomeParcel(late, holders=("user:a", "station:c")))
    with pytest.raises(QueueFull, match="for this user"):
        node.store.resend(
            first.state, "bob", NOW(), ResendRules(1, 0), SomeParcel(first, holders=("user:a",))
        )
    notify(node, "user:a")
    node.close()

    assert redis.ask("XLEN", STREAM) == 1
    assert redis.ask("EXISTS", f"{{smsotp}}:challenge:{late.state}") == 0
    assert held(redis) == {"user:a": 1, "station:b": 1}


def test_a_share_is_held_until_its_message_has_ended_whoever_ends_it(
    server: RedisServer, workers: list[Process], redis: Redis
) -> None:
    node = Process(server, most=17)
    sent, left = (put(node.store, "user:a", "client:d") for _ in range(2))
    notified = notify(node, "user:b", "client:d")
    before = held(redis)
    taken = workers[0].queue.take(5)
    under_way = held(redis)
    for ended in (sent.state, notified.state):
        workers[0].store.forget_message(ended, 0)
    workers[0].store.flush()
    one_left = held(redis)
    die(redis, workers[0])
    (heir,) = workers[1].store.take_over(NOW())
    # What another one has taken over, nobody else can end.
    workers[0].store.forget_message(left.state, 0)
    workers[0].store.flush()
    taken_over = held(redis)
    workers[1].store.forget_message(left.state, 0)
    workers[1].store.flush()
    node.close()

    assert before == under_way == {"user:a": 2, "user:b": 1, "client:d": 3}
    assert [each.holders for each in taken] == [("user:a", "client:d")] * 2 + [("user:b", "client:d")]
    assert one_left == taken_over == {"user:a": 1, "client:d": 1}
    assert heir.holders == ("user:a", "client:d")
    assert held(redis) == {}


def test_what_nobody_has_ended_is_held_by_nobody_after_its_end(server: RedisServer, redis: Redis) -> None:
    node, key = Process(server, most=8), "{smsotp}:held:user:a"
    put(node.store, "user:a")
    life = redis.ask("PTTL", key)
    (name,) = redis.ask("ZRANGE", key, 0, -1)
    redis.ask("ZADD", key, NOW() - 1, name)
    # Each would be one too many; the second clears away.
    later = put(node.store, "user:a", beginning="f")
    redis.ask("ZADD", key, NOW() - 1, f"{later.state}:0")
    latest = put(node.store, "user:a", beginning="0")
    node.close()

    assert 0 < life <= 301_000
    assert redis.ask("ZRANGE", key, 0, -1) == [f"{latest.state}:0"]


def test_whoever_is_erased_holds_nothing(server: RedisServer, redis: Redis) -> None:
    node = Process(server, most=8)
    gone = put(node.store, "user:a", "station:b")
    erase_from_redis(node.store._scripts, StoredPerson(user="bob"), SystemClock())
    node.close()

    assert redis.ask("EXISTS", f"{{smsotp}}:message:{gone.state}:0") == 0
    assert held(redis) == {}
