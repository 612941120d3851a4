"""The senders: which gateway gets which message, what follows from each outcome, and how it ends."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr

from smsotp_plugin.assembly import STOP_GRACE
from smsotp_plugin.clock import Deadline
from smsotp_plugin.dispatch.delivery import DispatchRules, RetryRules
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.dispatch.lane import STOP_LIMIT
from smsotp_plugin.dispatch.ready_queue import ReadyQueue
from smsotp_plugin.dispatch.routes import Plan, Recipient, RouteTable
from smsotp_plugin.errors import (
    AnswerTimeout,
    BadRecipient,
    ConnectFailed,
    NoGatewayAlive,
    NoRoute,
    Outcome,
    QueueFull,
)
from smsotp_plugin.providers.base import GatewayContext, GatewaySettings, Provider
from smsotp_plugin.settings.sections.dispatch import OnUnknown
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind
from tests.support.clock import FakeClock, Waits
from tests.support.kept import KeepsNothing
from tests.support.unclosed import own_threads

NUMBER = "+491701234567"
_references = count()


class Gateway(Provider[GatewaySettings, Message, Receipt]):
    """Does what it was told to, and notes what it was given."""

    Settings = GatewaySettings

    def __init__(
        self,
        name: str,
        clock: FakeClock,
        does: Callable[[], object] = lambda: None,
        **settings: Any,
    ) -> None:
        given = {"CONNECTIONS": 2} | settings
        super().__init__(GatewayContext(name, clock), GatewaySettings(provider="test", **given))
        self.does = does
        self.given: list[str] = []
        self.remaining: list[float] = []
        self.life: list[str] = []

    def open(self) -> None:
        self.life.append("open")

    def close(self) -> None:
        self.life.append("close")

    def compose(self, message: Message) -> Message:
        return message

    def exchange(self, request: Message, deadline: Deadline) -> Receipt:
        self.given.append(request.reference)
        self.remaining.append(deadline.remaining())
        self.does()
        return Receipt(gateway_id="id-1")

    def judge(self, answer: Receipt) -> Receipt:
        return answer

    def probe(self, deadline: Deadline) -> None:
        pass


class Log:
    """Keeps events."""

    def __init__(self) -> None:
        self.events: list[DeliveryEvent] = []

    def record(self, event: DeliveryEvent) -> None:
        self.events.append(event)


def somebody() -> Recipient:
    """Return a person of whom nothing is on the way."""
    return Recipient(f"+4917{next(_references):08d}")


class Sending:
    """A dispatcher with its gateways; each message's end is noted."""

    def __init__(self, clock: FakeClock, *gateways: Gateway, **rules: Any) -> None:
        log: Any = Log()
        self.log: Log = log
        self.clock = clock
        self.ended: list[tuple[str, Outcome]] = []
        given = {"queue": 10_000, "deadline": 30.0, "hedge_after": 0.0, "rounds": 1} | rules
        self.dispatcher = Dispatcher(
            providers=gateways,
            routes=RouteTable([], [gateway.context.name for gateway in gateways]),
            rules=DispatchRules(
                queue=given["queue"],
                deadline=given["deadline"],
                retries=RetryRules(given["rounds"], given.get("on_unknown", OnUnknown.NEXT)),
                hedge_after=given["hedge_after"],
            ),
            delivery_log=log,
            store=given.get("store", KeepsNothing()),
            clock=clock,
            random=Random(1),
        )
        self.dispatcher.listen(lambda message, outcome: self.ended.append((message.reference, outcome)))

    def send(self, *, reference: str = "", seconds: float = 300.0) -> None:
        self.dispatcher.submit(*self.planned(reference or f"m{next(_references)}", seconds))

    def planned(
        self, reference: str, seconds: float = 300.0, recipient: Recipient | None = None
    ) -> tuple[Message, Plan]:
        message = Message(
            reference=reference,
            user="bob",
            number=parse_number(NUMBER, None),
            otp=SecretStr("734921"),
            sentence=SecretStr("734921 is your code"),
            expires=self.clock.time() + seconds,
        )
        return message, self.dispatcher.plan(recipient or somebody())

    def send_one(self) -> Outcome:
        """Send one message, end, and return how that message ended."""
        self.dispatcher.start()
        self.send(reference="only")
        self.dispatcher.stop(60)
        ((reference, outcome),) = self.ended
        assert reference == "only"
        return outcome


