"""Answers, without RADIUS: which are compared, what a wrong one comes to, and whose State it is."""

from collections.abc import Callable

import pytest

from smsotp_plugin.login.decisions import Accept, Ask, NotOurs, Reject
from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY
from tests.support.login_bench import Bench, answer, bench, make, request

__all__ = ["bench", "make"]


def test_a_wrong_code_is_asked_for_again(bench: Bench) -> None:
    asked = bench.ask()
    bench.clock.advance(10)

    again = bench.login.answer_leg(answer(asked.state, "wrong"))

    assert again == Ask(asked.state, "Wrong code. Enter the code sent to +49 *** **67", 290)


def test_the_last_wrong_code_ends_it(make: Callable[..., Bench]) -> None:
    bench = make(otp={"max_attempts": 2})
    asked = bench.ask()
    bench.login.answer_leg(answer(asked.state, "wrong"))

    for typed in ("wrong", bench.code()):
        ended = bench.login.answer_leg(answer(asked.state, typed))
        assert ended == Reject("Too many wrong codes. Log in again to get a new one.")


def test_where_a_wrong_code_ends_the_log_in_the_challenge_is_over(make: Callable[..., Bench]) -> None:
    bench = make(challenge={"on_wrong_code": "reject"})
    asked = bench.ask()

    for typed in ("wrong", bench.code()):
        ended = bench.login.answer_leg(answer(asked.state, typed))
        assert ended == Reject("Wrong code. Log in again to get a new one.")
    assert bench.ask().state != asked.state
    assert len(bench.outbox.messages) == 2


def test_a_code_is_good_until_it_expires_and_once(bench: Bench) -> None:
    asked, code = bench.ask(), bench.code()
    late = bench.ask(client="desk")
    late_code = bench.code()
    bench.clock.advance(299.9)
    accepted = bench.login.answer_leg(answer(asked.state, code))
    bench.clock.advance(0.1)

    over = Reject("The code is no longer valid. Log in again to get a new one.")
    assert accepted == Accept()
    assert bench.login.answer_leg(answer(asked.state, code)) == over
    assert bench.login.answer_leg(answer(late.state, late_code)) == over


@pytest.mark.parametrize(
    ("typed", "on_wrong_code", "wait", "is_over"),
    [
        ("right", "challenge", 0, True),
        ("wrong", "challenge", 0, False),
        ("wrong wrong", "challenge", 0, True),
        ("wrong", "reject", 0, True),
        ("right", "challenge", 300, True),
        ("resend", "challenge", 0, False),
    ],
)
def test_once_a_log_in_is_over_its_code_is_sent_nowhere_else(
    make: Callable[..., Bench], typed: str, on_wrong_code: str, wait: float, *, is_over: bool
) -> None:
    bench = make(otp={"max_attempts": 2}, challenge={"on_wrong_code": on_wrong_code})
    asked, code = bench.ask(), bench.code()
    bench.clock.advance(wait)
    for word in typed.split():
        bench.login.answer_leg(answer(asked.state, code if word == "right" else word))

    assert bench.outbox.withdrawn == [asked.state] * is_over


@pytest.mark.parametrize("state", ["", "0" * 32, "x", "\x00"])
def test_a_state_that_is_not_ours_is_somebody_elses_business(bench: Bench, state: str) -> None:
    bench.ask()

    assert bench.login.answer_leg(answer(state, bench.code())) == NotOurs()


def test_the_state_of_another_user_is_not_ours(bench: Bench) -> None:
    asked = bench.ask()

    assert bench.login.answer_leg(answer(asked.state, bench.code(), user="alice")) == NotOurs()
    assert bench.login.answer_leg(answer(asked.state, bench.code())) == Accept()


def test_the_state_of_another_site_is_not_ours_and_uses_up_no_try(make: Callable[..., Bench]) -> None:
    bench = make(otp={"max_attempts": 1})
    asked = bench.ask()

    assert bench.login.answer_leg(answer(asked.state, bench.code(), site="other")) == NotOurs()
    assert bench.login.answer_leg(answer(asked.state, "resend", site="other")) == NotOurs()
    assert bench.login.answer_leg(answer(asked.state, "wrong", site="other")) == NotOurs()
    assert bench.login.answer_leg(answer(asked.state, bench.code())) == Accept()


