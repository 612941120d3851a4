"""What waits in a Redis is sent by workers, once, whichever of them dies or is cut off from a gateway."""

import logging
from collections.abc import Iterator

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import AuthFailed, ConnectFailed, Outcome
from smsotp_plugin.settings.sections.dispatch import OnUnknown
from smsotp_plugin.stores.queue import WORKER_LIFE, GatewayReport, MessageQueue
from tests.support.parcels import begin_attempt
from tests.support.redis import Redis, open_store, somebody
from tests.support.worker_process import BOB, Node, WorkerProcess, compose

pytestmark = pytest.mark.usefixtures("redis")


def test_what_waits_is_sent_once_and_forgotten(server: RedisServer, redis: Redis) -> None:
    node = Node(server)
    promised = [node.promise() for _ in range(3)]
    given = WorkerProcess(server).work()
    node.store.close()

    assert sorted(given) == sorted(each.state[-8:] for each in promised)
    assert redis.ask("KEYS", "{smsotp}:message:*") == []


def test_a_notification_goes_the_same_way(server: RedisServer) -> None:
    node, other = Node(server), open_store(server.url)
    other.open_queue(10).report({"first": GatewayReport("alive"), "second": GatewayReport("alive")})
    node.view.refresh()
    node.outbox.submit(compose("", somebody().expires), node.outbox.plan(BOB))
    node.store.flush()
    worker = WorkerProcess(server)
    given = worker.work()
    for store in (node.store, other):
        store.close()

    assert given == ["notified"]
    assert worker.outcomes == {"notified": Outcome.ACCEPTED}


def test_what_is_over_when_its_turn_comes_is_sent_by_nobody(server: RedisServer) -> None:
    node = Node(server)
    first = node.promise()
    worker = WorkerProcess(server)
    worker.queue.take(1)
    taken = worker.queue.take(1)
    node.store.answer(first.state, "bob", first.seal, first.created)
    worker.dispatcher.start()
    worker.takeover.hand_over(taken)
    worker.dispatcher.stop(60)
    worker.store.close()
    node.store.close()

    assert [gateway.given for gateway in worker.gateways] == [[], []]
    assert worker.outcomes == {first.state[-8:]: Outcome.NOT_NEEDED}


