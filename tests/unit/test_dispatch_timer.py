"""Calls at given moments: in their order, never early, never after the end."""

import threading
from collections.abc import Iterator

import pytest

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.dispatch.timer import Timer
from tests.support.unclosed import own_threads


@pytest.fixture
def timer() -> Iterator[Timer]:
    before = own_threads()
    timer = Timer(SystemClock())
    yield timer
    timer.stop()
    assert own_threads() <= before


def test_calls_come_in_the_order_of_their_moments(timer: Timer) -> None:
    called: list[str] = []
    done = threading.Event()
    now = SystemClock().monotonic()
    timer.call_at(now + 0.02, lambda: called.append("second"))
    timer.call_at(now - 10, lambda: called.append("first"))
    timer.call_at(now + 0.03, done.set)
    timer.start()

    assert done.wait(10)
    assert called == ["first", "second"]


def test_an_earlier_call_is_not_kept_waiting_by_a_later_one(timer: Timer) -> None:
    done = threading.Event()
    timer.start()
    timer.call_at(SystemClock().monotonic() + 3600, lambda: pytest.fail("called an hour early"))
    timer.call_at(SystemClock().monotonic(), done.set)

    assert done.wait(10)


def test_a_call_that_fails_ends_no_other(timer: Timer, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    done = threading.Event()
    timer.start()
    timer.call_at(0, fail)
    timer.call_at(1, done.set)

    assert done.wait(10)
    assert "unexpected failure of a timed call" in caplog.text


def test_a_call_may_plan_another(timer: Timer) -> None:
    done = threading.Event()
    timer.start()
    timer.call_at(0, lambda: timer.call_at(0, done.set))

    assert done.wait(10)


def test_nothing_is_called_after_the_end(timer: Timer) -> None:
    called: list[str] = []
    timer.start()
    timer.stop()
    timer.call_at(0, lambda: called.append("late"))
    timer.stop()

    assert called == []
