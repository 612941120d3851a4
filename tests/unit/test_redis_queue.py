"""Messages that wait in a Redis for workers: each is taken once, none is lost, and no more wait than may."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.errors import NotNeeded, QueueFull, StoreError
from smsotp_plugin.stores.base import Challenge, ResendRules
from smsotp_plugin.stores.contents import StoreContents
from smsotp_plugin.stores.kept import LeftMessage
from smsotp_plugin.stores.queue import GatewayReport, MessageQueue, QueueView
from smsotp_plugin.stores.redis.contents import write_contents_to_redis
from smsotp_plugin.stores.redis.line import Reply
from smsotp_plugin.stores.redis.link import Command
from tests.support.challenges import RIGHT
from tests.support.moved_clock import MovedClock
from tests.support.parcels import SomeParcel, begin, begin_attempt
from tests.support.queue_process import NOW, STREAM, WORKERS, Process, die, node, notify, put, workers
from tests.support.redis import Redis, somebody

__all__ = ["node", "workers"]


def test_each_message_is_taken_by_one_worker(node: Process, workers: list[Process], redis: Redis) -> None:
    kept = [begin(node.store, somebody()) for _ in range(6)]
    waiting = node.queue.look().waiting
    taken = [workers[place].queue.take(3) for place in (0, 1)]
    first = SomeParcel(kept[0]).seal()

    assert waiting == 6
    assert [len(some) for some in taken] == [3, 3]
    assert [each.message.state for some in taken for each in some] == [each.state for each in kept]
    assert (taken[0][0].message, taken[0][0].is_needed, taken[0][0].may_have_it) == (first, True, frozenset())
    assert node.queue.look().waiting == redis.ask("XLEN", STREAM) == 0
    assert workers[0].queue.take(3) == []


def test_what_the_server_has_kept_is_not_its_own_but_waits(node: Process, redis: Redis) -> None:
    new = begin(node.store, somebody())
    node.close()

    assert redis.ask("HGET", f"{{smsotp}}:message:{new.state}:0", "owner") == ""
    assert redis.ask("XLEN", STREAM) == 1


def test_a_full_queue_takes_no_log_in_and_no_further_sms_and_changes_nothing(
    server: RedisServer, redis: Redis
) -> None:
    node = Process(server, most=1)
    new, late = begin(node.store, somebody()), somebody()
    with pytest.raises(QueueFull, match=r"dispatch\.queue"):
        begin(node.store, late)
    with pytest.raises(QueueFull):
        node.store.resend(new.state, "bob", NOW(), ResendRules(1, 0), SomeParcel(new))
    same = begin(node.store, replace(somebody(), login=new.login))
    notify(node)
    node.close()

    assert redis.ask("EXISTS", f"{{smsotp}}:challenge:{late.state}") == 0
    assert (same.state, same.resends) == (new.state, 0)
    assert redis.ask("XLEN", STREAM) == 1


def test_what_a_dead_worker_had_taken_belongs_to_the_next_one_with_where_it_may_be(
    node: Process, workers: list[Process], redis: Redis
) -> None:
    begun, waiting = begin(node.store, somebody()), begin(node.store, somebody())
    dead, heir = workers
    dead.queue.take(5)
    begin_attempt(dead.store, begun.state, "mock")
    die(redis, dead)
    taken = {each.message.state: each for each in heir.store.take_over(NOW())}

    assert set(taken) == {begun.state, waiting.state}
    assert taken[begun.state].may_have_it == {"mock"}
    assert taken[waiting.state].may_have_it == frozenset()
    assert heir.store.take_over(NOW()) == []


DAMAGES = [
    ("HDEL", "message:{}:0", "sealed"),
    ("HSET", "message:{}:0", "expires", "soon"),
    ("HSET", "message:{}:0", "deaths", "many"),
    ("SET", "message:{}:0", "no hash"),
    ("SET", "challenge:{}", "no hash"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_message_costs_no_other_that_is_taken_or_taken_over_with_it(
    node: Process,
    workers: list[Process],
    redis: Redis,
    damage: Sequence[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    dead, heir = workers
    states = [begin(node.store, somebody()).state for _ in range(3)]
    command, key, *words = damage
    redis.ask(command, "{smsotp}:" + key.format(states[1]), *words)
    taken = {each.message.state for each in dead.queue.take(5)}
    die(redis, dead)
    taken_over = {each.message.state for each in heir.store.take_over(NOW())}

    assert taken == taken_over == {states[0], states[2]}
    assert (
        "SMS that are not sent because they are damaged in Redis, or somebody else has changed them there: 1"
        in caplog.text
    )


def test_deaths_are_counted_and_partings_are_not(node: Process, server: RedisServer, redis: Redis) -> None:
    begin(node.store, somebody())
    first = Process(server)
    first.queue.take(1)
    counted = [first.queue.take(1)[0].deaths]
    first.close()
    heirs: list[Process] = []
    for _ in range(3):
        heirs.append(Process(server))
        counted += [each.deaths for each in heirs[-1].store.take_over(NOW())]
        die(redis, heirs[-1])
    for heir in heirs:
        heir.close()

    assert counted == [0, 0, 1, 2]


def test_what_was_handed_to_a_reader_that_took_nothing_is_claimed(
    node: Process, workers: list[Process], redis: Redis
) -> None:
    new = begin(node.store, somebody())
    ((_, entries),) = redis.ask("XREADGROUP", "GROUP", "workers", "dead", "COUNT", 1, "STREAMS", STREAM, ">")
    ((number, _),) = entries
    at_once = workers[0].queue.take_lost()
    # As if two seconds had passed.
    redis.ask("XCLAIM", STREAM, "workers", "dead", 0, number, "IDLE", 2001)
    claimed = workers[0].queue.take_lost()

    assert at_once == []
    assert [each.message.state for each in claimed] == [new.state]
    assert redis.ask("XLEN", STREAM) == 0


def test_of_readers_that_are_gone_only_those_are_forgotten_to_whom_nothing_was_handed(tmp_path: Path) -> None:
    clock = MovedClock(tmp_path / "clock")
    with ExitStack() as rest:
        server = rest.enter_context(RedisServer(tmp_path / "redis", run_by=clock.run_by))
        redis, node, worker = Redis(server.port), Process(server), Process(server)
        for each in (redis, node, worker):
            rest.callback(each.close)
        worker.queue.take(1)
        begin(node.store, somebody())
        redis.ask("XREADGROUP", "GROUP", "workers", "dead", "COUNT", 1, "STREAMS", STREAM, ">")
        redis.ask("XGROUP", "CREATECONSUMER", STREAM, "workers", "gone")
        left = []
        for ahead in (0, 59, 61):
            clock.move(ahead)
            worker.queue.report({})
            readers = redis.ask("XINFO", "CONSUMERS", STREAM, "workers")
            left.append({reader[1] for reader in readers} & {"dead", "gone"})

    assert left == [{"dead", "gone"}, {"dead", "gone"}, {"dead"}]


def test_what_waited_too_long_is_not_needed(node: Process, workers: list[Process]) -> None:
    old = somebody()
    begin(node.store, replace(old, created=NOW() - 299.9, expires=NOW() + 0.05))
    used = begin(node.store, somebody())
    node.store.answer(used.state, "bob", RIGHT, NOW())
    late = begin(node.store, replace(somebody(), login="f" * 32, created=NOW()))
    needed = {each.message.state: each.is_needed for each in workers[0].queue.take(5)}

    assert needed[used.state] is False
    assert needed[late.state] is True
    assert len(needed) == 3


def test_no_gateway_gets_what_belongs_to_a_log_in_that_is_over(node: Process, workers: list[Process]) -> None:
    used, resent, open_ = (begin(node.store, somebody()) for _ in range(3))
    workers[0].queue.take(5)
    node.store.answer(used.state, "bob", RIGHT, NOW())
    node.store.resend(resent.state, "bob", NOW(), ResendRules(1, 0), SomeParcel(resent))
    for over in (used, resent):
        with pytest.raises(NotNeeded):
            begin_attempt(workers[0].store, over.state, "mock")

    begin_attempt(workers[0].store, open_.state, "mock")


def test_a_notification_is_the_workers_that_takes_it_then_the_next_ones_and_is_forgotten(
    node: Process, workers: list[Process], redis: Redis
) -> None:
    begun, waiting = notify(node), notify(node)
    dead, heir = workers
    taken = dead.queue.take(5)
    begin_attempt(dead.store, begun.state, "mock")
    die(redis, dead)
    left = {each.message.state: each for each in heir.store.take_over(NOW())}
    with pytest.raises(StoreError, match="taken this one for dead"):
        begin_attempt(dead.store, waiting.state, "mock")
    begin_attempt(heir.store, waiting.state, "mock")
    for each in (begun, waiting):
        heir.store.forget_message(each.state, 0)
    heir.store.flush()

    assert [(each.message, each.is_needed) for each in taken] == [(begun, True), (waiting, True)]
    assert left[begun.state] == LeftMessage(begun, is_needed=True, may_have_it=frozenset({"mock"}))
    assert left[waiting.state] == LeftMessage(waiting, is_needed=True, may_have_it=frozenset())
    assert redis.ask("KEYS", "{smsotp}:message*") == []


def test_no_gateway_gets_a_notification_after_its_end_or_of_which_nothing_is_kept(
    node: Process, workers: list[Process], redis: Redis
) -> None:
    old, lost = notify(node, seconds=-1.0), notify(node)
    needed = {each.message.state: each.is_needed for each in workers[0].queue.take(5)}
    redis.ask("DEL", f"{{smsotp}}:message:{lost.state}:0")
    for each in (old, lost):
        with pytest.raises(NotNeeded):
            begin_attempt(workers[0].store, each.state, "mock")

    assert needed == {old.state: False, lost.state: True}


def test_what_workers_report_is_seen_while_they_live(
    node: Process, workers: list[Process], redis: Redis
) -> None:
    reports = {"mock": GatewayReport("dead", 5.0, may_hope=True), "other": GatewayReport("alive")}
    workers[0].queue.report(reports)
    workers[1].queue.report({"mock": GatewayReport("alive")})
    seen = node.queue.look()
    workers[1].queue.leave()
    one_left = node.queue.look()
    old = f"{NOW() - 3.1} {json.dumps({})}"
    redis.ask("HSET", WORKERS, workers[0].owner, old)
    none = node.queue.look()

    assert sorted(map(len, seen.workers)) == [1, 2]
    assert one_left == QueueView(0, (reports,))
    assert none == QueueView(0, ())


@pytest.mark.parametrize("ask", [lambda queue: queue.take(1), lambda queue: queue.take_lost()])
def test_a_redis_that_has_lost_the_group_gets_it_again(
    node: Process, workers: list[Process], redis: Redis, ask: Callable[[MessageQueue], Sequence[LeftMessage]]
) -> None:
    redis.ask("FLUSHALL")
    new: Challenge = begin(node.store, somebody())
    made = ask(workers[0].queue)

    assert made == []
    assert [each.message.state for each in workers[0].queue.take(1)] == [new.state]


def test_two_workers_may_make_the_group_at_the_same_time(
    node: Process, workers: list[Process], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = workers
    run_all = first.store._scripts.run_all

    def be_second(commands: Sequence[Command]) -> list[Reply]:
        if commands[0].words[0] == "XGROUP":
            second.queue.take(1)
        return run_all(commands)

    monkeypatch.setattr(first.store._scripts, "run_all", be_second)
    redis.ask("FLUSHALL")
    new = begin(node.store, somebody())
    made = first.queue.take(1)

    assert made == []
    assert [each.message.state for each in first.queue.take(1)] == [new.state]


def test_a_group_that_cannot_be_made_is_an_error_and_not_an_empty_queue(
    workers: list[Process], redis: Redis
) -> None:
    redis.ask("FLUSHALL")
    redis.ask("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(StoreError, match="OOM"):
            workers[0].queue.take(1)
    finally:
        redis.ask("CONFIG", "SET", "maxmemory", "0")


def test_an_entry_that_is_gone_from_an_earlier_redis_costs_no_other(
    node: Process, workers: list[Process], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis 6.2 answers XAUTOCLAIM with nothing in its place."""
    new = begin(node.store, somebody())
    ((_, ((number, _),)),) = redis.ask(
        "XREADGROUP", "GROUP", "workers", "dead", "COUNT", 1, "STREAMS", STREAM, ">"
    )
    redis.ask("XCLAIM", STREAM, "workers", "dead", 0, number, "IDLE", 2001)
    run_all = workers[0].store._scripts.run_all

    def answer_as_6_2(commands: Sequence[Command]) -> list[Reply]:
        (reply,) = run_all(commands)
        start, entries, *_ = cast("list[list[Reply]]", reply)
        return [[start, [None, *entries]]]

    monkeypatch.setattr(workers[0].store._scripts, "run_all", answer_as_6_2)

    assert [each.message.state for each in workers[0].queue.take_lost()] == [new.state]


