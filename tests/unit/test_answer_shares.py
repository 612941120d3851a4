"""Shares of answers: what is stored of them, and for how long that counts after a restart."""

import pytest

from smsotp_plugin.login.shares import GRACE, STEP, Anomaly, AnswerShares, SmsOrigin

BLOCK = SmsOrigin("p+49170123", "+49170123")
#: The key of all SMS to blocks from which people answer.
FAMILIAR = ""
STEPS_A_DAY, STEPS_AN_HOUR = 144, 6


def judge_around(shares: AnswerShares, moment: float) -> tuple[str, str]:
    """Return in which span too much is unanswered just before a moment and at that moment; empty for none."""
    spans = []
    for now in (moment - 1, moment):
        shares.settle(now)
        finding = shares.judge(BLOCK)
        spans.append(finding.span if finding else "")
    return spans[0], spans[1]


@pytest.mark.parametrize("age", [0, 1, 5, 6, 30, 143])
def test_what_was_counted_before_a_restart_counts_for_the_rest_of_its_day(age: int) -> None:
    shares = AnswerShares(0.0)
    shares.load(BLOCK.key, answered=0, unanswered=20, steps=age)

    assert judge_around(shares, (STEPS_A_DAY - age) * STEP) == ("day", "")


@pytest.mark.parametrize("age", [0, 1, 5])
def test_what_was_counted_before_a_restart_counts_for_the_rest_of_its_hour(age: int) -> None:
    shares = AnswerShares(0.0)
    # Little for a day, and much for an hour.
    shares.load(BLOCK.key, answered=100, unanswered=25, steps=age)

    assert judge_around(shares, (STEPS_AN_HOUR - age) * STEP) == ("hour", "")


def test_of_an_hour_only_what_was_answered_in_it_counts() -> None:
    shares = AnswerShares(0.0)
    shares.load(BLOCK.key, answered=100, unanswered=0, steps=STEPS_AN_HOUR)
    shares.load(BLOCK.key, answered=0, unanswered=25, steps=0)

    assert shares.judge(BLOCK) == Anomaly(BLOCK, 25, 0, "hour", is_settled=True)


def test_what_was_counted_an_hour_before_a_restart_counts_for_its_day_alone() -> None:
    shares = AnswerShares(0.0)
    shares.load(BLOCK.key, answered=100, unanswered=25, steps=STEPS_AN_HOUR)

    assert shares.judge(BLOCK) is None


@pytest.mark.parametrize(
    ("answered", "unanswered", "is_too_much"),
    [(0, 19, False), (0, 20, True), (66, 20, True), (67, 20, False), (100, 29, False), (100, 30, True)],
)
def test_of_a_day_twenty_and_three_tenths_of_what_is_answered_are_too_much(
    answered: int, unanswered: int, *, is_too_much: bool
) -> None:
    shares = AnswerShares(0.0)
    shares.load(BLOCK.key, answered=answered, unanswered=unanswered, steps=STEPS_AN_HOUR)

    assert (shares.judge(BLOCK) is not None) == is_too_much


@pytest.mark.parametrize(
    ("answered", "unanswered", "is_outage"), [(0, 19, False), (0, 20, True), (20, 20, False), (20, 21, True)]
)
def test_an_outage_is_an_hour_in_which_most_of_those_do_not_answer_who_usually_do(
    answered: int, unanswered: int, *, is_outage: bool
) -> None:
    shares = AnswerShares(0.0)
    shares.load(FAMILIAR, answered=answered, unanswered=unanswered, steps=STEPS_AN_HOUR - 1)

    assert shares.is_outage() == is_outage
    shares.settle(STEP)
    assert not shares.is_outage()


def test_what_has_changed_is_told_once() -> None:
    shares = AnswerShares(0.0)
    for number in range(5):
        shares.note_sent(str(number), (BLOCK,), 0.0)
    for number in range(2):
        shares.note_answered(str(number))
    taken = [shares.take_changes()]
    shares.settle(GRACE)
    taken.append(shares.take_changes())
    # A late answer makes one of what was unanswered.
    shares.note_answered("2")
    taken += [shares.take_changes(), shares.take_changes()]

    assert [each.get(BLOCK.key) for each in taken] == [[2, 0], [0, 3], [1, -1], None]
