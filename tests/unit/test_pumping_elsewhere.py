"""Shares of answers where a code is answered at another server, or sent by a worker: whoever counts it learns of that."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.errors import Outcome, StoreError
from smsotp_plugin.login.budgets import Budgets
from smsotp_plugin.login.ending import Aftermath
from smsotp_plugin.login.pumping import PumpingWatch
from smsotp_plugin.login.waiting import Waiting
from smsotp_plugin.settings.sections.limits import LimitSettings
from smsotp_plugin.stores.answers import Fate
from smsotp_plugin.stores.sealed import SealedStore
from tests.support.pumping_site import GRACE, Site, block
from tests.support.redis import Monitor, Redis, open_store
from tests.support.worker_process import compose

pytestmark = pytest.mark.usefixtures("redis")

NAMES = CodeMaker(b"k" * 32, 6, "0123456789", bytes).names


class Node(Site):
    """A server with a store in Redis."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        super().__init__(Path())

    def open(self) -> None:
        self.store = open_store(self._server.url, self.clock)  # type: ignore[assignment]  # of the same promises
        self.watch = PumpingWatch(self.limits, NAMES, self.store, self.clock)
        self.watch.keep()


@pytest.fixture
def nodes(server: RedisServer) -> Iterator[list[Node]]:
    nodes = [Node(server) for _ in range(2)]
    yield nodes
    for node in nodes:
        node.store.close()


def answer_at(node: Node, state: str) -> None:
    """Answer there a code that another server has sent."""
    node.watch.note_answered(state)
    node.store.flush()


def test_what_is_answered_at_another_server_is_answered(nodes: list[Node]) -> None:
    sender, other = nodes
    sent = []
    for number in range(100):
        sent.append(sender.send(block(number)))
        answer_at(other, str(sender._count))
        sender.watch.keep()
    sender.wait(GRACE)

    assert all(sent)
    assert sender.send(block(100))


def test_what_is_answered_there_late_is_answered_too(nodes: list[Node]) -> None:
    sender, other = nodes
    for number in range(19):
        sender.send(block(number))
    sender.wait(GRACE)
    for state in range(1, 20):
        answer_at(other, str(state))
    sender.wait(1)

    assert all(sender.send(block(number)) for number in range(19))


def test_what_nobody_answers_anywhere_is_not(nodes: list[Node]) -> None:
    sender, other = nodes
    answered = [sender.send("+436641230000") for _ in range(5)]
    for state in range(1, 6):
        answer_at(other, str(state))
    sent = [sender.send(block(number)) for number in range(30)]
    sender.wait(GRACE)

    assert all(answered)
    assert sent == [True] * 20 + [False] * 10


def test_what_no_gateway_of_a_worker_took_is_no_sms(nodes: list[Node]) -> None:
    node, worker = nodes
    limits = LimitSettings()
    budgets = Budgets(limits, NAMES, worker.store, worker.clock, pumping=worker.watch)
    aftermath = Aftermath(SealedStore(worker.store, NAMES), Waiting(0, worker.clock), budgets)
    sent = []
    for number in range(60):
        sent.append(node.send(block(number)))
        message = compose(str(node._count), worker.clock.time() + 300)
        aftermath.note_end(message, Outcome.NOT_SENT)
        worker.store.flush()
        node.watch.keep()
    node.wait(GRACE)

    assert all(sent)
    assert node.send(block(60))


def test_all_servers_hear_a_fate_once_and_one_that_starts_later_too(
    nodes: list[Node], server: RedisServer, redis: Redis
) -> None:
    first, second = nodes
    redis.ask("DEL", "{smsotp}:fates")
    for number in range(1500):
        first.store.tell_fate(str(number), Fate.ANSWERED)
    first.store.tell_fate("last", Fate.UNSENT)
    redis.ask("XADD", "{smsotp}:fates", "*", "of another version", "x")
    redis.ask("XADD", "{smsotp}:fates", "*", "answered", "more", "and", "more")
    redis.ask("EVAL", "return redis.call('XADD', KEYS[1], '*', 'answered', '\\255')", 1, "{smsotp}:fates")
    first.store.flush()
    told = [(str(number), Fate.ANSWERED) for number in range(1500)] + [("last", Fate.UNSENT)]
    told = [("more", Fate.ANSWERED), ("\ufffd", Fate.ANSWERED), *told]
    late = open_store(server.url)
    heard = [store.hear_fates() for store in (first.store, second.store, late, first.store)]
    late.close()

    assert heard == [told, told, told, []]
    assert 0 < redis.ask("PTTL", "{smsotp}:fates") <= 86_400_000


@pytest.mark.parametrize("hears_meanwhile", [False, True])
def test_what_a_redis_tells_that_is_empty_and_has_an_earlier_time_is_heard(
    nodes: list[Node], redis: Redis, *, hears_meanwhile: bool
) -> None:
    node, other = nodes
    other.store.tell_fate("before", Fate.ANSWERED)
    other.store.flush()
    before = node.store.hear_fates()
    redis.ask("FLUSHALL")
    if hears_meanwhile:
        node.store.hear_fates()
    # What XADD does if its clock is at the year 2000.
    redis.ask("XADD", "{smsotp}:fates", "946684800000-0", "answered", "after")
    heard = [node.store.hear_fates() for _ in range(2)]

    assert before == [("before", Fate.ANSWERED)]
    assert heard == [[("after", Fate.ANSWERED)], []]


def test_a_server_that_hears_nothing_new_asks_once(nodes: list[Node], server: RedisServer) -> None:
    node, other = nodes
    monitor = Monitor(server.port)
    asked = []
    for fate in ("", "first", "", "second", ""):
        if fate:
            other.store.tell_fate(fate, Fate.ANSWERED)
            other.store.flush()
        monitor.sent()
        heard = [state for state, _ in node.store.hear_fates()]
        asked.append((heard, [words[0] for words in monitor.sent()]))
    monitor.close()

    assert asked == [([fate] if fate else [], ["XRANGE"]) for fate in ("", "first", "", "second", "")]


@pytest.mark.parametrize("number", [1, 999, 1000, 1001, 2000])
def test_however_many_fates_there_are_each_is_heard_once(nodes: list[Node], number: int) -> None:
    node, other = nodes
    heard = []
    for turn in range(2):
        told = [f"{turn} {fate}" for fate in range(number)]
        for state in told:
            other.store.tell_fate(state, Fate.ANSWERED)
        other.store.flush()
        heard.append([state for state, _ in node.store.hear_fates()] == told)

    assert heard == [True, True]
    assert node.store.hear_fates() == []


def test_what_was_read_when_redis_failed_in_the_middle_is_heard_with_the_rest(
    nodes: list[Node], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = nodes[0].store
    redis.ask_all([("XADD", "{smsotp}:fates", "*", "answered", f"{number}") for number in range(1500)])
    ask, answers = store._scripts.ask, iter([True, False])  # type: ignore[attr-defined]  # of the store in Redis

    def fail_once(*words: Any, **key: str) -> Any:
        if not next(answers, True):
            raise StoreError("it hangs")
        return ask(*words, **key)

    monkeypatch.setattr(store._scripts, "ask", fail_once)  # type: ignore[attr-defined]  # as above
    with pytest.raises(StoreError):
        store.hear_fates()

    assert [state for state, _ in store.hear_fates()] == [f"{number}" for number in range(1500)]


def test_what_this_server_has_sent_is_told_to_nobody(nodes: list[Node], redis: Redis) -> None:
    nodes[0].send(answered=True)
    nodes[0].store.flush()

    assert redis.ask("EXISTS", "{smsotp}:fates") == 0