def test_a_first_leg_with_a_queue_is_still_one_round_trip(
    node: Process, workers: list[Process], redis: Redis, tmp_path: Path
) -> None:
    del workers, tmp_path
    put(node.store, "user:a", "number:a", "station:a", "client:a")
    before = redis.ask("INFO", "commandstats")
    put(node.store, "user:b", "number:b", "station:a", "client:a")
    after = redis.ask("INFO", "commandstats")

    assert _calls(after, "evalsha") - _calls(before, "evalsha") == 1
    assert _calls(after, "xadd") - _calls(before, "xadd") == 1


def _calls(stats: str, command: str) -> int:
    return int(stats.partition(f"cmdstat_{command}:calls=")[2].partition(",")[0] or 0)


def test_a_redis_at_which_only_workers_have_been_counts_as_empty(workers: list[Process]) -> None:
    workers[0].queue.report({})
    workers[0].store.flush()
    write_contents_to_redis(workers[0].store._scripts, StoreContents(), 3600.0)


def test_a_worker_that_is_unblocked_with_an_error_has_lost_nothing_and_goes_on(
    node: Process, workers: list[Process], redis: Redis
) -> None:
    """An administrator does that (CLIENT UNBLOCK), and so does a failover to each client that waits."""

    def take() -> str:
        while True:
            try:
                workers[0].queue.take(1)
            except StoreError as exc:
                return str(exc)

    with ThreadPoolExecutor() as pool:
        taking = pool.submit(take)
        while not taking.done():
            for client in redis.ask("CLIENT", "LIST").splitlines():
                if "flags=b " in client:
                    redis.ask("CLIENT", "UNBLOCK", client.partition("id=")[2].partition(" ")[0], "ERROR")
    new = begin(node.store, somebody())
    taken = workers[0].queue.take(1)

    assert taking.result().startswith("Redis refuses: UNBLOCKED ")
    assert [each.message.state for each in taken] == [new.state]
