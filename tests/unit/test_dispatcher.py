"""The senders: which gateway gets which message, and what follows from each outcome."""

import threading

import pytest
from pydantic import SecretStr

from smsotp_plugin.dispatch.routes import Recipient
from smsotp_plugin.errors import (
    AnswerTimeout,
    BadRecipient,
    ConnectFailed,
    Outcome,
)
from smsotp_plugin.settings.sections.dispatch import OnUnknown
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.delivery_log import EventKind
from tests.support.clock import FakeClock
from tests.support.sending import NUMBER, Gateway, Sending, clock, fail_with, no_thread_is_left

__all__ = ["clock", "no_thread_is_left"]


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
