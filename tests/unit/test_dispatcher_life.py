"""The senders: how they begin and end, and what becomes then of what waits."""

import threading
from collections import Counter

import pytest

from smsotp_plugin.assembly import STOP_GRACE
from smsotp_plugin.dispatch.lane import STOP_LIMIT
from smsotp_plugin.errors import (
    Outcome,
    QueueFull,
)
from tests.support.clock import FakeClock
from tests.support.interruption import no_further_thread
from tests.support.sending import Gateway, Sending, clock, fail_with, hanging_gateway, no_thread_is_left
from tests.support.unclosed import own_threads

__all__ = ["clock", "no_thread_is_left"]


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


def test_a_stop_without_a_further_thread_closes_all_gateways(clock: FakeClock) -> None:
    gateways = [Gateway(name, clock) for name in ("first", "second")]
    sending = Sending(clock, *gateways)
    sending.dispatcher.start()
    with no_further_thread():
        sending.dispatcher.stop(60)

    assert [gateway.life for gateway in gateways] == [["open", "close"]] * 2
