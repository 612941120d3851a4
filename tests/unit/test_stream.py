"""A server without gateways: what it promises follows from what workers say of theirs, without a word to anybody."""

import logging
from contextlib import nullcontext
from dataclasses import replace

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.dispatch.routes import Recipient
from smsotp_plugin.errors import NoGatewayAlive, QueueFull
from smsotp_plugin.stores.queue import GatewayReport
from tests.support.parcels import begin
from tests.support.redis import open_store, somebody
from tests.support.worker_process import BOB, Node, compose

pytestmark = pytest.mark.usefixtures("redis")


def test_without_a_worker_nobody_is_promised_anything(server: RedisServer) -> None:
    node = Node(server)
    node.view.refresh()
    with pytest.raises(NoGatewayAlive, match="no worker is alive"):
        node.outbox.plan(BOB)
    node.store.close()


def test_that_workers_come_and_go_is_told_once(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "smsotp.dispatch")
    node, other = Node(server), open_store(server.url)
    queue = other.open_queue(10)
    for is_there in (False, True, False):
        if is_there:
            queue.report({})
        else:
            queue.leave()
        for _ in range(3):
            node.view.refresh()
    for store in (node.store, other):
        store.close()

    assert caplog.messages == [
        "workers that have the gateways: 1",
        "log-ins are refused: no worker has been heard from for 3 s",
    ]


def test_a_gateway_is_as_good_as_the_best_worker_finds_it(server: RedisServer) -> None:
    node, others = Node(server), [open_store(server.url) for _ in range(2)]
    queues = [other.open_queue(10) for other in others]
    dead = GatewayReport("dead", 5.0)
    queues[0].report({"first": dead, "second": dead})
    node.view.refresh()
    with pytest.raises(NoGatewayAlive, match="no gateway of route default is alive"):
        node.outbox.plan(BOB)
    queues[1].report({"first": GatewayReport("resting", 2.0), "second": dead})
    node.view.refresh()
    plan = node.outbox.plan(BOB)
    for store in (node.store, *others):
        store.close()

    assert plan.gateways == ("first", "second")
    assert plan.hopes == frozenset()


@pytest.mark.parametrize(("seconds", "is_waited_for"), [(5.0, True), (29.0, True), (31.0, False)])
def test_a_gateway_that_rests_is_waited_for_if_it_is_back_before_the_deadline(
    server: RedisServer, seconds: float, *, is_waited_for: bool
) -> None:
    node, other = Node(server), open_store(server.url)
    other.open_queue(10).report({"first": GatewayReport("resting", seconds), "second": GatewayReport("dead")})
    node.view.refresh()
    with nullcontext() if is_waited_for else pytest.raises(NoGatewayAlive):
        node.outbox.plan(BOB)
    for store in (node.store, other):
        store.close()


def test_one_last_hope_for_each_copy(server: RedisServer) -> None:
    node, other = Node(server), open_store(server.url)
    queue = other.open_queue(10)
    queue.report({"first": GatewayReport("dead", 5.0, may_hope=True), "second": GatewayReport("dead", 5.0)})
    node.view.refresh()
    hoped = node.outbox.plan(BOB)
    with pytest.raises(NoGatewayAlive):
        node.outbox.plan(BOB)
    node.view.refresh()
    again = node.outbox.plan(BOB)
    for store in (node.store, other):
        store.close()

    assert hoped.hopes == again.hopes == {"first"}


def test_a_full_queue_is_known_without_a_word(server: RedisServer) -> None:
    node, other = Node(server, most=1), open_store(server.url)
    other.open_queue(1).report({"first": GatewayReport("alive")})
    begin(node.store, somebody())
    node.view.refresh()
    with pytest.raises(QueueFull, match="1 message waits for workers already"):
        node.outbox.plan(BOB)
    for store in (node.store, other):
        store.close()


def test_a_plan_says_whose_share_of_the_queue_it_takes_in_digits_that_tell_nothing(
    server: RedisServer,
) -> None:
    node, worker = Node(server, most=100), open_store(server.url)
    queue = worker.open_queue(10)
    queue.report({"first": GatewayReport("alive"), "second": GatewayReport("alive")})
    # The first time, it makes the group.
    queue.take(1)
    node.view.refresh()
    home = Recipient("+491701234567", user="bob", station="192.0.2.7", client="NAS-IP-Address=192.0.2.1")
    away = replace(home, station="192.0.2.8", client="")
    plans = [node.outbox.plan(whom) for whom in (home, home, away)]
    node.outbox.submit(compose("", somebody().expires), plans[0])
    node.store.flush()
    (taken,) = queue.take(1)
    for store in (node.store, worker):
        store.close()
    at_home, again, elsewhere = (plan.turn(1).holders for plan in plans)

    assert [holder.partition(":")[0] for holder in at_home] == ["user", "number", "station", "client"]
    assert again == at_home == taken.holders
    assert [*map(at_home.__contains__, elsewhere)] == [True, True, False]
    assert "bob" not in "".join(at_home)
    assert "1234567" not in "".join(at_home)
