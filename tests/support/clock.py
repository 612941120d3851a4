"""A clock that stands still until a test moves it: the only fake clock in the tests."""

import threading
from dataclasses import dataclass
from enum import Enum, auto

_PATIENCE = 60.0  # real seconds after which a test that waits for a thread fails


@dataclass(eq=False, slots=True)
class _Sleeper:
    condition: threading.Condition
    until: float


class Waits(Enum):
    """What happens to a thread that waits for a while."""

    FOR_ADVANCE = auto()
    """It waits until it is notified or `advance` has passed the time."""
    NOT_AT_ALL = auto()
    """Its wait ends at once, as if the time were over; a wait without a limit ends as if the thread had been notified."""
    SHORTLY = auto()
    """It waits until it is notified, or looks again after a hundredth of a real second; no time of this clock passes."""
    TAKING_TIME = auto()
    """Its wait ends at once, and the time has passed."""


class FakeClock:
    """
    What `smsotp_plugin.clock.Clock` asks for; time passes only in `advance`.

    Args:
        now: Unix seconds at the start; the monotonic scale starts at 1000.
        waits: What happens to threads that wait.
    """

    def __init__(self, now: float = 1_800_000_000.0, waits: Waits = Waits.FOR_ADVANCE) -> None:
        self._start = now
        self._passed = 0.0
        self._waits = waits
        self._changed = threading.Condition()
        self._sleepers: list[_Sleeper] = []

    def time(self) -> float:
        """Return Unix seconds."""
        return self._start + self._passed

    def monotonic(self) -> float:
        """Return seconds on the monotonic scale."""
        return 1000.0 + self._passed

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        """Wait until somebody notifies the condition, or `advance` has passed the timeout; False for the latter."""
        if self._waits is Waits.SHORTLY:
            return condition.wait(0.01)
        if self._waits is not Waits.FOR_ADVANCE:
            if self._waits is Waits.TAKING_TIME:
                self.advance(timeout or 0.0)
            return timeout is None
        if timeout is None:
            return condition.wait()
        with self._changed:
            sleeper = _Sleeper(condition, self._passed + timeout)
            self._sleepers.append(sleeper)
            self._changed.notify_all()
        try:
            if self._passed < sleeper.until:
                condition.wait()
            return self._passed < sleeper.until
        finally:
            with self._changed:
                self._sleepers.remove(sleeper)
                self._changed.notify_all()

    def advance(self, seconds: float) -> None:
        """Let time pass, and wake everybody whose time has come. The caller must hold none of their conditions."""
        with self._changed:
            self._passed += seconds
            due = [sleeper.condition for sleeper in self._sleepers if sleeper.until <= self._passed]
        for condition in due:
            with condition:
                condition.notify_all()

    def set_by(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an administrator or NTP does."""
        with self._changed:
            self._start += seconds

    def wait_for_sleepers(self, count: int) -> None:
        """Return once at least `count` threads wait on this clock for a later time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._asleep() >= count, _PATIENCE):
                raise AssertionError(f"{self._asleep()} threads wait on the clock, not {count}.")

    def _asleep(self) -> int:
        return sum(sleeper.until > self._passed for sleeper in self._sleepers)
