"""The thread that tidies the store, so that no log-in has to."""

import logging
import threading
from collections.abc import Callable

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.base import ChallengeStore

log = logging.getLogger("smsotp.store")

#: Seconds between two rounds: what comes in during one second is checkpointed in a few milliseconds.
_PAUSE = 1.0


class Housekeeper:
    """
    Tidies a store once a second until it is stopped.

    Args:
        store: What is tidied.
        then: Called after each round; raises nothing.
        clock: Time.
    """

    def __init__(self, store: ChallengeStore, then: Callable[[], None], clock: Clock) -> None:
        self._store = store
        self._then = then
        self._clock = clock
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="smsotp-housekeeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; waits for the round that is under way."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while self._keep_on():
            try:
                self._store.tidy(self._clock.time())
                self._then()
            except StoreError as exc:
                log.warning("the store cannot be tidied: %s", exc)
            except Exception:
                log.exception("the store cannot be tidied")

    def _keep_on(self) -> bool:
        with self._changed:
            if not self._stopping:
                self._clock.wait(self._changed, _PAUSE)
            return not self._stopping
