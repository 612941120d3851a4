"""What a message costs in the end: as many SMS as gateways have it, or may have it."""

import threading

import pytest

from smsotp_plugin.dispatch.dispatcher import LOST
from smsotp_plugin.errors import AnswerTimeout, BadRecipient, ConnectFailed, Outcome
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.sealed import Letter
from tests.support.clock import FakeClock, Waits
from tests.support.sending import Gateway, Sending

REFUSES, FAILS, SILENT = BadRecipient("no such number"), ConnectFailed("no way"), AnswerTimeout("silence")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(waits=Waits.SHORTLY)


def count(sending: Sending) -> list[int]:
    """Listen to what messages cost beyond the one SMS that was promised."""
    costs: list[int] = []
    ended = sending.dispatcher._listener

    def note(_: Message, copies: int) -> None:
        costs.append(copies)

    sending.dispatcher.listen(ended, note)
    return costs


def take_or_raise(error: Exception | None) -> None:
    if error is not None:
        raise error


@pytest.mark.parametrize(
    ("first", "second", "cost"),
    [
        (None, None, 0),
        (FAILS, None, 0),
        (REFUSES, None, 0),
        (SILENT, None, 1),
        (SILENT, FAILS, 0),
        (SILENT, SILENT, 1),
        (FAILS, SILENT, 0),
        (FAILS, FAILS, -1),
        (REFUSES, REFUSES, -1),
    ],
)
def test_an_sms_costs_what_may_have_been_sent(
    clock: FakeClock, first: Exception | None, second: Exception | None, cost: int
) -> None:
    sending = Sending(
        clock,
        Gateway("first", clock, lambda: take_or_raise(first)),
        Gateway("second", clock, lambda: take_or_raise(second)),
    )
    costs = count(sending)
    sending.send_one()

    assert sum(costs) == cost


def test_what_a_hedge_has_sent_as_well_costs_as_much(clock: FakeClock) -> None:
    begun, hedged = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        hedged.wait(10)

    first = Gateway("first", clock, hang)
    second = Gateway("second", clock, hedged.set)
    sending = Sending(clock, first, second, hedge_after=5)
    costs = count(sending)
    sending.dispatcher.start()
    sending.send(reference="only")
    assert begun.wait(10)
    clock.advance(6)
    assert hedged.wait(10)
    sending.dispatcher.stop(60)

    assert (first.given, second.given) == (["only"], ["only"])
    assert sum(costs) == 1


def test_what_another_process_may_have_sent_costs_as_much(clock: FakeClock) -> None:
    sending = Sending(clock, Gateway("first", clock), Gateway("second", clock))
    costs = count(sending)
    message, _ = sending.planned("left")
    sending.dispatcher.start()
    sending.dispatcher.resume(Letter(message, "r", ("first", "second")), {"first"})
    sending.dispatcher.stop(60)

    assert LOST.outcome == Outcome.UNKNOWN
    assert sending.ended == [("left", Outcome.ACCEPTED)]
    assert sum(costs) == 1
