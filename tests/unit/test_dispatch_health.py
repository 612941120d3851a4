"""The circuit breaker: what opens it, for how long, and what closes it."""

from random import Random

import pytest

from smsotp_plugin.dispatch.health import Breaker, Condition
from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    BadRecipient,
    ConnectFailed,
    DeliveryError,
    Throttled,
)

DOWN = ConnectFailed("down")


class Even(Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@pytest.fixture
def breaker() -> Breaker:
    return Breaker(Even())


def fail(breaker: Breaker, times: int, error: DeliveryError = DOWN, now: float = 0.0) -> list[bool]:
    return [breaker.failed(error, now) for _ in range(times)]


def test_a_new_gateway_is_alive(breaker: Breaker) -> None:
    assert breaker.health(0.0).condition is Condition.ALIVE


@pytest.mark.parametrize("error", [DOWN, AnswerTimeout("silence"), AuthFailed("no")])
def test_three_failures_in_a_row_are_death_for_a_while(breaker: Breaker, error: DeliveryError) -> None:
    assert fail(breaker, 4, error) == [False, False, True, False]
    assert (breaker.health(0.0).condition, breaker.health(0.0).until) == (Condition.DEAD, 5.0)


def test_it_stays_dead_until_a_probe_says_otherwise(breaker: Breaker) -> None:
    fail(breaker, 3)

    assert breaker.health(10_000.0).condition is Condition.DEAD


@pytest.mark.parametrize("error", [None, BadRecipient("no such number")])
def test_a_success_or_a_refusal_ends_a_row_of_failures(breaker: Breaker, error: DeliveryError | None) -> None:
    fail(breaker, 2)
    if error is None:
        breaker.succeeded()
    else:
        fail(breaker, 1, error)

    assert fail(breaker, 2) == [False, False]
    assert breaker.health(0.0).condition is Condition.ALIVE


def test_half_of_the_last_ten_failing_is_death_too(breaker: Breaker) -> None:
    opened = []
    for _ in range(5):
        breaker.succeeded()
        opened += fail(breaker, 1)

    assert opened == [False] * 4 + [True]


def test_pauses_grow_to_a_minute(breaker: Breaker) -> None:
    fail(breaker, 3)
    pauses = []
    for _ in range(6):
        breaker.probed(alive=False, now=1000.0)
        pauses.append(breaker.health(0.0).until - 1000.0)

    assert pauses == [10.0, 20.0, 40.0, 60.0, 60.0, 60.0]


def test_one_failure_on_trial_is_death_again_for_longer(breaker: Breaker) -> None:
    fail(breaker, 3)
    breaker.probed(alive=True, now=30.0)
    on_trial = breaker.health(30.0).condition

    assert on_trial is Condition.ALIVE
    assert fail(breaker, 1, now=31.0) == [True]
    assert breaker.health(31.0).until == 41.0


def test_a_message_that_goes_through_ends_the_trial(breaker: Breaker) -> None:
    fail(breaker, 3)
    breaker.probed(alive=True, now=30.0)
    breaker.succeeded()

    assert fail(breaker, 3, now=40.0) == [False, False, True]
    assert breaker.health(40.0).until == 45.0


@pytest.mark.parametrize(
    ("error", "until"),
    [
        (Throttled("slow"), 2.0),
        (Throttled("slow", retry_after=7), 7.0),
        (Throttled("slow", retry_after=1e9), 3600.0),
    ],
)
def test_a_gateway_that_throttles_rests_and_is_back(
    breaker: Breaker, error: DeliveryError, until: float
) -> None:
    assert fail(breaker, 5, error) == [False] * 5

    assert (breaker.health(0.0).condition, breaker.health(0.0).until) == (Condition.RESTING, until)
    assert breaker.health(until).condition is Condition.ALIVE
