"""Attempts that idle threads are about to begin are noted in the time of one; no more is noted than can be under way."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr

from smsotp_plugin.dispatch.delivery import Delivery, DispatchRules, RetryRules
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.dispatch.keeper import Keeper
from smsotp_plugin.dispatch.people import Person
from smsotp_plugin.dispatch.routes import Plan, RouteTable
from smsotp_plugin.errors import ConnectFailed, NotNeeded, Outcome, StoreError, Throttled
from smsotp_plugin.settings.sections.dispatch import OnUnknown
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.kept import Attempt
from tests.support.clock import FakeClock
from tests.support.kept import KeepsNothing
from tests.support.sending import Gateway, Log

GATEWAY = "gtx"


class Notes(KeepsNothing):
    """Remembers what stands there, and how it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.standing: set[str] = set()
        self.problems: dict[str, Exception] = {}
        self.meanwhile: Callable[[], object] = lambda: None

    def begin_attempts(self, attempts: Sequence[Attempt]) -> Sequence[Exception | None]:
        self.asked.append([each.state for each in attempts])
        self.meanwhile()
        problems = [self.problems.get(each.state) for each in attempts]
        self.standing |= {
            each.state for each, problem in zip(attempts, problems, strict=True) if problem is None
        }
        return problems

    def end_attempt(self, state: str, resends: int, gateway: str) -> None:
        assert (resends, gateway) == (0, GATEWAY)
        self.standing.discard(state)

    def forget_message(self, state: str, resends: int) -> None:
        assert resends == 0
        self.standing.discard(state)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def keeper(notes: Notes) -> Keeper:
    return Keeper(notes)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def message(state: str) -> Message:
    """Return a message that is kept."""
    return Message(
        reference=state,
        user=state,
        number=parse_number("+491701234567", None),
        otp=SecretStr("734921"),
        sentence=SecretStr("734921 is your code"),
        expires=300.0,
        state=state,
        login=state,
    )


ONE, TWO, THREE = map(message, ("one", "two", "three"))


def test_what_others_are_about_to_begin_is_noted_with_it(notes: Notes, keeper: Keeper) -> None:
    problems = [keeper.begin(ONE, GATEWAY, [TWO, THREE]), keeper.begin(TWO, GATEWAY, [THREE])]

    assert problems == [None, None]
    assert notes.asked == [["one", "two", "three"]]


def test_what_does_not_begin_after_all_is_noted_no_more(notes: Notes, keeper: Keeper) -> None:
    keeper.begin(ONE, GATEWAY, [TWO])
    keeper.take_back(TWO, GATEWAY)
    keeper.take_back(THREE, GATEWAY)
    taken_back = set(notes.standing)
    keeper.begin(TWO, GATEWAY)

    assert taken_back == {"one"}
    assert notes.asked == [["one", "two"], ["two"]]


def test_what_has_begun_is_not_taken_back(notes: Notes, keeper: Keeper) -> None:
    keeper.begin(ONE, GATEWAY, [TWO])
    keeper.begin(TWO, GATEWAY)
    keeper.take_back(TWO, GATEWAY)

    assert notes.standing == {"one", "two"}


def test_each_hears_what_came_of_its_own(notes: Notes, keeper: Keeper) -> None:
    notes.problems = {"two": NotNeeded("over"), "three": StoreError("taken")}
    first, third = keeper.begin(ONE, GATEWAY, [TWO, THREE]), keeper.begin(THREE, GATEWAY)
    with pytest.raises(NotNeeded, match="over"):
        keeper.begin(TWO, GATEWAY)
    notes.problems = {}

    assert first is None
    assert isinstance(third, Throttled)
    assert str(third) == "taken"
    assert keeper.begin(THREE, GATEWAY) is None


@pytest.mark.parametrize("answer", [StoreError("gone"), TypeError("a bug"), [], [None], None, 7])
def test_where_the_store_fails_nothing_begins_until_it_is_asked_again(
    notes: Notes, keeper: Keeper, answer: Any
) -> None:
    def fail(attempts: Sequence[Attempt]) -> Any:
        notes.asked.append([each.state for each in attempts])
        if isinstance(answer, Exception):
            raise answer
        return answer

    noting: Any = notes
    noting.begin_attempts = fail
    problems = [keeper.begin(ONE, GATEWAY, [TWO]), keeper.begin(TWO, GATEWAY)]
    del noting.begin_attempts

    assert all(isinstance(problem, Throttled) for problem in problems)
    assert [keeper.begin(each, GATEWAY) for each in (ONE, TWO)] == [None, None]
    assert notes.asked == [["one", "two"], ["one"], ["two"]]


