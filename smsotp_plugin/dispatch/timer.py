"""A thread that calls functions at given moments."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable

from smsotp_plugin.clock import Clock
from smsotp_plugin.threads import start_thread

log = logging.getLogger("smsotp.dispatch")


class Timer:
    """
    Calls functions when their time has come, one after the other; they must be quick.

    Args:
        clock: Time; moments are its monotonic seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="smsotp-timer", daemon=True)

    def start(self) -> None:
        """Begin; raises NoThread if there is no thread for it."""
        start_thread(self._thread)

    def call_at(self, moment: float, function: Callable[[], None]) -> None:
        """Call a function at a moment, or at once if that has passed; never after `stop`."""
        with self._changed:
            heapq.heappush(self._calls, (moment, next(self._numbers), function))
            if self._calls[0][2] is function:
                self._changed.notify()

    def stop(self) -> None:
        """Forget what has not been called, and end."""
        with self._changed:
            self._stopped = True
            self._calls.clear()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while (function := self._take_next()) is not None:
            try:
                function()
            except BaseException:  # the thread has to live
                log.exception("unexpected failure of a timed call")

    def _take_next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._stopped:
                if not self._calls:
                    self._clock.wait(self._changed, None)
                    continue
                left = self._calls[0][0] - self._clock.monotonic()
                if left <= 0:
                    return heapq.heappop(self._calls)[2]
                self._clock.wait(self._changed, left)
        return None
