"""A clock that follows that of Redis and that nobody sets: budgets go by it."""

import threading

from smsotp_plugin.clock import Clock
from smsotp_plugin.stores.redis.foreign import read_time, reads_replies
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.scripts import Scripts, check

#: Seconds. A smaller difference is drift or network delay, and is followed; a larger one is a clock that was set, and is not.
_SET = 1.0


class SteadyClock:
    """
    Args:
        clock: Time of this process; its Unix seconds are believed until Redis has told its own.
    """  # noqa: D205  (its name says it all)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ahead = clock.time() - clock.monotonic()
        self._is_told = False

    def now(self) -> float:
        """Return Unix seconds, near to those of Redis."""
        return self._clock.monotonic() + self._ahead

    def compare(self, turn: float) -> None:
        """Note what the clock of Redis says at this moment, in Unix seconds."""
        ahead = turn - self._clock.monotonic()
        with self._lock:
            if not self._is_told or abs(ahead - self._ahead) < _SET:
                self._ahead, self._is_told = ahead, True


@reads_replies
def ask_time(scripts: Scripts) -> float:
    """
    Ask what the clock of Redis says, for a command that opens no store; in Unix seconds.

    Raises:
        StoreError: Redis does not answer, or with an error.
    """
    (reply,) = scripts.run_all([Command(("TIME",))])
    return read_time(check(reply))
