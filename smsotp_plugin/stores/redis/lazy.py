"""What is written soon, in the order in which it was said, by a thread of its own: nobody waits for it."""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.redis.line import ReplyError, explain
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.scripts import Scripts
from smsotp_plugin.threads import start_thread

log = logging.getLogger("smsotp.store")

#: Commands in one piece.
_PIECE = 100
#: Commands that wait, at most; beyond that the oldest are given up.
_MOST_WAITING = 100_000


class Lazy:
    """
    Safe under threads.

    Args:
        scripts: Runs the commands.

    Raises:
        NoThread: There is no thread for it.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        #: Made when they are written: moments count from then.
        self._waiting: deque[Callable[[], Command]] = deque(maxlen=_MOST_WAITING)
        self._writing = threading.Lock()
        self._awake = False
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="smsotp-store", daemon=True)
        start_thread(self._thread)

    def add(self, command: Callable[[], Command], *, soon: bool = True) -> None:
        """
        Have a command written.

        Args:
            command: Makes it.
            soon: At once; else with the next ones, or when `wake` is called.
        """
        # Needs no lock: a deque takes and gives one at a time.
        self._waiting.append(command)
        if soon:
            self.wake()

    def wake(self) -> None:
        """Have written what waits."""
        if self._waiting and not self._awake:
            self._awake = True
            self._wake.put(True)

    def flush(self) -> None:
        """
        Write what waits, and return when it is written.

        Raises:
            StoreError: Redis does not answer; what is not written goes on waiting.
        """
        with self._writing:
            while piece := self._take():
                try:
                    replies = self._scripts.run_all([make() for make in piece])
                except BaseException:
                    self._waiting.extendleft(reversed(piece))
                    raise
                _report([str(explain(reply)) for reply in replies if isinstance(reply, ReplyError)])

    def stop(self) -> None:
        """End the thread when all is written that waits now, or Redis does not answer."""
        self._wake.put(True)
        self._wake.put(False)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _take(self) -> list[Callable[[], Command]]:
        piece: list[Callable[[], Command]] = []
        while self._waiting and len(piece) < _PIECE:
            piece.append(self._waiting.popleft())
        return piece

    def _work(self) -> None:
        while self._wake.get():
            self._awake = False
            try:
                self.flush()
            except StoreError:
                # Told by the link, once; the next round of the housekeeper tries again.
                continue
            except BaseException:  # the thread has to live
                log.exception("unexpected failure")


def _report(problems: Sequence[str]) -> None:
    for problem in dict.fromkeys(problems):
        log.error("something could not be written to Redis: %s", problem)
