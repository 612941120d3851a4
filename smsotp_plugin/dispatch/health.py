"""
What is known about the health of each gateway; asked by log-ins, told by attempts. No I/O, no threads.

A circuit breaker for each gateway, shared by all routes. It opens after failures in a row or too large a share of
them, for a pause that doubles each time. Then a probe, which sends no user's code, decides whether it closes again; it
is on trial until a message really goes through.
"""

import threading
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from smsotp_plugin.errors import DeliveryError, NotSent, Refused, Throttled

_FAILURES_IN_A_ROW = 3
_SHARE_OF = 10
_SHARE_FAILED = 5
#: A probe costs nobody an SMS, so a gateway is asked again soon and often.
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 60.0
#: No gateway is left alone for longer, whatever it asks for: its clock or its answer may be wrong.
_LONGEST_REST = 3600.0
#: A gateway that throttles without saying for how long.
_THROTTLE_PAUSE = 2.0
#: Pauses are this much longer or shorter, so that several nodes do not come back in step.
_JITTER = 0.1


class Condition(StrEnum):
    """What a gateway is good for now."""

    ALIVE = "alive"
    RESTING = "resting"
    """It asked to be left alone for a while; it will be back."""
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class GatewayHealth:
    """
    What is known of one gateway.

    Attributes:
        condition: What it is good for.
        until: Monotonic seconds at which a resting one is back, or a dead one is probed; 0 for one that is alive.
    """

    condition: Condition
    until: float


class Breaker:
    """
    The circuit breaker of one gateway. Times are monotonic seconds.

    Args:
        random: For jitter.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._lock = threading.Lock()
        self._last: deque[bool] = deque(maxlen=_SHARE_OF)
        self._failures = 0
        self._pauses = 0
        self._open_until = 0.0
        self._resting_until = 0.0
        self._on_trial = False

    def health(self, now: float) -> GatewayHealth:
        """Tell what the gateway is good for at this moment; no lock, no I/O."""
        if self._open_until:
            return GatewayHealth(Condition.DEAD, self._open_until)
        if self._resting_until > now:
            return GatewayHealth(Condition.RESTING, self._resting_until)
        return GatewayHealth(Condition.ALIVE, 0.0)

    def succeeded(self) -> None:
        """Note that the gateway took a message, or refused one for the message's own sake."""
        with self._lock:
            self._failures = self._pauses = 0
            self._on_trial = False
            self._last.append(True)

    def failed(self, error: DeliveryError, now: float) -> bool:
        """
        Note that an attempt ended without a receipt.

        Returns:
            True where this opened the breaker.
        """
        if isinstance(error, Refused):
            self.succeeded()
            return False
        with self._lock:
            if isinstance(error, NotSent) and (error.retry_after or isinstance(error, Throttled)):
                rest = min(error.retry_after or _THROTTLE_PAUSE, _LONGEST_REST)
                self._resting_until = max(self._resting_until, now + rest)
                return False
            self._failures += 1
            self._last.append(False)
            if self._open_until or not self._is_too_much():
                return False
            self._open(now)
            return True

    def probed(self, *, alive: bool, now: float) -> None:
        """Note what a probe found: close on trial, or stay open for a longer pause."""
        with self._lock:
            if not alive:
                self._open(now)
                return
            self._open_until = 0.0
            self._on_trial = True
            self._failures = 0
            self._last.clear()

    def _is_too_much(self) -> bool:
        if self._on_trial or self._failures >= _FAILURES_IN_A_ROW:
            return True
        return len(self._last) == _SHARE_OF and self._last.count(False) >= _SHARE_FAILED

    def _open(self, now: float) -> None:
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**self._pauses)
        self._pauses += 1
        self._on_trial = False
        self._open_until = now + pause * self._random.uniform(1 - _JITTER, 1 + _JITTER)
