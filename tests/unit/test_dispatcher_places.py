"""The senders: how many messages may be on their way, whose turn it is, and what is refused at once."""

import contextlib
import threading

import pytest
from pydantic import SecretStr

from smsotp_plugin.dispatch.ready_queue import ReadyQueue
from smsotp_plugin.dispatch.routes import Recipient
from smsotp_plugin.errors import (
    ConnectFailed,
    NoGatewayAlive,
    NoRoute,
    QueueFull,
)
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number
from tests.support.clock import FakeClock
from tests.support.sending import NUMBER, Gateway, Sending, clock, fail_with, no_thread_is_left, somebody

__all__ = ["clock", "no_thread_is_left"]


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
