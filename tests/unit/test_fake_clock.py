import threading

import pytest

from smsotp_plugin.clock import Clock, Deadline
from tests.support.clock import FakeClock


def sleep(
    clock: Clock, seconds: float | None, results: list[bool]
) -> tuple[threading.Thread, threading.Condition]:
    condition = threading.Condition()

    def run() -> None:
        with condition:
            results.append(clock.wait(condition, seconds))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, condition


def test_both_scales_move_together_and_only_on_demand() -> None:
    clock = FakeClock(now=5.0)
    deadline = Deadline.after(3, clock)

    clock.advance(2)

    assert (clock.time(), deadline.remaining()) == (7.0, 1.0)


def test_a_sleeper_wakes_when_its_time_has_come() -> None:
    clock, results = FakeClock(), list[bool]()
    thread, _ = sleep(clock, 10, results)
    clock.wait_for_sleepers(1)

    clock.advance(9)
    clock.wait_for_sleepers(1)
    clock.advance(1)
    thread.join(10)

    assert results == [False]


def test_a_sleeper_that_is_notified_wakes_early() -> None:
    clock, results = FakeClock(), list[bool]()
    thread, condition = sleep(clock, 10, results)
    clock.wait_for_sleepers(1)

    with condition:
        condition.notify_all()
    thread.join(10)

    assert results == [True]


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_time_is_over_at_once(seconds: float) -> None:
    clock, condition = FakeClock(), threading.Condition()

    with condition:
        assert not clock.wait(condition, seconds)