@pytest.mark.parametrize("answer", [StoreError("damaged"), TypeError("a bug"), [None]])
def test_what_a_store_notes_and_does_not_say_so_stays_not_noted(
    notes: Notes, keeper: Keeper, answer: Any
) -> None:
    begin_attempts = notes.begin_attempts

    def note_and_fail(attempts: Sequence[Attempt]) -> Any:
        begin_attempts(attempts)
        if isinstance(answer, Exception):
            raise answer
        return answer

    noting: Any = notes
    noting.begin_attempts = note_and_fail
    problem = keeper.begin(ONE, GATEWAY, [TWO])

    assert isinstance(problem, Throttled)
    assert notes.standing == set()


def test_what_no_store_keeps_is_not_noted_with_others(notes: Notes, keeper: Keeper) -> None:
    notification = replace(TWO, state="", login="")
    keeper.begin(ONE, GATEWAY, [notification])
    keeper.take_back(notification, GATEWAY)

    assert keeper.begin(notification, GATEWAY, [THREE]) is None
    assert notes.asked == [["one"]]


def make_dispatcher(gateway: Gateway, notes: Notes, clock: FakeClock) -> Dispatcher:
    """Return a dispatcher with one gateway."""
    log: Any = Log()
    return Dispatcher(
        providers=[gateway],
        routes=RouteTable([], [GATEWAY]),
        rules=DispatchRules(100, 30.0, RetryRules(1, OnUnknown.NEXT), 0.0),
        delivery_log=log,
        store=notes,
        clock=clock,
        random=Random(1),
    )


def submit(dispatcher: Dispatcher, clock: FakeClock, *states: str, seconds: float = 300.0) -> None:
    """Submit messages that are kept, all at once."""
    plan = Plan("default", (GATEWAY,), "")
    dispatcher.submit_all(
        [(replace(message(state), expires=clock.time() + seconds), plan) for state in states]
    )


class Turns:
    """A dispatcher whose lane has threads that are idle, and a test that does what one of them would do."""

    def __init__(self, notes: Notes, clock: FakeClock, idle: int) -> None:
        self.gateway = Gateway(GATEWAY, clock, CONNECTIONS=idle)
        self.clock = clock
        self.dispatcher = make_dispatcher(self.gateway, notes, clock)
        (self.lane,) = self.dispatcher._lanes.values()
        for _ in range(idle):
            assert self.lane._queue._take() is None

    def submit(self, *states: str, seconds: float = 300.0) -> None:
        submit(self.dispatcher, self.clock, *states, seconds=seconds)

    def take_one(self) -> None:
        item = self.lane._queue.get()
        assert isinstance(item, Delivery)
        self.dispatcher._attempt(self.lane, item)


def test_as_many_are_noted_as_threads_can_begin_with(notes: Notes, clock: FakeClock) -> None:
    turns = Turns(notes, clock, idle=3)
    turns.submit("a", "b", "c", "d", "e")
    for _ in range(5):
        turns.take_one()

    assert notes.asked[0] == ["a", "b", "c"]
    assert turns.gateway.given == ["a", "b", "c", "d", "e"]
    assert notes.standing == set()


def test_what_was_noted_comes_before_what_is_more_urgent(notes: Notes, clock: FakeClock) -> None:
    turns = Turns(notes, clock, idle=3)
    turns.submit("a", "b", "c")
    turns.take_one()
    turns.submit("urgent", seconds=1.0)
    for _ in range(3):
        turns.take_one()

    assert turns.gateway.given == ["a", "b", "c", "urgent"]


def test_what_was_noted_waits_for_no_probe(notes: Notes, clock: FakeClock) -> None:
    turns = Turns(notes, clock, idle=3)
    turns.submit("a", "b", "c")
    notes.meanwhile = turns.lane.probe
    for _ in range(3):
        turns.take_one()

    assert turns.gateway.given == ["a", "b", "c"]


def test_while_a_message_ends_that_is_not_tried_another_thread_comes_for_the_next_one(
    notes: Notes, clock: FakeClock
) -> None:
    turns = Turns(notes, clock, idle=2)
    queue, woken = turns.lane._queue, list[int]()
    turns.submit("a", "b")
    turns.dispatcher.withdraw("a")
    turns.dispatcher.listen(lambda *_: woken.append(queue._tokens.qsize()))
    assert queue._tokens.get()
    first = queue._take(woken=True)
    assert isinstance(first, Delivery)
    turns.dispatcher._attempt(turns.lane, first)

    assert first.outcome is Outcome.NOT_NEEDED
    assert woken == [1]


