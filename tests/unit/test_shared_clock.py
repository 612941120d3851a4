"""Who uses a Redis goes by its clock where that differs from their own, and says so once."""

import logging

import pytest

from smsotp_plugin.stores.redis.shared_clock import SharedClock
from tests.support.clock import FakeClock

PLACE = "redis at a.example:6379"


@pytest.fixture
def own() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shared(own: FakeClock) -> SharedClock:
    return SharedClock(own, PLACE)


def compare(shared: SharedClock, own: FakeClock, *differences: float, took: float = 0.001) -> float:
    """Hear of a Redis that is so many seconds ahead, one after the other; returns how far ahead the clock then is."""
    for difference in differences:
        shared.compare(own.time() + difference, took)
    return shared.time() - own.time()


@pytest.mark.parametrize("ahead", [2.0, -2.0, 30.0, -30.0, 3600.0, -3600.0, 1e9])
def test_it_follows_a_redis_whose_clock_differs(
    shared: SharedClock, own: FakeClock, ahead: float, caplog: pytest.LogCaptureFixture
) -> None:
    assert compare(shared, own, *[ahead] * 10) == pytest.approx(ahead)
    (said,) = caplog.messages
    side = "ahead of" if ahead > 0 else "behind"
    assert said.startswith(f"the clock of {PLACE} is {abs(ahead):.0f} s {side} that of this machine: ")


@pytest.mark.parametrize("ahead", [0.0, 0.4, -0.4, 0.9, -0.9])
def test_it_is_its_own_where_they_differ_by_a_second_at_most(
    shared: SharedClock, own: FakeClock, ahead: float, caplog: pytest.LogCaptureFixture
) -> None:
    assert compare(shared, own, *[ahead] * 10) == 0.0
    assert caplog.messages == []


def test_differences_around_a_second_are_told_once(
    shared: SharedClock, own: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    assert compare(shared, own, *[1.01, 0.99, 1.3, 0.7] * 10) == pytest.approx(1.01)
    assert len(caplog.messages) == 1


def test_it_follows_each_clock_that_is_set(
    shared: SharedClock, own: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    compare(shared, own, 30.0)
    assert compare(shared, own, 3600.0) == pytest.approx(3600.0)
    own.set_by(3600.0)
    caplog.set_level(logging.INFO)
    assert compare(shared, own, 0.1) == 0.0
    assert (
        "the clock of this machine agrees with that of redis at a.example:6379 again" in caplog.messages[-1]
    )


def test_a_clock_that_is_set_all_the_time_does_not_fill_the_log(
    shared: SharedClock, own: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    compare(shared, own, *[10.0, 20.0] * 200)

    assert len(caplog.messages) <= 60


def test_what_took_long_to_be_told_is_no_moment(shared: SharedClock, own: FakeClock) -> None:
    assert compare(shared, own, -30.0, took=30.0) == 0.0


def test_pauses_and_deadlines_are_measured_as_before(shared: SharedClock, own: FakeClock) -> None:
    compare(shared, own, 3600.0)

    assert shared.monotonic() == own.monotonic()