def fail_with(error: Exception) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(waits=Waits.SHORTLY)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = own_threads()
    yield
    assert own_threads() <= before


def test_a_message_goes_to_the_first_gateway(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    first, second = Gateway("first", clock), Gateway("second", clock)
    sending = Sending(clock, first, second)

    assert sending.send_one() is Outcome.ACCEPTED
    assert (first.given, second.given) == (["only"], [])
    assert "gateway first took it, its id id-1" in caplog.text


def test_messages_that_come_together_are_sent_in_their_order(clock: FakeClock) -> None:
    gateway = Gateway("first", clock, CONNECTIONS=1)
    sending = Sending(clock, gateway)
    sending.dispatcher.submit_all([sending.planned(reference) for reference in "abc"])
    sending.dispatcher.start()
    sending.dispatcher.stop(60)

    assert gateway.given == ["a", "b", "c"]


def test_a_message_with_which_something_goes_wrong_keeps_none_beside_it_from_being_sent(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = Gateway("first", clock)
    sending = Sending(clock, gateway)
    late, good = sending.planned("late", seconds=-1.0), sending.planned("good")

    def listen(message: Message, _: Outcome) -> None:
        if message.reference == "late":
            raise ZeroDivisionError

    sending.dispatcher.listen(listen)
    sending.dispatcher.submit_all([late, good])
    sending.dispatcher.start()
    sending.dispatcher.stop(60)

    assert gateway.given == ["good"]
    assert 'message late for user "bob" at +49 *** **67: unexpected failure' in caplog.text


@pytest.mark.parametrize("error", [ConnectFailed("down"), AnswerTimeout("silence")])
def test_the_next_gateway_is_tried_where_the_first_did_not_take_it(
    clock: FakeClock, error: Exception
) -> None:
    first, second = Gateway("first", clock, fail_with(error)), Gateway("second", clock)

    assert Sending(clock, first, second).send_one() is Outcome.ACCEPTED
    assert (first.given, second.given) == (["only"], ["only"])


def test_nothing_more_is_tried_after_silence_where_the_settings_say_so(clock: FakeClock) -> None:
    first, second = Gateway("first", clock, fail_with(AnswerTimeout("silence"))), Gateway("second", clock)

    assert Sending(clock, first, second, on_unknown=OnUnknown.STOP).send_one() is Outcome.UNKNOWN
    assert second.given == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (BadRecipient("no such number"), Outcome.REFUSED),
        (ConnectFailed("down"), Outcome.NOT_SENT),
        (AnswerTimeout("silence"), Outcome.UNKNOWN),
    ],
)
def test_a_message_that_nobody_takes_ends_as_its_outcome_says(
    clock: FakeClock, error: Exception, outcome: Outcome, caplog: pytest.LogCaptureFixture
) -> None:
    sending = Sending(clock, Gateway("first", clock, fail_with(error)))

    assert sending.send_one() is outcome
    assert f"gateway first: {outcome}: {error}" in caplog.text
    assert 'message only for user "bob" at +49 *** **67: no gateway took it' in caplog.text
    assert [event.kind for event in sending.log.events] == [EventKind.ATTEMPT, EventKind.ENDED]


