"""A clock that stands still until a test moves it."""

import threading
from dataclasses import dataclass

_PATIENCE = 10.0  # real seconds after which a test that waits for a thread fails


@dataclass(eq=False, slots=True)
class _Sleeper:
    condition: threading.Condition
    until: float


class FakeClock:
    """
    What `smsotp_plugin.clock.Clock` asks for; time passes only in `advance`.

    Args:
        now: Unix seconds at the start; the monotonic scale starts at 1000.
    """

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._start = now
        self._passed = 0.0
        self._changed = threading.Condition()
        self._sleepers: list[_Sleeper] = []

    def time(self) -> float:
        """Return Unix seconds."""
        return self._start + self._passed

    def monotonic(self) -> float:
        """Return seconds on the other scale."""
        return 1000.0 + self._passed

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        """Wait until somebody notifies the condition, or `advance` has passed the timeout; False for the latter."""
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

    def wait_for_sleepers(self, count: int) -> None:
        """Return once at least `count` threads wait on this clock for a time to come."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._sleepers) >= count, _PATIENCE):
                raise AssertionError(f"{len(self._sleepers)} threads wait on the clock, not {count}.")
