"""What a worker does beside sending: takes messages from the queue, takes over those of the dead, and says how its gateways are."""

import logging
import threading
from collections.abc import Sequence

from smsotp_plugin.clock import Clock
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.dispatch.takeover import Takeover
from smsotp_plugin.errors import StoreError
from smsotp_plugin.rounds import Rounds
from smsotp_plugin.stores.queue import WORKER_LIFE, GatewayReport, MessageQueue

log = logging.getLogger("smsotp.dispatch")

#: Messages that are taken at once: few, so that those who come together are shared by all workers.
_PIECE = 20
#: Seconds until the store is asked again where it did not answer, or until there may be room again.
_PAUSE = 0.2


class Intake:
    """
    Gets messages to a dispatcher.

    Args:
        queue: Where they wait.
        takeover: Opens them, and hands them to the dispatcher.
        dispatcher: Sends them.
        gateways: Their names.
        clock: Time.
    """

    def __init__(
        self,
        *,
        queue: MessageQueue,
        takeover: Takeover,
        dispatcher: Dispatcher,
        gateways: Sequence[str],
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._takeover = takeover
        self._dispatcher = dispatcher
        self._gateways = gateways
        self._clock = clock
        self._changed = threading.Condition()
        self._stopping = False
        self._patient_until = clock.monotonic()
        self._reader = threading.Thread(target=self._read, name="smsotp-intake", daemon=True)
        self._rounds = Rounds("smsotp-worker", self._go_round, clock)

    def start(self) -> None:
        """Say that this worker is there, and take messages from now on."""
        self.look_around()
        self._go_round()
        self._reader.start()
        self._rounds.start()

    def look_around(self) -> None:
        """
        Find out whether other workers live.

        If none seems to, the store may have been away, and they get the time to say that they do before anything is taken from them.
        """
        try:
            is_alone = not self._queue.look().workers
        except StoreError:
            is_alone = True
        if is_alone:
            self._patient_until = self._clock.monotonic() + WORKER_LIFE

    def stop(self) -> None:
        """Take no more messages, and say so."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._rounds.stop()
        if self._reader.is_alive():
            self._reader.join()
        try:
            self._queue.leave()
        except StoreError as exc:
            log.warning("the servers are not told that this worker ends: %s", exc)

    def _go_round(self) -> None:
        try:
            self._queue.report({name: self._report(name) for name in self._gateways})
            self._takeover.hand_over(self._queue.take_lost())
        except StoreError:
            # Told by the store, once.
            return
        if self._clock.monotonic() >= self._patient_until:
            self._takeover.take_over()

    def _report(self, gateway: str) -> GatewayReport:
        health = self._dispatcher.find_health(gateway)
        seconds = max(0.0, health.until - self._clock.monotonic())
        return GatewayReport(health.condition, seconds, self._dispatcher.has_hope(gateway))

    def _read(self) -> None:
        while not self._stopping:
            try:
                if not self._take():
                    self._pause()
            except BaseException:  # the thread has to live
                log.exception("unexpected failure")
                self._pause()

    def _take(self) -> bool:
        """Take some messages, or wait for them; False where that has to wait."""
        room = self._dispatcher.room()
        if not room:
            return False
        try:
            taken = self._queue.take(min(room, _PIECE))
        except StoreError:
            # Told by the store, once.
            return False
        self._takeover.hand_over(taken)
        return True

    def _pause(self) -> None:
        with self._changed:
            if not self._stopping:
                self._clock.wait(self._changed, _PAUSE)
