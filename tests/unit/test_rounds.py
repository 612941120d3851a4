"""A thread that does the same thing once a second goes on whatever happens, and ends when it is told to."""

import pytest

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.rounds import Rounds
from tests.support.clock import FakeClock
from tests.support.unclosed import own_threads


def test_trouble_is_logged_and_the_next_round_comes(caplog: pytest.LogCaptureFixture) -> None:
    troubles: list[Exception] = [ZeroDivisionError("a bug"), OSError("another one")]
    done: list[str] = []

    def work() -> None:
        if troubles:
            raise troubles.pop()
        done.append("a round")

    clock = FakeClock()
    rounds = Rounds("smsotp-rounds", work, clock)
    rounds.start()
    for _ in range(3):
        clock.wait_for_sleepers(1)
        clock.advance(1.0)
    clock.wait_for_sleepers(1)
    rounds.stop()

    assert done == ["a round"]
    assert [record.getMessage() for record in caplog.records] == ["smsotp-rounds: unexpected failure"] * 2


def test_a_second_passes_before_each_round() -> None:
    done, clock = [], FakeClock()
    rounds = Rounds("smsotp-rounds", lambda: done.append("a round"), clock)
    rounds.start()
    so_far = []
    for seconds in (0.75, 0.25, 0.75, 0.25):
        clock.wait_for_sleepers(1)
        so_far.append(len(done))
        clock.advance(seconds)
    clock.wait_for_sleepers(1)
    rounds.stop()

    assert (so_far, len(done)) == ([0, 0, 1, 1], 2)


def test_they_end_at_once_when_they_are_told_to() -> None:
    before = own_threads()
    rounds = Rounds("smsotp-rounds", lambda: None, SystemClock())
    rounds.start()
    rounds.stop()

    assert own_threads() <= before


def test_what_was_not_started_can_be_stopped() -> None:
    Rounds("smsotp-rounds", lambda: None, SystemClock()).stop()
