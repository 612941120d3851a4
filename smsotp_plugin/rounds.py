"""A thread that does the same thing once a second, so that no log-in has to."""

import logging
import threading
from collections.abc import Callable

from smsotp_plugin.clock import Clock
from smsotp_plugin.threads import start_thread

log = logging.getLogger("smsotp")

#: Seconds between two rounds.
_PAUSE = 1.0


class Rounds:
    """
    Does something once a second until it is stopped.

    Args:
        name: Of the thread.
        work: What is done; where it raises, that is logged, and the next round comes all the same.
        clock: Time.
    """

    def __init__(self, name: str, work: Callable[[], None], clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._go_round, name=name, daemon=True)

    def start(self) -> None:
        """Begin; raises NoThread where there is no thread for it."""
        start_thread(self._thread)

    def stop(self) -> None:
        """End the thread; waits for the round that is under way."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _go_round(self) -> None:
        while self._keep_on():
            try:
                self._work()
            except BaseException:  # the thread has to live
                log.exception("%s: unexpected failure", self._thread.name)

    def _keep_on(self) -> bool:
        with self._changed:
            if not self._stopping:
                self._clock.wait(self._changed, _PAUSE)
            return not self._stopping
