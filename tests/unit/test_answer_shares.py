"""Shares of answers: what is stored of them, and for how long that counts after a restart."""

import pytest

from smsotp_plugin.login.shares import GRACE, STEP, Anomaly, AnswerShares, SmsOrigin

BLOCK = SmsOrigin("p+49170123", "+49170123")
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
