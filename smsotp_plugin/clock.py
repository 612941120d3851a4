"""
Time, as something that is handed in. The only module that asks the operating system for it.

Two scales, as everywhere: wall time (Unix seconds, comparable across restarts and machines; challenges expire by
it) and monotonic time (seconds, never jumps; deadlines and pauses are measured with it).
"""

import threading
import time
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """What the rest of the package knows about time."""

    def time(self) -> float:
        """Return Unix seconds."""

    def monotonic(self) -> float:
        """Return seconds on a scale that never jumps."""

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        """
        Wait on a condition that the caller holds.

        Args:
            condition: Held by the caller.
            timeout: Seconds of this clock, or None for no limit.

        Returns:
            False when the time ran out.
        """


class SystemClock:
    """The operating system's time."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        return condition.wait(timeout)


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    The moment by which something has to be over, handed down unchanged from layer to layer.

    Attributes:
        at: Monotonic seconds of `clock`.
    """

    at: float
    clock: Clock = field(repr=False)

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> "Deadline":
        """Return the deadline `seconds` from now."""
        return cls(clock.monotonic() + seconds, clock)

    def remaining(self) -> float:
        """Return the seconds that are left, never less than 0."""
        return max(0.0, self.at - self.clock.monotonic())

    def passed(self) -> bool:
        """Tell whether no time is left."""
        return self.remaining() <= 0.0
