"""An even stream of submits: never more a second than the operator has agreed to."""

import threading

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.errors import Throttled
from smsotp_plugin.grammar import agree


class Pacer:
    """
    Gives out moments at which something may be sent, evenly spaced. Thread-safe.

    Args:
        per_second: How many a second; 0 for no limit.
        clock: Time.
    """

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._per_second = per_second
        self._clock = clock
        self._free_at = 0.0
        self._changed = threading.Condition()

    def take(self, deadline: Deadline) -> None:
        """
        Wait for the next free moment, and take it.

        Raises:
            Throttled: It is later than the deadline; no moment was taken.
        """
        if not self._gap:
            return
        with self._changed:
            now = self._clock.monotonic()
            mine = max(self._free_at, now)
            if mine > deadline.at:
                allowed = agree(
                    self._per_second, "message a second is allowed", "messages a second are allowed"
                )
                raise Throttled(
                    f"TPS: {self._per_second:g} {allowed}, and as many are waiting as fit",
                    retry_after=mine - now,
                )
            self._free_at = mine + self._gap
            while (left := mine - self._clock.monotonic()) > 0:
                self._clock.wait(self._changed, left)
