"""What nobody waits for is written to Redis in few commands, and one thing that is damaged costs no other."""

import logging
from collections.abc import Iterator

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind, Wanted
from smsotp_plugin.stores.kept import Attempt
from smsotp_plugin.stores.redis.store import RedisStore
from smsotp_plugin.stores.schemes import read_trace
from tests.support.parcels import begin, begin_attempt
from tests.support.redis import Monitor, Redis, fill_settings, open_store, somebody

PREFIX = "{smsotp}:"


@pytest.fixture
def store(server: RedisServer, redis: Redis) -> Iterator[RedisStore]:
    del redis
    store = open_store(server.url)
    # What it does at its time is done here when asked for.
    store._gatherer.stop()
    yield store
    store.close()


def event(reference: str, kind: EventKind, detail: str = "") -> DeliveryEvent:
    return DeliveryEvent(
        reference, SystemClock().time(), kind, user="bob", number_hash="n" * 32, detail=detail
    )


def trace(server: RedisServer, reference: str) -> list[tuple[EventKind, str]]:
    events = read_trace(fill_settings(server.url), Wanted(reference=reference), 10)
    return [(each.kind, each.detail) for each in events]


def test_lines_and_messages_that_have_ended_are_written_by_one_command_each(
    store: RedisStore, server: RedisServer, redis: Redis
) -> None:
    states = [begin(store, somebody()).state for _ in range(3)]
    store._catch_up()
    monitor = Monitor(server.port)
    for state in states:
        store.record(event(state[-8:], EventKind.ASKED))
        store.record(event(state[-8:], EventKind.ATTEMPT, "its id 7"))
        store.forget_message(state, 0)
    store._catch_up()
    sent = monitor.scripts()
    monitor.close()

    assert sent == ["record", "forget_messages"]
    assert [trace(server, state[-8:]) for state in states] == [
        [(EventKind.ASKED, ""), (EventKind.ATTEMPT, "its id 7")]
    ] * 3
    assert redis.ask("EXISTS", *(f"{PREFIX}message:{state}:0" for state in states)) == 0
    assert redis.ask("SCARD", f"{PREFIX}messages:{store._messages.owner}") == 0


def test_a_damaged_line_costs_no_other_and_is_told_of(
    store: RedisStore, server: RedisServer, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    redis.ask("SET", f"{PREFIX}events:damaged0", "no list")
    for reference in ("before00", "damaged0", "after000"):
        store.record(event(reference, EventKind.ASKED))
    with caplog.at_level(logging.ERROR):
        store._catch_up()

    assert trace(server, "before00") == trace(server, "after000") == [(EventKind.ASKED, "")]
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("something could not be written to Redis: WRONGTYPE")


def test_a_damaged_message_costs_no_other_and_is_told_of(
    store: RedisStore, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    states = [begin(store, somebody()).state for _ in range(3)]
    keys = [f"{PREFIX}message:{state}:0" for state in states]
    redis.ask("SET", keys[1], "no hash")
    for state in states:
        store.forget_message(state, 0)
    with caplog.at_level(logging.ERROR):
        store._catch_up()

    assert [redis.ask("EXISTS", key) for key in keys] == [0, 1, 0]
    assert [message.partition(" Op")[0] for message in caplog.messages] == [
        "something could not be written to Redis: WRONGTYPE"
    ]


def test_a_damaged_message_keeps_no_other_from_its_gateway(store: RedisStore, redis: Redis) -> None:
    states = [begin(store, somebody()).state for _ in range(3)]
    redis.ask("SET", f"{PREFIX}message:{states[1]}:0", "no hash")
    problems = store.begin_attempts([Attempt(state, 0, "gtx") for state in states])

    assert [problem and str(problem).partition(" Op")[0] for problem in problems] == [
        None,
        "Redis refuses: WRONGTYPE",
        None,
    ]


def test_attempts_that_a_full_redis_does_not_note_say_why(store: RedisStore, redis: Redis) -> None:
    states = [begin(store, somebody()).state for _ in range(3)]
    redis.ask("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(StoreError, match=r"^Redis refuses: .*maxmemory"):
            store.begin_attempts([Attempt(state, 0, "gtx") for state in states])
    finally:
        redis.ask("CONFIG", "SET", "maxmemory", "0")


def test_nothing_is_remembered_of_an_attempt_that_ends_after_its_message(store: RedisStore) -> None:
    state = begin(store, somebody()).state
    store.forget_message(state, 0)
    begin_attempt(store, state, "gtx")
    store.end_attempt(state, 0, "gtx")

    assert store._messages._begun == {}
