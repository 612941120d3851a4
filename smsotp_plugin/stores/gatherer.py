"""A thread that writes what has gathered."""

import queue
import threading
from collections.abc import Callable

from smsotp_plugin.clock import Clock
from smsotp_plugin.threads import start_thread

#: Seconds between two rounds, in which log-ins gather; the first round after a pause comes at once.
GATHERING = 0.01


class Gatherer:
    """
    Does something soon after it is asked to, once for all who ask in the meantime.

    Args:
        work: What is done; raises nothing.
        clock: Time.
    """

    def __init__(self, work: Callable[[], None], clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._gathering = threading.Condition()
        self._awake = False
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._go_on, name="smsotp-store", daemon=True)

    def start(self) -> None:
        """Begin; raises NoThread if there is no thread for it."""
        start_thread(self._thread)

    def soon(self) -> None:
        """Have the work done soon; returns at once. Needs no lock: if two threads ask at the same time, it may be done twice."""
        if not self._awake:
            self._awake = True
            self._wake.put(True)

    def stop(self) -> None:
        """End the thread after what was asked for before; waits until it has ended, unless the thread itself calls this."""
        self._wake.put(False)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _go_on(self) -> None:
        next_time = float("-inf")
        while self._wake.get():
            self._awake = False
            early = next_time - self._clock.monotonic()
            if early > 0:
                with self._gathering:
                    self._clock.wait(self._gathering, early)
            self._work()
            next_time = self._clock.monotonic() + GATHERING
