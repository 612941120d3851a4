"""A thread that does the same thing once a second goes on whatever happens, and ends when it is told to."""

import threading

import pytest

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.rounds import Rounds


class ImpatientClock(SystemClock):
    """Waits a thousandth of the time."""

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        return super().wait(condition, None if timeout is None else timeout / 1000)


def test_trouble_is_logged_and_the_next_round_comes(caplog: pytest.LogCaptureFixture) -> None:
    troubles: list[Exception] = [ZeroDivisionError("a bug"), OSError("another one")]
    done = threading.Event()

    def work() -> None:
        if troubles:
            raise troubles.pop()
        done.set()

    rounds = Rounds("smsotp-rounds", work, ImpatientClock())
    rounds.start()
    came = done.wait(10)
    rounds.stop()

    assert came
    assert [record.getMessage() for record in caplog.records] == ["smsotp-rounds: unexpected failure"] * 2


class ClockUnderControl(SystemClock):
    """A pause ends when the test says so."""

    def __init__(self) -> None:
        self.pauses: list[float | None] = []
        self.begun, self.over = threading.Semaphore(0), threading.Semaphore(0)
        self.hurried = False

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        self.pauses.append(timeout)
        condition.release()
        try:
            self.begun.release()
            if not self.hurried:
                self.over.acquire()
        finally:
            condition.acquire()
        return False


def test_a_second_passes_before_each_round() -> None:
    done, clock = [], ClockUnderControl()
    rounds = Rounds("smsotp-rounds", lambda: done.append("a round"), clock)
    rounds.start()
    so_far = []
    for _ in range(3):
        assert clock.begun.acquire(timeout=10)
        so_far.append(len(done))
        clock.over.release()
    assert clock.begun.acquire(timeout=10)
    clock.hurried = True
    clock.over.release()
    rounds.stop()

    assert so_far == [0, 1, 2]
    assert clock.pauses[:3] == [1.0, 1.0, 1.0]


def test_they_end_at_once_when_they_are_told_to() -> None:
    rounds = Rounds("smsotp-rounds", lambda: None, SystemClock())
    rounds.start()
    rounds.stop()

    assert "smsotp-rounds" not in {thread.name for thread in threading.enumerate()}


def test_what_was_not_started_can_be_stopped() -> None:
    Rounds("smsotp-rounds", lambda: None, SystemClock()).stop()
