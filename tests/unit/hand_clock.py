"""A clock that only tests move."""

import threading


class HandClock:
    """
    Time that stands still until `advance`.

    A wait ends at once: with its time over where there is a timeout, and as if it had been notified where there is none.
    """

    def __init__(self, time: float = 1_000_000.0) -> None:
        self._time = time
        self._monotonic = 500.0
        self._lock = threading.Lock()

    def time(self) -> float:
        return self._time

    def monotonic(self) -> float:
        return self._monotonic

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        del condition
        return timeout is None

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._time += seconds
            self._monotonic += seconds

    def set_by(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an administrator or NTP does."""
        with self._lock:
            self._time += seconds
