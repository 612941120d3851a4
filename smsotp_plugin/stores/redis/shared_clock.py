"""The time that all processes that use one Redis go by: that of the Redis, if a process's own clock differs."""

import logging
import threading

from smsotp_plugin.clock import Clock
from smsotp_plugin.news import Ration

log = logging.getLogger("smsotp.store")

#: Seconds. Clocks that differ by no more are left alone: a code then lives that much longer or shorter at another server.
HARMLESS = 1.0
#: Seconds. Clocks that differ by less agree, and an answer that takes longer than this tells no moment.
_AGREED = 0.5


class SharedClock:
    """
    This process's clock, which is put right while the clock of a Redis differs.

    Args:
        clock: This process's own.
        place: Where the Redis is, for people.
    """

    def __init__(self, clock: Clock, place: str) -> None:
        self._clock = clock
        self._place = place
        self._ahead = 0.0
        self._reports = Ration(clock)
        # Unwrapped, because they are called several times in each log-in.
        self.monotonic = clock.monotonic

    def time(self) -> float:
        return self._clock.time() + self._ahead

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        return self._clock.wait(condition, timeout)

    def compare(self, turn: float, took: float) -> None:
        """
        Note what the clock of the Redis says; only one thread at a time may call this.

        Args:
            turn: The moment by that clock, in Unix seconds.
            took: Seconds from the question to the answer.
        """
        if took > _AGREED:
            return
        found = turn - self._clock.time()
        if abs(found) < _AGREED:
            found = 0.0
        if found == self._ahead or (found and abs(found - self._ahead) <= HARMLESS):
            return
        self._ahead = found
        more = self._reports.take()
        if more is None:
            return
        if found:
            log.warning("%s%s", explain_difference(found, self._place), more)
        else:
            log.info("the clock of this machine agrees with that of %s again%s", self._place, more)


def explain_difference(ahead: float, place: str) -> str:
    """
    Say that two clocks differ.

    Args:
        ahead: How far the Redis's clock is ahead of this machine's, in seconds, by more than `HARMLESS`; below 0: behind.
        place: Where the Redis is, for people.
    """
    side = "ahead of" if ahead > 0 else "behind"
    return (
        f"the clock of {place} is {abs(ahead):.0f} s {side} that of this machine: until when codes are valid, and all times that are "
        "kept, go by the clock of Redis; let both machines keep their clocks by NTP (docs/cluster.md, whose clock counts)"
    )
