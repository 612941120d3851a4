"""A thread that does things later, so that a delayed answer does not hold up anything else."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Timer:
    """A timer for many small actions; `flush` does all of them at once, `stop` forgets them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._thread: threading.Thread | None = None
        self._flushing = False

    def start(self) -> None:
        """Begin to work."""
        self._thread = threading.Thread(target=self._run, args=(), name="timer", daemon=True)
        self._thread.start()

    def call_after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after a time, unless stopped before. An OSError is ignored: the connection has gone by then."""
        with self._changed:
            if self._thread is None:
                return
            heapq.heappush(self._queue, (time.monotonic() + seconds, next(self._count), action))
            self._changed.notify()

    def flush(self) -> None:
        """Do everything that waits now."""
        with self._changed:
            # What is put next does not wait now: it has a time of its own.
            self._flushing = bool(self._queue)
            self._changed.notify()

    def stop(self) -> None:
        """Forget what waits, and end."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._queue.clear()
            self._changed.notify()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while (action := self._take_next()) is not None:
            try:
                action()
            except OSError:
                continue
            except Exception:
                log.exception("something that was to be done later failed")

    def _take_next(self) -> Callable[[], None] | None:
        with self._changed:
            while self._thread is not None:
                if not self._queue:
                    self._flushing = False
                    self._changed.wait()
                    continue
                left = self._queue[0][0] - time.monotonic()
                if left <= 0 or self._flushing:
                    return heapq.heappop(self._queue)[2]
                self._changed.wait(left)
            return None