def test_no_secret_is_logged(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    sending = Sending(clock, Gateway("first", clock, fail_with(KeyError("734921"))), Gateway("second", clock))
    sending.send_one()

    assert [
        secret for secret in ("734921", NUMBER[1:]) if secret in caplog.text + repr(sending.log.events)
    ] == []


def test_a_bug_in_a_gateway_ends_no_sender(clock: FakeClock) -> None:
    outcomes = iter([SystemError, *[None] * 9])

    def work() -> None:
        if (error := next(outcomes)) is not None:
            raise error

    gateway = Gateway("first", clock, work, CONNECTIONS=1)
    sending = Sending(clock, gateway)
    sending.dispatcher.start()
    for _ in range(10):
        sending.send()
    sending.dispatcher.stop(60)

    assert len(gateway.given) == len(sending.ended) == 10


def test_somebody_who_cannot_be_told_of_the_end_is_not_waited_for(clock: FakeClock) -> None:
    sending = Sending(clock, Gateway("first", clock))
    sending.ended = None  # type: ignore[assignment]  # so that noting the end fails
    sending.dispatcher.start()
    sending.send()
    sending.dispatcher.stop(60)

    assert len(sending.dispatcher._on_the_way) == sending.dispatcher._slots.count_taken() == 0


def test_time_runs_out_over_all_gateways(clock: FakeClock) -> None:
    def take_long() -> None:
        clock.advance(20)
        raise ConnectFailed("slow")

    gateways = [Gateway(str(number), clock, take_long, TIMEOUT=25) for number in range(3)]
    Sending(clock, *gateways).send_one()

    assert [gateway.remaining for gateway in gateways] == [[25.0], [10.0], []]


@pytest.mark.parametrize("seconds", [0.0, -10.0])
def test_a_code_that_is_too_old_is_not_sent(clock: FakeClock, seconds: float) -> None:
    gateway = Gateway("first", clock)
    sending = Sending(clock, gateway)
    sending.dispatcher.start()
    sending.send(reference="old", seconds=seconds)
    sending.dispatcher.stop(60)

    assert gateway.given == []
    assert sending.ended == [("old", Outcome.NOT_SENT)]


def test_what_expires_first_goes_first(clock: FakeClock) -> None:
    go_on = threading.Event()
    gateway = Gateway("first", clock, lambda: go_on.wait(10), CONNECTIONS=1)
    sending = Sending(clock, gateway)
    sending.dispatcher.start()
    sending.send(reference="now")
    for reference, seconds in (("late", 300.0), ("soon", 50.0), ("later", 301.0), ("soon too", 50.0)):
        sending.send(reference=reference, seconds=seconds)
    go_on.set()
    sending.dispatcher.stop(60)

    assert [given for given in gateway.given if given != "now"] == ["soon", "soon too", "late", "later"]


def test_a_gateway_that_hangs_holds_up_no_other(clock: FakeClock) -> None:
    go_on, passed = threading.Event(), threading.Semaphore(0)
    hanging = Gateway("hanging", clock, lambda: go_on.wait(10), CONNECTIONS=1)
    quick = Gateway("quick", clock, passed.release)
    sending = Sending(clock, hanging, quick)
    sending.dispatcher.start()
    sending.send()
    plan = sending.dispatcher.plan(Recipient(NUMBER, gateway="quick"))
    message = Message(
        "q", "bob", parse_number(NUMBER, None), SecretStr("x"), SecretStr("x"), clock.time() + 300
    )
    for _ in range(50):
        sending.dispatcher.submit(message, plan)
    all_passed = all(passed.acquire(timeout=10) for _ in range(50))
    go_on.set()
    sending.dispatcher.stop(60)

    assert all_passed


def test_a_stop_sends_everything_that_waits_once(clock: FakeClock) -> None:
    gateway = Gateway("first", clock, CONNECTIONS=8)
    sending = Sending(clock, gateway)
    references = [f"r{number}" for number in range(500)]
    sending.dispatcher.start()
    for reference in references:
        sending.send(reference=reference)
    sending.dispatcher.stop(60)

    assert Counter(gateway.given) == Counter(references)
    assert Counter(sending.ended) == Counter((reference, Outcome.ACCEPTED) for reference in references)


def test_messages_from_many_threads_are_each_sent_once(clock: FakeClock) -> None:
    gateway = Gateway("first", clock, CONNECTIONS=8)
    sending = Sending(clock, gateway)
    sending.dispatcher.start()

    def submit() -> None:
        for _ in range(50):
            sending.send()

    threads = [threading.Thread(target=submit) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sending.dispatcher.stop(60)

    assert len(gateway.given) == len(set(gateway.given)) == len(sending.ended) == 1000


def hanging_gateway(clock: FakeClock) -> tuple[Gateway, threading.Event]:
    """Return a gateway whose attempts hang until it is closed, and what is set when one has begun."""
    gateway, begun, closed = (
        Gateway("first", clock, CONNECTIONS=1, TIMEOUT=100),
        threading.Event(),
        threading.Event(),
    )

    def hang_until_closed() -> None:
        begun.set()
        closed.wait(10)
        raise ConnectFailed("closed")

    gateway.does = hang_until_closed
    gateway.close = closed.set  # type: ignore[method-assign]  # closing ends what hangs
    return gateway, begun


def test_a_stop_gives_up_when_its_time_is_over(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    gateway, begun = hanging_gateway(clock)
    sending = Sending(clock, gateway)
    sending.dispatcher.start()
    for _ in range(3):
        sending.send()
    assert begun.wait(10)
    sending.dispatcher.stop(0)

    assert len(gateway.given) == 1
    assert caplog.text.count("given up, the server is being stopped") == 2


def test_gateways_are_opened_and_closed_around_the_work(clock: FakeClock) -> None:
    gateway = Gateway("first", clock)
    Sending(clock, gateway).send_one()

    assert gateway.life == ["open", "close"]


def test_a_gateway_that_cannot_be_closed_keeps_no_other_open(clock: FakeClock) -> None:
    first, second, third = (Gateway(name, clock) for name in ("first", "second", "third"))
    first.close = third.close = fail_with(OSError("cannot"))  # type: ignore[assignment,method-assign]
    sending = Sending(clock, first, second, third)
    sending.dispatcher.start()

    with pytest.raises(OSError, match="cannot"):
        sending.dispatcher.stop(60)
    assert second.life == ["open", "close"]


def test_what_was_started_half_way_can_be_stopped(clock: FakeClock) -> None:
    first, broken, third = (Gateway(name, clock) for name in ("first", "broken", "third"))
    broken.open = fail_with(OSError("cannot"))  # type: ignore[assignment,method-assign]  # a gateway with a bug
    sending = Sending(clock, first, broken, third)

    with pytest.raises(OSError, match="cannot"):
        sending.dispatcher.start()
    sending.dispatcher.stop(60)
    assert first.life == ["open", "close"]


def test_what_was_not_started_can_be_stopped(clock: FakeClock) -> None:
    Sending(clock, Gateway("first", clock)).dispatcher.stop(60)


def test_a_full_queue_says_so_until_there_is_room(clock: FakeClock) -> None:
    go_on = threading.Event()
    sending = Sending(clock, Gateway("first", clock, lambda: go_on.wait(10)), queue=2)
    sending.dispatcher.start()
    for _ in range(2):
        sending.send()
    with pytest.raises(QueueFull, match=r"2 messages are on their way already \(dispatch.queue\)"):
        sending.send()
    go_on.set()
    sending.dispatcher.stop(60)

    assert len(sending.ended) == 2


def test_a_promise_takes_a_place_before_it_is_kept_and_gives_it_back_when_it_is_dropped(
    clock: FakeClock,
) -> None:
    sending = Sending(clock, Gateway("first", clock), queue=2)
    promises = [sending.dispatcher.plan(somebody()) for _ in range(2)]
    with pytest.raises(QueueFull, match="2 messages"):
        sending.dispatcher.plan(somebody())
    promises.pop()

    promises.append(sending.dispatcher.plan(somebody()))
    with pytest.raises(QueueFull, match="2 messages"):
        sending.dispatcher.plan(somebody())


def test_a_route_that_does_not_fit_keeps_no_place(clock: FakeClock) -> None:
    sending = Sending(clock, Gateway("first", clock), queue=1)
    for _ in range(3):
        with pytest.raises(NoRoute):
            sending.dispatcher.plan(Recipient(NUMBER, gateway="none such"))

    sending.dispatcher.plan(somebody())


def test_however_many_threads_promise_no_more_than_the_limit_are_on_their_way(clock: FakeClock) -> None:
    sending = Sending(clock, Gateway("first", clock), queue=50)
    promises: list[object] = []
    begin = threading.Barrier(20)

    def promise() -> None:
        begin.wait()
        for _ in range(50):
            with contextlib.suppress(QueueFull):
                promises.append(sending.dispatcher.plan(somebody()))

    threads = [threading.Thread(target=promise) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(promises) == 50


def test_whoever_floods_the_queue_has_their_turn_after_all_others(clock: FakeClock) -> None:
    sending = Sending(clock, Gateway("first", clock, CONNECTIONS=1), queue=1000)
    flood = Recipient(NUMBER, user="mallory", station="s", client="vpn")
    with contextlib.suppress(QueueFull):
        for number in range(1000):
            sending.dispatcher.submit(*sending.planned(f"flood {number}", recipient=flood))
    flooded = len(sending.dispatcher._on_the_way)
    clock.advance(5)
    for number in range(20):
        sending.dispatcher.submit(*sending.planned(f"other {number}"))
    sending.dispatcher.start()
    sending.dispatcher.stop(60)
    order = [reference for reference, _ in sending.ended]

    assert flooded > 100
    assert len(order) == flooded + 20
    # Before the others only as many of the flood as came in the time for which those give way: a tenth of a second for each.
    assert [order.index(f"other {number}") < 51 + number + 2 for number in range(20)] == [True] * 20


def test_a_gateway_that_does_not_let_go_keeps_no_stop_from_ending(
    clock: FakeClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsotp_plugin.dispatch.lane.STOP_LIMIT", 0.05)
    begun, let_go = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        let_go.wait(10)

    before = own_threads()
    sending = Sending(clock, Gateway("first", clock, hang, CONNECTIONS=1), Gateway("second", clock))
    sending.dispatcher.start()
    sending.send()
    assert begun.wait(10)
    sending.dispatcher.stop(0)
    let_go.set()
    for thread in own_threads() - before:
        thread.join()

    assert "gateway first: a message is still being sent; the gateway is not closed" in caplog.text
    assert [outcome for _, outcome in sending.ended] == [Outcome.NOT_SENT]


def test_a_stop_leaves_time_before_systemd_kills() -> None:
    assert STOP_GRACE + STOP_LIMIT <= 75


def test_nothing_is_taken_during_a_stop(clock: FakeClock) -> None:
    sending = Sending(clock, Gateway("first", clock))
    sending.dispatcher.start()
    sending.dispatcher.stop(60)

    with pytest.raises(QueueFull, match="being stopped"):
        sending.send()


def test_a_log_in_is_refused_at_once_when_all_gateways_are_dead(clock: FakeClock) -> None:
    gateway = Gateway("first", clock, fail_with(ConnectFailed("down")))
    sending = Sending(clock, gateway)
    sending.dispatcher.start()
    ended = threading.Semaphore(0)
    sending.dispatcher.listen(lambda _message, _outcome: ended.release())
    for person in range(3):
        plan = sending.dispatcher.plan(Recipient(NUMBER))
        number = parse_number(f"{NUMBER}{person}", None)
        message = Message("x", f"bob{person}", number, SecretStr("x"), SecretStr("x"), clock.time() + 300)
        sending.dispatcher.submit(message, plan)
        assert ended.acquire(timeout=10)

    with pytest.raises(NoGatewayAlive, match="no gateway of route default is alive"):
        sending.dispatcher.plan(Recipient(NUMBER))
    sending.dispatcher.stop(60)
    assert len(gateway.given) == 3


def test_a_queue_gives_what_expires_first_and_ends() -> None:
    ready: ReadyQueue[str] = ReadyQueue()
    for item, expires in (("b", 2.0), ("a", 1.0), ("b too", 2.0)):
        ready.put(item, expires)
    ready.close(1)

    assert [ready.get() for _ in range(4)] == ["a", "b", "b too", None]


def test_what_was_taken_back_from_a_queue_is_not_given() -> None:
    ready: ReadyQueue[str] = ReadyQueue()
    for item in "ba":
        ready.put(item, 1.0)
    taken = ready.drain()
    ready.put("c", 1.0)
    ready.close(1)

    assert taken == ["b", "a"]
    assert (ready.get(), ready.get()) == ("c", None)
