"""Another SMS for the same log-in, without RADIUS: who gets one, and what is told where none got out."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from smsotp_plugin.errors import NoRoute, Outcome
from smsotp_plugin.login.decisions import Accept, Ask, NotOurs, Reject
from smsotp_plugin.stores.delivery_log import EventKind
from tests.support.login_bench import AnotherReason, Bench, answer, bench, make, request

__all__ = ["bench", "make"]


@pytest.mark.parametrize(
    "typed",
    [
        *("resend", " ReSend ", "re send", "re-send", "\uff52\uff45\uff53\uff45\uff4e\uff44", "resend.\r\n"),
        *("", "  ", "\u200b", "-", "\t\r\n", "\u202a\u202c"),
    ],
)
def test_the_same_code_is_sent_again_through_the_next_gateway(bench: Bench, typed: str) -> None:
    asked, code = bench.ask(), bench.code()
    bench.clock.advance(30)

    again = bench.login.answer_leg(answer(asked.state, typed))

    assert again == Ask(asked.state, "Enter the code sent to +49 *** **67", 270)
    assert bench.code() == code
    assert bench.outbox.gateways == [("first", "second"), ("second", "first")]
    assert bench.login.answer_leg(answer(asked.state, code)) == Accept()


def test_a_wish_that_comes_too_early_is_told_to_wait_and_is_no_try(make: Callable[..., Bench]) -> None:
    bench = make(otp={"max_attempts": 1})
    asked = bench.ask()
    bench.clock.advance(10)

    told = bench.login.answer_leg(answer(asked.state, "resend"))

    assert isinstance(told, Ask)
    assert "in 20 s" in told.prompt
    assert len(bench.outbox.messages) == 1
    assert bench.login.answer_leg(answer(asked.state, bench.code())) == Accept()


def test_wishes_are_limited(bench: Bench) -> None:
    asked = bench.ask()
    told: list[object] = []
    for _ in range(3):
        bench.clock.advance(30)
        told.append(bench.login.answer_leg(answer(asked.state, "resend")))

    assert told[-1] == Ask(
        asked.state, "No further SMS can be sent. Enter the code sent to +49 *** **67", 210
    )
    assert len(bench.outbox.messages) == 3


@pytest.mark.parametrize("other", [{"user": "alice"}, {"state": "0" * 32}])
def test_nobody_has_anothers_code_sent_again(bench: Bench, other: dict[str, str]) -> None:
    asked = bench.ask()
    bench.clock.advance(30)
    wish = {"user": "bob", "state": asked.state} | other

    assert bench.login.answer_leg(request(password=SecretStr("resend"), **wish)) == NotOurs()
    assert len(bench.outbox.messages) == 1


def test_a_code_is_not_sent_again_to_another_number(bench: Bench) -> None:
    asked = bench.ask()
    bench.clock.advance(30)

    told = bench.login.answer_leg(answer(asked.state, "resend", numbers=("+491701111111",)))

    assert told == Reject("The code is no longer valid. Log in again to get a new one.")
    assert len(bench.outbox.messages) == 1


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.NOT_SENT])
def test_a_code_that_did_not_get_out_is_told_and_the_next_log_in_gets_a_new_one(
    bench: Bench, outcome: Outcome
) -> None:
    bench.outbox.outcome = outcome
    asked = bench.ask()
    told = bench.login.answer_leg(answer(asked.state, "000000"))
    bench.outbox.outcome = None

    assert told == Reject("The SMS with the code could not be delivered. Ask your administrator.")
    assert bench.ask().state != asked.state


@pytest.mark.parametrize("typed", ["000000", "resend", ""])
@pytest.mark.parametrize(
    "sections", [{}, {"challenge": {"on_wrong_code": "reject"}}, {"otp": {"max_attempts": 1}}]
)
def test_whatever_is_answered_where_no_sms_got_out_is_rejected_with_the_reason(
    make: Callable[..., Bench], sections: dict[str, Any], typed: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bench = make(**sections)
    bench.outbox.outcome = Outcome.NOT_SENT
    asked = bench.ask()
    bench.clock.advance(40)

    told = [bench.login.answer_leg(answer(asked.state, typed)) for _ in range(2)]

    assert set(told) == {Reject("The SMS with the code could not be delivered. Ask your administrator.")}
    assert len(bench.outbox.messages) == 1
    said = "rejected, because no SMS with the code got out (not sent)"
    assert caplog.text.count(f"answers challenge {bench.outbox.messages[0].reference}: {said}") == 1
    assert "tries left" not in caplog.text
    assert [event.detail for event in bench.trace() if event.kind is EventKind.ANSWERED] == [said]


def test_an_answer_to_an_sms_that_did_not_get_out_is_told_so_even_when_the_code_is_too_old(
    bench: Bench,
) -> None:
    bench.outbox.outcome = Outcome.REFUSED
    asked = bench.ask()
    bench.clock.advance(301)

    told = bench.login.answer_leg(answer(asked.state, "000000"))

    assert told == Reject("The SMS with the code could not be delivered. Ask your administrator.")


@pytest.mark.parametrize("refusal", [NoRoute("none"), AnotherReason("spent")])
def test_a_wish_for_another_sms_that_cannot_be_sent_is_rejected_and_uses_up_nothing(
    bench: Bench, refusal: Exception
) -> None:
    asked = bench.ask()
    bench.clock.advance(60)
    bench.outbox.refusal = refusal
    refused = bench.login.answer_leg(answer(asked.state, "resend"))

    assert refused == Reject("No code can be sent at present. Try again later.")
    assert bench.store.find(asked.state, "bob").resends == 0


@pytest.mark.parametrize(
    ("text", "tries", "wait", "typed"),
    [
        ("too_many_attempts_text", 1, 0, "000000"),
        ("expired_text", 5, 300, "000000"),
        ("expired_text", 5, 300, "resend"),
    ],
)
def test_a_rejection_can_name_the_log_in_for_the_help_desk(
    make: Callable[..., Bench], text: str, tries: int, wait: float, typed: str
) -> None:
    bench = make(otp={"max_attempts": tries}, challenge={text: "Call us about {reference}."})
    asked = bench.ask()
    bench.clock.advance(wait)

    told = bench.login.answer_leg(answer(asked.state, typed))

    assert told == Reject(f"Call us about {bench.outbox.messages[0].reference}.")


@pytest.mark.parametrize("wait", [0, 0.5])
def test_an_sms_that_did_not_get_out_can_be_named_for_the_help_desk(
    make: Callable[..., Bench], wait: float
) -> None:
    bench = make(dispatch={"wait": wait}, challenge={"undelivered_text": "Call us about {reference}."})
    bench.outbox.outcome = Outcome.REFUSED

    first = bench.login.first_leg(request())
    bench.store.flush()
    told = bench.login.answer_leg(answer(first.state, "000000")) if isinstance(first, Ask) else first

    assert told == Reject(f"Call us about {bench.outbox.messages[0].reference}.")


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.UNKNOWN])
def test_a_code_that_may_have_got_out_is_waited_for(bench: Bench, outcome: Outcome) -> None:
    bench.outbox.outcome = outcome
    asked = bench.ask()

    assert isinstance(bench.login.answer_leg(answer(asked.state, "wrong")), Ask)
    assert bench.ask().state == asked.state


def test_a_site_that_waits_tells_at_once_that_nothing_was_delivered(make: Callable[..., Bench]) -> None:
    bench = make(dispatch={"wait": 0.5})
    bench.outbox.outcome = Outcome.REFUSED

    told = bench.login.first_leg(request())

    assert told == Reject("The SMS with the code could not be delivered. Ask your administrator.")
