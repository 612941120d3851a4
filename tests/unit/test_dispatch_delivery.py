"""What becomes of one message, decided without threads: any gateways, any answers, in any order."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from smsotp_plugin.dispatch.delivery import Delivery, Ended, Later, RetryRules, Send
from smsotp_plugin.dispatch.health import Condition, GatewayHealth
from smsotp_plugin.dispatch.routes import Plan
from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    BadRecipient,
    ConnectFailed,
    DeliveryError,
    Outcome,
    ProtocolViolation,
    Throttled,
)
from smsotp_plugin.settings.sections.dispatch import OnUnknown
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number

DEADLINE = 30.0
MESSAGE = Message("ref", "bob", parse_number("+491701234567", None), SecretStr("1"), SecretStr("1"), 300.0)
ERRORS: list[DeliveryError] = [
    BadRecipient("x"),
    ConnectFailed("x"),
    AuthFailed("x"),
    Throttled("x"),
    AnswerTimeout("x"),
    ProtocolViolation("x"),
]


def alive(_: str) -> GatewayHealth:
    return GatewayHealth(Condition.ALIVE, 0.0)


def delivery(*gateways: str, rounds: int = 1, on_unknown: OnUnknown = OnUnknown.NEXT) -> Delivery:
    return Delivery(
        message=MESSAGE,
        plan=Plan("default", gateways, ""),
        rules=RetryRules(rounds, on_unknown),
        deadline=DEADLINE,
        random=Random(1),
    )


def run(one: Delivery, answers: list[DeliveryError | None]) -> tuple[list[str], Outcome]:
    """Let attempts end as listed, then successfully; return who was asked in which order, and the end."""
    now, asked, coming = 0.0, [], iter(answers)
    for _ in range(1000):
        match one.choose_step(now, alive):
            case Send(gateway):
                asked.append(gateway)
                error = next(coming, None)
                if error is None:
                    assert one.note_receipt(gateway)
                else:
                    one.note_failure(gateway, error)
            case Later(at):
                assert at >= now
                now = at
            case Ended(outcome):
                return asked, outcome
            case None:
                pytest.fail("it waits for an attempt, but none is under way")
    pytest.fail("it does not end")


def test_the_first_gateway_that_takes_it_ends_it() -> None:
    assert run(delivery("a", "b"), [None]) == (["a"], Outcome.ACCEPTED)


def test_each_gateway_has_its_turn_in_order() -> None:
    failures: list[DeliveryError | None] = [ConnectFailed("x"), BadRecipient("x"), AnswerTimeout("x")]

    assert run(delivery("a", "b", "c", "d"), failures) == (["a", "b", "c", "d"], Outcome.ACCEPTED)


def test_what_was_not_sent_goes_round_again() -> None:
    failures: list[DeliveryError | None] = [ConnectFailed("x"), ConnectFailed("x"), ConnectFailed("x")]

    assert run(delivery("a", "b", rounds=3), failures) == (["a", "b", "a", "b"], Outcome.ACCEPTED)


def test_each_pause_between_two_rounds_is_about_twice_as_long_as_the_one_before() -> None:
    one, now, pauses = delivery("a", "b", rounds=4), 5.0, []
    for _ in range(3):
        for gateway in ("a", "b"):
            assert one.choose_step(now, alive) == Send(gateway)
            one.note_failure(gateway, ConnectFailed("x"))
        step = one.choose_step(now, alive)
        assert isinstance(step, Later)
        pauses.append(step.at - now)
        now = step.at

    assert [low <= pause <= 3 * low for low, pause in zip((0.5, 1.0, 2.0), pauses, strict=True)] == [True] * 3
    assert len({pause / low for low, pause in zip((0.5, 1.0, 2.0), pauses, strict=True)}) == 3


def test_a_round_in_which_a_gateway_only_asked_to_wait_does_not_count() -> None:
    failures: list[DeliveryError | None] = [Throttled("x")] * 7

    asked, outcome = run(delivery("a"), failures)
    assert (asked, outcome) == (["a"] * 8, Outcome.ACCEPTED)


def test_what_nobody_needs_is_not_tried() -> None:
    one = delivery("a", "b", rounds=3)
    first = one.choose_step(0.0, alive)
    one.withdraw()
    meanwhile = one.choose_step(0.0, alive)
    one.note_failure("a", AnswerTimeout("x"))

    assert (first, meanwhile) == (Send("a"), None)
    assert one.choose_step(0.0, alive) == Ended(Outcome.NOT_NEEDED)


@pytest.mark.parametrize("error", [BadRecipient("x"), AuthFailed("x"), AnswerTimeout("x")])
def test_a_gateway_that_may_not_be_asked_again_is_not(error: DeliveryError) -> None:
    failures: list[DeliveryError | None] = [error, ConnectFailed("x")]

    assert run(delivery("a", "b", rounds=3), failures) == (["a", "b", "b"], Outcome.ACCEPTED)


def test_silence_ends_it_where_the_settings_say_so() -> None:
    one = delivery("a", "b", rounds=3, on_unknown=OnUnknown.STOP)

    assert run(one, [AnswerTimeout("x")]) == (["a"], Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("errors", "outcome"),
    [
        ([ConnectFailed("x"), ConnectFailed("x")], Outcome.NOT_SENT),
        ([ConnectFailed("x"), BadRecipient("x")], Outcome.REFUSED),
        ([BadRecipient("x"), AnswerTimeout("x")], Outcome.UNKNOWN),
        ([AnswerTimeout("x"), BadRecipient("x")], Outcome.UNKNOWN),
    ],
)
def test_the_end_is_the_worst_that_may_have_happened(
    errors: list[DeliveryError | None], outcome: Outcome
) -> None:
    assert run(delivery("a", "b"), errors) == (["a", "b"], outcome)


@given(
    count=st.integers(1, 4),
    rounds=st.integers(1, 4),
    on_unknown=st.sampled_from(OnUnknown),
    answers=st.lists(st.one_of(st.none(), st.sampled_from(ERRORS)), max_size=20),
)
def test_every_message_ends_and_no_gateway_is_asked_too_often(
    count: int, rounds: int, on_unknown: OnUnknown, answers: list[DeliveryError | None]
) -> None:
    one = delivery(*(f"g{number}" for number in range(count)), rounds=rounds, on_unknown=on_unknown)

    asked, outcome = run(one, answers)

    throttled = sum(isinstance(error, Throttled) for error in answers[: len(asked)])
    assert all(asked.count(gateway) <= rounds + throttled for gateway in asked)
    assert (outcome is Outcome.ACCEPTED) == (len(answers) < len(asked) or answers[len(asked) - 1] is None)
    assert one.choose_step(0.0, alive) == Ended(outcome)


def test_a_dead_gateway_is_gone_round_and_waited_for_where_it_is_the_only_one() -> None:
    one = delivery("a", "b")
    health = {"a": GatewayHealth(Condition.DEAD, 20.0), "b": GatewayHealth(Condition.ALIVE, 0.0)}

    assert one.choose_step(0.0, health.__getitem__) == Send("b")
    one.note_failure("b", BadRecipient("x"))
    assert one.choose_step(1.0, health.__getitem__) == Later(20.0)
    assert one.choose_step(20.0, alive) == Send("a")


def test_a_gateway_that_is_back_too_late_is_not_waited_for() -> None:
    one = delivery("a")

    assert one.choose_step(0.0, lambda _: GatewayHealth(Condition.RESTING, DEADLINE)) == Ended(
        Outcome.NOT_SENT
    )


def test_nothing_begins_after_the_deadline() -> None:
    assert delivery("a").choose_step(DEADLINE, alive) == Ended(Outcome.NOT_SENT)


def test_while_an_attempt_is_under_way_the_next_gateway_may_be_asked_too() -> None:
    one = delivery("a", "b")
    steps = [one.choose_step(0.0, alive) for _ in range(3)]

    assert steps == [Send("a"), Send("b"), None]
    assert one.note_receipt("b")
    assert not one.note_receipt("a")
    assert one.outcome is Outcome.ACCEPTED


def test_a_gateway_that_was_not_asked_after_all_is_asked_later() -> None:
    resting = {"only": GatewayHealth(Condition.RESTING, 7.0)}
    one = delivery("only")
    first = one.choose_step(0.0, alive)
    one.take_back("only")

    assert first == Send("only")
    assert one.choose_step(1.0, resting.__getitem__) == Later(7.0)
    assert one.choose_step(7.0, alive) == Send("only")


def test_a_gateway_that_is_being_probed_is_not_looked_at_in_a_circle() -> None:
    dead = {"only": GatewayHealth(Condition.DEAD, 5.0)}
    one = delivery("only")

    assert one.choose_step(6.0, dead.__getitem__) == Later(6.25)


def test_a_hedge_is_a_further_gateway_or_nothing() -> None:
    one = delivery("a", "b", rounds=3)
    before = one.hedge(0.0, alive)
    one.choose_step(0.0, alive)
    second, third = one.hedge(1.0, alive), one.hedge(2.0, alive)
    one.note_receipt("a")

    assert (before, second, third) == (None, Send("b"), None)
    assert one.hedge(3.0, alive) is None


def test_what_is_given_up_ends_once() -> None:
    one = delivery("a")
    one.choose_step(0.0, alive)
    one.note_failure("a", AnswerTimeout("x"))

    assert (one.give_up(), one.give_up()) == (Outcome.UNKNOWN, None)