def test_an_answer_without_a_password_is_rejected(bench: Bench) -> None:
    assert bench.login.answer_leg(request(state=bench.ask().state, password=None)) == Reject("")


@pytest.mark.parametrize("state", ["", "0" * 32])
def test_a_state_that_is_not_ours_makes_no_difference_without_a_password(bench: Bench, state: str) -> None:
    assert bench.login.answer_leg(request(state=state, password=None)) == NotOurs()


def test_a_code_is_told_from_a_password_by_the_state(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    asked = bench.ask()
    caplog.clear()

    assert bench.login.is_answer(answer(asked.state, "anything"))
    assert not bench.login.is_answer(request(state=None))
    assert not bench.login.is_answer(answer("\x00" * 16, "anything"))
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("state", "changes", "reason"),
    [
        ("0" * 32, {}, "was made with another key, at another site or by another server"),
        ("ABCDEF01" * 4, {}, "was made with another key, at another site or by another server"),
        (None, {"site": "other"}, "was made with another key, at another site or by another server"),
        (None, {"user": "alice"}, "is of another user's challenge, or of one that was over long ago"),
    ],
)
def test_a_state_that_looks_like_ours_and_is_not_is_told_in_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture, state: str | None, changes: dict[str, str], reason: str
) -> None:
    asked = bench.ask()
    caplog.clear()

    assert not bench.login.is_answer(answer(state or asked.state, "anything", **changes))
    assert [reason in message for message in caplog.messages] == [True]


@pytest.mark.parametrize("typed", ["000000", "000 000", "\uff10" * 6])
def test_an_answer_is_one_call_of_the_store_whatever_comes_of_it(bench: Bench, typed: str) -> None:
    asked, right = bench.ask(), bench.code()
    bench.store.asked = tuple[str, ...]()

    for each in (typed, right, right):
        bench.login.is_answer(answer(asked.state, each))
        bench.login.answer_leg(answer(asked.state, each))

    assert bench.store.asked == ("answer",) * 3


@pytest.mark.parametrize("typed", ["hello", "00000", "0000000", "00000a", "0000\u00e9"])
def test_what_can_be_no_code_is_a_password_once_the_store_has_lost_the_challenge(
    bench: Bench, typed: str
) -> None:
    asked = bench.ask()
    assert bench.login.is_answer(answer(asked.state, typed))
    bench.clock.advance(300 + KEPT_AFTER_EXPIRY + 1)
    bench.store.tidy(bench.clock.time())
    bench.clock.set_by(-300 - KEPT_AFTER_EXPIRY - 1)

    assert not bench.login.is_answer(answer(asked.state, typed))


@pytest.mark.parametrize("typed", ["000000", "resend", ""])
def test_an_answer_to_a_challenge_that_the_store_has_lost_is_told_in_the_log(
    bench: Bench, typed: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = bench.ask()
    bench.clock.advance(300 + KEPT_AFTER_EXPIRY + 1)
    bench.store.tidy(bench.clock.time())
    bench.clock.set_by(-300 - KEPT_AFTER_EXPIRY - 1)
    caplog.clear()

    assert bench.login.is_answer(answer(asked.state, typed))
    assert bench.login.answer_leg(answer(asked.state, typed)) == NotOurs()
    assert ["of a challenge that the store does not hold" in line for line in caplog.messages].count(
        True
    ) == 1


def test_an_answer_long_after_the_end_is_a_first_leg_whatever_it_is(bench: Bench) -> None:
    asked, code = bench.ask(), bench.code()
    bench.clock.advance(300 + KEPT_AFTER_EXPIRY)
    assert bench.login.is_answer(answer(asked.state, code))
    bench.clock.advance(1)
    bench.store.tidy(bench.clock.time())

    assert not bench.login.is_answer(answer(asked.state, code))


def test_an_answer_stays_one_while_the_store_is_gone(bench: Bench) -> None:
    asked = bench.ask()
    bench.store.broken = "find"

    assert bench.login.is_answer(answer(asked.state, "anything"))
