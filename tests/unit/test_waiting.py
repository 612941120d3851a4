"""``dispatch.wait``: one log-in at a time waits for its SMS, and a stop ends it."""

import threading

import pytest

from smsotp_plugin.errors import Outcome
from smsotp_plugin.login.waiting import Waiting
from tests.support.clock import FakeClock, Waits


def test_an_outcome_is_waited_for() -> None:
    waiting = Waiting(2.0, FakeClock())
    with waiting.turn("s") as mine:
        assert mine
        threading.Thread(target=waiting.settle, args=("s", Outcome.REFUSED)).start()

        assert waiting.wait() is Outcome.REFUSED


def test_how_somebody_elses_message_ends_is_not_waited_for() -> None:
    waiting = Waiting(2.0, FakeClock(1_000_000.0, Waits.NOT_AT_ALL))
    with waiting.turn("s") as mine:
        assert mine
        waiting.settle("another", Outcome.REFUSED)

        assert waiting.wait() is None


def test_nobody_waits_longer_than_is_allowed() -> None:
    waiting = Waiting(2.0, FakeClock(1_000_000.0, Waits.NOT_AT_ALL))
    with waiting.turn("s") as mine:
        assert mine
        assert waiting.wait() is None


def test_while_one_waits_nobody_else_does() -> None:
    waiting = Waiting(2.0, FakeClock(1_000_000.0, Waits.NOT_AT_ALL))
    with waiting.turn("s") as first, waiting.turn("t") as second:
        assert (first, second) == (True, False)


@pytest.mark.parametrize(("took", "rest"), [(1.5, 6.0), (0.1, 0.4)])
def test_after_a_wait_the_others_are_answered_at_once_for_four_times_as_long(
    took: float, rest: float
) -> None:
    clock = FakeClock(1_000_000.0, Waits.NOT_AT_ALL)
    waiting = Waiting(2.0, clock)
    with waiting.turn("s"):
        clock.advance(took)
    turns: list[bool] = []
    for seconds in (0.0, rest - 0.01, 0.02):
        clock.advance(seconds)
        with waiting.turn("t") as mine:
            turns.append(mine)

    assert turns == [False, False, True]


def test_a_log_in_that_fails_gives_its_turn_back() -> None:
    waiting = Waiting(2.0, FakeClock(1_000_000.0, Waits.NOT_AT_ALL))
    with pytest.raises(ValueError, match="x"), waiting.turn("s"):
        raise ValueError("x")

    with waiting.turn("t") as mine:
        assert mine


def test_a_stop_ends_the_wait_and_nobody_begins_one() -> None:
    clock = FakeClock()
    waiting = Waiting(2.0, clock)
    with waiting.turn("s") as mine:
        assert mine
        threading.Thread(target=waiting.stop).start()

        assert waiting.wait() is None
    with waiting.turn("t") as late:
        assert not late


def test_where_nobody_is_to_wait_nobody_does() -> None:
    with Waiting(0, FakeClock(1_000_000.0, Waits.NOT_AT_ALL)).turn("s") as mine:
        assert not mine
