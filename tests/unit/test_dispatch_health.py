"""The circuit breaker: what opens it, for how long, and what closes it."""

from itertools import pairwise
from random import Random

import pytest

from smsotp_plugin.dispatch.health import Breaker, Condition, Consequence, GatewayHealth
from smsotp_plugin.dispatch.people import Person
from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    BadRecipient,
    ConnectFailed,
    CreditExhausted,
    DeliveryError,
    Throttled,
)

DOWN = ConnectFailed("down")
NOTHING, SUSPECT, OPENED = Consequence.NOTHING, Consequence.SUSPECT, Consequence.OPENED


class Even(Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@pytest.fixture
def breaker() -> Breaker:
    return Breaker(Even())


def person(number: int) -> Person:
    return Person(f"user{number}", f"+49170{number}")


def fail(
    breaker: Breaker, times: int, error: DeliveryError = DOWN, now: float = 0.0, first: int = 0
) -> list[Consequence]:
    """Let the messages of so many different people fail."""
    return [breaker.note_failure(error, person(first + number), now) for number in range(times)]


def test_a_new_gateway_is_alive(breaker: Breaker) -> None:
    assert breaker.health(0.0).condition is Condition.ALIVE


@pytest.mark.parametrize("error", [DOWN, AnswerTimeout("silence")])
def test_three_people_in_a_row_whose_messages_fail_are_death_for_a_while(
    breaker: Breaker, error: DeliveryError
) -> None:
    assert fail(breaker, 4, error) == [NOTHING, NOTHING, OPENED, NOTHING]
    assert (breaker.health(0.0).condition, breaker.health(0.0).until) == (Condition.DEAD, 5.0)


@pytest.mark.parametrize(
    "people",
    [
        [Person("bob", "+49170") for _ in range(50)],
        [Person("bob", f"+49170{number}") for number in range(50)],
        [Person(f"bob{number}", "+49170") for number in range(50)],
        [Person(f"bob{number % 2}", f"+49170{number % 2}") for number in range(50)],
    ],
    ids=["one", "many numbers", "many names", "two"],
)
def test_one_or_two_people_are_no_death_however_often_they_try(
    breaker: Breaker, people: list[Person]
) -> None:
    consequences = [
        breaker.note_failure(AnswerTimeout("silence"), one, now / 10) for now, one in enumerate(people)
    ]

    assert set(consequences) == {NOTHING, SUSPECT}
    # A probe tells; it is asked for every five seconds and no more often.
    assert consequences.count(SUSPECT) == 1
    assert breaker.health(0.0).condition is Condition.ALIVE


@pytest.mark.parametrize("kind", [AuthFailed, CreditExhausted])
def test_a_refused_account_is_no_gateway_that_only_asks_to_wait(
    breaker: Breaker, kind: type[AuthFailed | CreditExhausted]
) -> None:
    assert breaker.note_failure(kind("no", retry_after=5.0), person(1), 0.0) is OPENED
    assert breaker.health(6.0).condition is Condition.DEAD


@pytest.mark.parametrize("error", [AuthFailed("no"), CreditExhausted("no")])
def test_an_account_with_which_messages_have_gone_through_lately_is_doubted_on_the_word_of_two(
    breaker: Breaker, error: DeliveryError
) -> None:
    breaker.note_success(person(9), 0.0)
    of_one = {breaker.note_failure(error, person(1), 599.0 + each / 100) for each in range(50)}

    assert OPENED not in of_one
    assert breaker.health(599.5).condition is Condition.ALIVE
    assert breaker.note_failure(error, person(2), 599.5) is OPENED
    assert breaker.is_barred


def test_an_account_with_which_nothing_has_gone_through_for_long_is_doubted_on_the_word_of_one(
    breaker: Breaker,
) -> None:
    breaker.note_success(person(9), 0.0)

    assert breaker.note_failure(AuthFailed("no"), person(1), 600.0) is OPENED


def test_a_refusal_that_others_have_disproved_is_no_doubt_however_long_ago_that_was(breaker: Breaker) -> None:
    for moment, number in ((0.0, 1), (2.0, 2)):
        breaker.note_success(person(number), moment)
        breaker.note_failure(AuthFailed("403"), person(9), moment + 1)

    assert breaker.note_failure(AuthFailed("403"), person(9), 5000.0) is NOTHING


def test_two_people_who_are_refused_with_a_success_between_them_are_no_doubt(breaker: Breaker) -> None:
    breaker.note_success(person(9), 0.0)
    consequences = []
    for number in range(4):
        consequences.append(breaker.note_failure(AuthFailed("no"), person(number), float(number)))
        breaker.note_success(person(9), float(number))

    assert set(consequences) == {NOTHING}


@pytest.mark.parametrize("error", [AuthFailed("no"), CreditExhausted("no")])
def test_a_refused_account_is_death_at_once_and_no_probe_lifts_it(
    breaker: Breaker, error: DeliveryError
) -> None:
    assert fail(breaker, 1, error) == [OPENED]
    assert not breaker.note_probe(None, 5.0)
    assert (breaker.health(5.0).condition, breaker.health(5.0).until) == (Condition.DEAD, 60.0)
    assert not breaker.may_try(person(2), 59.0, last_hope=True)
    assert breaker.may_try(person(2), 60.0, last_hope=False)
    assert not breaker.may_try(person(3), 60.0, last_hope=False)
    breaker.note_success(person(2), 60.0)
    assert breaker.health(60.0).condition is Condition.ALIVE


def test_tries_of_a_refused_account_become_rarer_and_stay_within_five_minutes(breaker: Breaker) -> None:
    fail(breaker, 1, AuthFailed("no"))
    moments = []
    for now in range(2000):
        if breaker.may_try(person(now), now, last_hope=True):
            moments.append(now)
            breaker.note_failure(AuthFailed("no"), person(now), now)

    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert (moments[0], gaps[0], max(gaps)) == (60, 120, 200)


def test_a_probe_that_notices_the_refused_account_is_believed_when_it_succeeds(breaker: Breaker) -> None:
    fail(breaker, 1, AuthFailed("no"))
    breaker.note_probe(AuthFailed("no"), 5.0)

    assert breaker.health(5.0).until == 10.0
    assert breaker.note_probe(None, 10.0)
    assert breaker.health(10.0).condition is Condition.ALIVE


def test_it_stays_dead_until_a_probe_says_otherwise(breaker: Breaker) -> None:
    fail(breaker, 3)

    assert breaker.health(10_000.0).condition is Condition.DEAD


@pytest.mark.parametrize("error", [None, BadRecipient("no such number")])
def test_a_success_or_a_refusal_ends_a_row_of_failures(breaker: Breaker, error: DeliveryError | None) -> None:
    fail(breaker, 2)
    if error is None:
        breaker.note_success(person(9), 0.0)
    else:
        fail(breaker, 1, error, first=9)

    assert fail(breaker, 2, first=20) == [NOTHING, NOTHING]
    assert breaker.health(0.0).condition is Condition.ALIVE


def test_half_of_the_last_ten_people_failing_is_death_too(breaker: Breaker) -> None:
    opened = []
    for number in range(0, 10, 2):
        breaker.note_success(person(number), 0.0)
        opened += fail(breaker, 1, first=number + 1)

    assert opened == [NOTHING] * 4 + [OPENED]


def test_pauses_grow_to_a_minute_and_never_fail_however_long_it_lasts(breaker: Breaker) -> None:
    fail(breaker, 3)
    pauses = []
    for _ in range(3000):
        breaker.note_probe(DOWN, 1000.0)
        pauses.append(breaker.health(0.0).until - 1000.0)

    assert pauses[:6] == [10.0, 20.0, 40.0, 60.0, 60.0, 60.0]
    assert set(pauses[6:]) == {60.0}


def test_a_failure_of_somebody_new_on_trial_is_death_again_for_longer(breaker: Breaker) -> None:
    fail(breaker, 3)
    breaker.note_probe(None, 30.0)
    on_trial = breaker.health(30.0).condition

    assert on_trial is Condition.ALIVE
    assert fail(breaker, 1, now=31.0, first=7) == [OPENED]
    assert breaker.health(31.0).until == 41.0


def test_a_failure_on_trial_of_somebody_whose_messages_failed_before_says_nothing(breaker: Breaker) -> None:
    fail(breaker, 3)
    breaker.note_probe(None, 30.0)

    assert {breaker.note_failure(AnswerTimeout("x"), person(1), 31.0 + number) for number in range(9)} <= {
        NOTHING,
        SUSPECT,
    }
    assert breaker.health(40.0).condition is Condition.ALIVE


def test_a_message_that_goes_through_ends_the_trial(breaker: Breaker) -> None:
    fail(breaker, 3)
    breaker.note_probe(None, 30.0)
    breaker.note_success(person(1), 0.0)

    assert fail(breaker, 3, now=40.0) == [NOTHING, NOTHING, OPENED]
    assert breaker.health(40.0).until == 45.0


def test_a_probe_out_of_turn_that_fails_changes_no_pause(breaker: Breaker) -> None:
    fail(breaker, 3)
    breaker.note_probe(DOWN, 2.0, hurried=True)

    assert breaker.health(2.0).until == 5.0


def test_where_only_messages_tell_a_few_are_tried_and_those_who_failed_before_are_not(
    breaker: Breaker,
) -> None:
    fail(breaker, 3, AnswerTimeout("silence"))

    assert not breaker.may_try(person(1), 1.0, last_hope=True)
    assert not breaker.may_try(person(10), 1.0, last_hope=False)
    tried = [now for now in range(600) if breaker.may_try(person(1000 + now), now, last_hope=True)]
    assert tried == [0, 1, 2, 3, 5, 9, 17, 33, *range(65, 600, 32)]


def test_where_a_probe_tells_no_message_is_tried(breaker: Breaker) -> None:
    fail(breaker, 3)

    assert not breaker.may_try(person(10), 1.0, last_hope=True)
    assert [breaker.may_hurry(1.0) for _ in range(5)] == [True, True, True, False, False]


@pytest.mark.parametrize(("asked", "rest"), [(None, 2.0), (5.0, 5.0), (3600.0, 10.0)])
def test_a_number_that_is_throttled_makes_the_gateway_rest_once_and_not_for_long(
    breaker: Breaker, asked: float | None, rest: float
) -> None:
    for moment in range(50):
        breaker.note_failure(Throttled("slow", retry_after=asked), person(1), moment / 10)

    assert breaker.health(0.0).until == rest
    assert breaker.health(rest).condition is Condition.ALIVE
    assert breaker.health_for(person(2), rest).condition is Condition.ALIVE
    assert breaker.health_for(person(1), rest).until == 4.9 + (asked or 2.0)


def test_a_number_that_is_throttled_while_others_are_served_keeps_nobody_waiting(breaker: Breaker) -> None:
    breaker.note_failure(Throttled("slow"), person(1), 0.0)
    rested = []
    for moment in range(10, 60):
        breaker.note_success(person(moment), float(moment))
        breaker.note_failure(Throttled("slow", retry_after=60), person(1), float(moment))
        rested.append(breaker.health(float(moment)).condition)

    assert set(rested) == {Condition.ALIVE}


def test_who_was_asked_to_wait_waits_that_long_and_is_then_served(breaker: Breaker) -> None:
    breaker.note_failure(Throttled("slow", retry_after=60), person(1), 0.0)

    assert breaker.health_for(person(1), 59.0) == GatewayHealth(Condition.RESTING, 60.0)
    assert breaker.health_for(Person("somebody else", person(1).number), 59.0).until == 60.0
    assert breaker.health_for(person(1), 60.0).condition is Condition.ALIVE


def test_a_gateway_that_asks_three_people_to_wait_long_is_left_alone_that_long(breaker: Breaker) -> None:
    for number in range(3):
        breaker.note_failure(Throttled("slow", retry_after=600), person(number), 10.0 * number)

    assert breaker.health(30.0).until == 620.0


def test_a_gateway_that_serves_somebody_while_it_should_rest_did_not_mean_everybody(breaker: Breaker) -> None:
    for number in range(3):
        breaker.note_failure(Throttled("slow", retry_after=600), person(number), 20.0)
    breaker.note_success(person(3), 20.1)

    assert breaker.health(20.1).until == 30.1
    assert breaker.health_for(person(0), 30.1).until == 620.0


def test_of_several_rests_the_longest_counts(breaker: Breaker) -> None:
    for number, asked in ((1, 60), (2, 3)):
        breaker.note_failure(Throttled("slow", retry_after=asked), person(number), 0.0)
    of_few, of_one = breaker.health(0.0).until, breaker.health_for(person(1), 20.0).until
    breaker.note_failure(Throttled("slow", retry_after=600), person(3), 1.0)

    assert (of_few, of_one) == (10.0, 60.0)
    assert breaker.health_for(person(1), 20.0).until == 601.0


def test_a_gateway_that_is_dead_is_so_also_for_those_whom_it_asked_to_wait(breaker: Breaker) -> None:
    breaker.note_failure(Throttled("slow", retry_after=60), person(9), 0.0)
    fail(breaker, 3)

    assert breaker.health_for(person(9), 1.0).condition is Condition.DEAD


def test_no_more_people_are_remembered_than_need_be(breaker: Breaker) -> None:
    fail(breaker, 1000, Throttled("slow", retry_after=600))

    assert len(breaker._own_rests) < 300
    assert breaker.health_for(person(999), 1.0).condition is Condition.RESTING


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
    assert fail(breaker, 5, error) == [NOTHING] * 5

    assert (breaker.health(0.0).condition, breaker.health(0.0).until) == (Condition.RESTING, until)
    assert breaker.health(until).condition is Condition.ALIVE