def test_what_three_workers_died_of_is_given_up(
    server: RedisServer, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    node = Node(server)
    poison = node.promise()
    redis.ask("HSET", f"{{smsotp}}:message:{poison.state}:0", "deaths", 3)
    given = WorkerProcess(server).work()
    node.store.close()

    assert given == []
    assert f"message {poison.state[-8:]}: not sent: 3 processes have died that had it" in caplog.text
    assert redis.ask("KEYS", "{smsotp}:message:*") == []


class DeadWorker:
    """
    A worker that has taken what a server had promised, and died; another worker lives.

    Args:
        server: Redis.
        redis: The same.
        kind: ``code`` or ``notification``.
        begun: The gateway that it had begun with, if any.
    """

    def __init__(self, server: RedisServer, redis: Redis, kind: str, begun: str = "") -> None:
        node, worker, other = Node(server), WorkerProcess(server), open_store(server.url)
        other.open_queue(10).report({"first": GatewayReport("alive"), "second": GatewayReport("alive")})
        # It makes the group.
        worker.queue.take(1)
        self.stores = [node.store, worker.store, other]
        if kind == "code":
            self.reference = node.promise().state[-8:]
        else:
            node.view.refresh()
            node.outbox.submit(compose("", somebody().expires), node.outbox.plan(BOB))
            node.store.flush()
            self.reference = "notified"
        (taken,) = worker.queue.take(1)
        if begun:
            begin_attempt(worker.store, taken.message.state, begun)
        redis.ask("ZADD", "{smsotp}:owners", 1, worker.store._messages.owner)

    def close(self) -> None:
        for store in self.stores:
            store.close()


@pytest.mark.parametrize("kind", ["code", "notification"])
@pytest.mark.parametrize(
    ("begun", "on_unknown", "sent_by"),
    [
        ("", OnUnknown.STOP, "first"),
        ("first", OnUnknown.NEXT, "second"),
        ("first", OnUnknown.STOP, "nobody"),
    ],
)
def test_what_a_dead_worker_had_is_sent_once_by_one_that_is_not_alone_at_once(
    server: RedisServer, redis: Redis, kind: str, begun: str, *, on_unknown: OnUnknown, sent_by: str
) -> None:
    dead = DeadWorker(server, redis, kind, begun)
    heir = WorkerProcess(server, on_unknown)
    heir.dispatcher.start()
    heir.intake.look_around()
    for _ in range(2):
        heir.intake._go_round()
    heir.dispatcher.stop(60)
    heir.store.close()
    dead.close()

    assert {gateway.context.name: gateway.given for gateway in heir.gateways if gateway.given} == (
        {} if sent_by == "nobody" else {sent_by: [dead.reference]}
    )
    assert list(heir.outcomes) == [dead.reference]
    assert redis.ask("KEYS", "{smsotp}:message*") == []


def test_a_worker_that_finds_no_other_lets_them_say_that_they_live(server: RedisServer, redis: Redis) -> None:
    node = Node(server)
    promised = node.promise()
    dead = WorkerProcess(server)
    dead.queue.take(1)
    dead.queue.take(1)
    redis.ask("ZADD", "{smsotp}:owners", 1, dead.store._messages.owner)
    heir = WorkerProcess(server)
    heir.dispatcher.start()
    room = heir.dispatcher.room()
    heir.intake.look_around()
    heir.intake._go_round()
    # What it had taken over would take up room until a gateway has it.
    at_once = (heir.dispatcher.room() - room, [*heir.gateways[0].given])
    heir.clock.advance(WORKER_LIFE)
    heir.intake._go_round()
    heir.dispatcher.stop(60)
    for store in (heir.store, dead.store, node.store):
        store.close()

    assert at_once == (0, [])
    assert heir.gateways[0].given == [promised.state[-8:]]


def test_what_a_worker_has_for_a_gateway_that_it_is_cut_off_from_goes_through_another_one_or_ends(
    server: RedisServer,
) -> None:
    def fail() -> None:
        raise ConnectFailed("No route to host")

    node, worker = Node(server), WorkerProcess(server, first=fail)
    for_one, for_both = node.promise("first"), node.promise()
    worker.work()
    node.store.close()

    assert worker.gateways[1].given == [for_both.state[-8:]]
    assert worker.outcomes == {
        for_one.state[-8:]: Outcome.NOT_SENT,
        for_both.state[-8:]: Outcome.ACCEPTED,
    }


def refuse_account() -> None:
    raise AuthFailed("401")


@pytest.fixture
def outdone(server: RedisServer) -> Iterator[tuple[Node, WorkerProcess, MessageQueue]]:
    """Give a server, a worker that has found its first gateway dead, and the queue of another worker."""
    node, other = Node(server), open_store(server.url)
    worker = WorkerProcess(server, first=refuse_account)
    worker.dispatcher.start()
    # It makes the group.
    worker.intake._take()
    node.promise()
    worker.intake._take()
    worker.settle()
    yield node, worker, other.open_queue(10)
    worker.dispatcher.stop(60)
    for store in (worker.store, node.store, other):
        store.close()


def test_a_worker_leaves_messages_to_one_that_can_use_more_gateways_and_takes_them_where_none_can(
    outdone: tuple[Node, WorkerProcess, MessageQueue], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "smsotp.dispatch")
    node, worker, other = outdone
    waiting = node.promise()
    alive = GatewayReport("alive")
    other.report({"first": alive, "second": alive})
    for _ in range(3):
        worker.intake._go_round()
    left = worker.intake._take()
    other.report({"first": GatewayReport("dead"), "second": alive})
    for _ in range(3):
        worker.intake._go_round()
    taken = worker.intake._take()
    worker.dispatcher.stop(60)

    assert (left, taken) == (False, True)
    assert [text for text in caplog.messages if text.startswith("messages are")] == [
        "messages are left to other workers, which can use gateways that are dead here",
        "messages are taken again: no other worker can use more gateways",
    ]
    assert waiting.state[-8:] in worker.gateways[1].given


def test_a_worker_that_is_left_out_takes_nothing_over_until_none_can_use_more_gateways(
    server: RedisServer, redis: Redis, outdone: tuple[Node, WorkerProcess, MessageQueue]
) -> None:
    node, worker, other = outdone
    waiting, dead, alive = node.promise(), WorkerProcess(server), GatewayReport("alive")
    dead.queue.take(1)
    redis.ask("ZADD", "{smsotp}:owners", 1, dead.store._messages.owner)
    room, before = worker.dispatcher.room(), [*worker.gateways[1].given]
    other.report({"first": alive, "second": alive})
    worker.intake._go_round()
    left = (worker.dispatcher.room() - room, worker.gateways[1].given == before)
    other.report({"first": GatewayReport("dead"), "second": alive})
    worker.intake._go_round()
    worker.dispatcher.stop(60)
    dead.store.close()

    assert left == (0, True)
    assert worker.gateways[1].given == [*before, waiting.state[-8:]]


def test_a_worker_that_is_left_out_takes_one_message_that_may_find_its_gateway_alive(
    outdone: tuple[Node, WorkerProcess, MessageQueue],
) -> None:
    node, worker, other = outdone
    # So long is nothing tried at a gateway that refuses the account.
    worker.clock.advance(1000.0)
    for _ in range(3):
        node.promise()
    other.report({"first": GatewayReport("alive"), "second": GatewayReport("alive")})
    worker.intake._go_round()
    takes = [worker.intake._take() for _ in range(3)]

    assert takes == [True, False, False]
    assert other.look().waiting == 2


def test_a_worker_that_starts_looks_at_its_gateways_first(server: RedisServer) -> None:
    def fail(deadline: Deadline) -> None:
        del deadline
        raise ConnectFailed("Connection refused")

    node = Node(server)
    worker = WorkerProcess(server)
    worker.gateways[0].probe = fail  # type: ignore[method-assign]  # what a dead one does
    worker.dispatcher.start()
    worker.dispatcher.probe_all()
    worker.intake._go_round()
    (seen,) = node.store.open_queue(10).look().workers
    worker.dispatcher.stop(60)
    for store in (worker.store, node.store):
        store.close()

    assert (seen["first"].condition, seen["second"].condition) == ("dead", "alive")


def test_a_worker_says_how_its_gateways_are(server: RedisServer) -> None:
    node = Node(server)
    node.promise()
    worker = WorkerProcess(server, first=refuse_account)
    worker.dispatcher.start()
    for _ in range(2):
        worker.intake._take()
    worker.dispatcher.stop(60)
    worker.intake._go_round()
    (seen,) = node.store.open_queue(10).look().workers
    for store in (worker.store, node.store):
        store.close()

    assert (seen["first"].condition, seen["second"].condition) == ("dead", "alive")
    assert 0 < seen["first"].seconds < 100