def see_that_the_second_is_noted_and_does_not_begin(turns: Turns, notes: Notes) -> None:
    turns.take_one()
    before = set(notes.standing)
    turns.take_one()

    assert before == {"b"}
    assert notes.standing == set()
    assert turns.gateway.given == ["a"]


def test_what_is_withdrawn_before_its_turn_is_noted_no_more(notes: Notes, clock: FakeClock) -> None:
    turns = Turns(notes, clock, idle=3)
    turns.submit("a", "b")
    notes.meanwhile = lambda: turns.dispatcher.withdraw("b")
    see_that_the_second_is_noted_and_does_not_begin(turns, notes)


def test_what_is_withdrawn_while_it_is_noted_does_not_begin(notes: Notes, clock: FakeClock) -> None:
    turns, ended, costs = Turns(notes, clock, idle=2), list[Outcome](), list[int]()
    turns.dispatcher.listen(lambda _, outcome: ended.append(outcome), lambda _, change: costs.append(change))
    turns.submit("a")
    notes.meanwhile = lambda: turns.dispatcher.withdraw("a")
    turns.take_one()

    assert turns.gateway.given == []
    assert notes.standing == set()
    assert (ended, costs) == ([Outcome.NOT_NEEDED], [-1])


def test_what_a_stop_leaves_while_it_is_noted_does_not_begin(
    notes: Notes, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    turns = Turns(notes, clock, idle=2)
    turns.submit("a")
    notes.meanwhile = lambda: turns.dispatcher.stop(0)
    turns.take_one()

    assert "waits for the next start of the server" in caplog.text
    assert turns.gateway.given == []
    assert notes.standing == set()


def test_what_waits_because_its_gateway_died_is_noted_no_more(notes: Notes, clock: FakeClock) -> None:
    turns = Turns(notes, clock, idle=3)
    turns.submit("a", "b")

    def die() -> None:
        for number in range(20):
            person = Person(f"user {number}", f"+4917000000{number:02d}")
            turns.lane.breaker.note_failure(ConnectFailed("x"), person, clock.monotonic())
        raise ConnectFailed("x")

    turns.gateway.does = die
    see_that_the_second_is_noted_and_does_not_begin(turns, notes)


def test_what_a_stop_leaves_is_not_taken_for_under_way(notes: Notes, clock: FakeClock) -> None:
    turns = Turns(notes, clock, idle=3)
    turns.submit("a", "b", "c")
    turns.take_one()
    before = set(notes.standing)
    turns.dispatcher.stop(0)

    assert before == {"b", "c"}
    assert notes.standing == set()
    assert turns.gateway.given == ["a"]


def test_what_is_put_back_during_a_stop_is_not_taken_for_under_way(notes: Notes, clock: FakeClock) -> None:
    turns = Turns(notes, clock, idle=2)
    turns.submit("a", "b")
    first, lane = turns.lane._queue.get(), turns.lane
    close = lane.close_queue
    with ExitStack() as noting:

        def close_and_put_back() -> None:
            close()
            noting.close()

        others = noting.enter_context(lane.messages_of_idle_threads())
        assert isinstance(first, Delivery)
        turns.dispatcher._keeper.begin(first.message, GATEWAY, others)
        lane.close_queue = close_and_put_back  # type: ignore[method-assign]  # a thread that puts back at that moment
        turns.dispatcher.stop(0)

    # The first one is under way as far as anybody knows.
    assert notes.standing == {"a"}


def test_no_more_is_noted_than_threads_are_at_work(notes: Notes, clock: FakeClock) -> None:
    everybody, release = threading.Barrier(4), threading.Event()

    def hang() -> None:
        if not release.is_set():
            everybody.wait(60)
        release.wait(60)

    gateway = Gateway(GATEWAY, clock, hang, CONNECTIONS=3)
    dispatcher = make_dispatcher(gateway, notes, clock)
    dispatcher.start()
    submit(dispatcher, clock, *(f"message {number}" for number in range(10)))
    everybody.wait(60)
    at_work = set(notes.standing)
    release.set()
    dispatcher.stop(60)

    assert len(at_work) == 3
    assert at_work == {*gateway.given[:3]}
    assert len(gateway.given) == 10
    assert notes.standing == set()
