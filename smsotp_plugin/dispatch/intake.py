"""What a worker does besides sending: it takes messages from the queue and from dead workers, and reports on its gateways."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from smsotp_plugin.clock import Clock
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.dispatch.health import Condition
from smsotp_plugin.dispatch.takeover import Takeover
from smsotp_plugin.errors import OtherKey, StoreError
from smsotp_plugin.rounds import Rounds
from smsotp_plugin.stores.queue import WORKER_LIFE, GatewayReport, MessageQueue, QueueView
from smsotp_plugin.threads import start_thread

log = logging.getLogger("smsotp.dispatch")

#: How many messages are taken at once: few, so that all workers share messages that arrive together.
PIECE = 20
#: Seconds until the store is asked again if it did not answer, or until there may be room again.
_PAUSE = 0.2


class Intake:
    """
    Gets messages to a dispatcher.

    Args:
        queue: Where they wait.
        takeover: Opens them, and hands them to the dispatcher.
        dispatcher: Sends them.
        gateways: Their names.
        give_up: Called each time this worker turns out to have a different key from the servers.
        clock: Time.
    """

    def __init__(  # noqa: PLR0913  (each is a part of its own, handed in by the assembly)
        self,
        *,
        queue: MessageQueue,
        takeover: Takeover,
        dispatcher: Dispatcher,
        gateways: Sequence[str],
        give_up: Callable[[OtherKey], None],
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._takeover = takeover
        self._dispatcher = dispatcher
        self._gateways = gateways
        self._give_up = give_up
        self._clock = clock
        self._changed = threading.Condition()
        self._stopping = False
        #: How many messages this worker may take before it checks again; None: any number.
        self._allowance: int | None = None
        self._patient_until = clock.monotonic()
        self._reader = threading.Thread(target=self._read, name="smsotp-intake", daemon=True)
        self._rounds = Rounds("smsotp-worker", self._go_round, clock)

    def start(self) -> None:
        """Probe the gateways, announce this worker, and take messages from now on."""
        self._dispatcher.probe_all()
        self.look_around()
        self._go_round()
        start_thread(self._reader)
        self._rounds.start()

    def look_around(self) -> None:
        """
        Find out whether other workers are alive.

        If none seems to be alive, the store may have been away: then the others get time to report before anything is taken over
        from them.
        """
        try:
            is_alone = not self._queue.look().workers
        except StoreError:
            is_alone = True
        if is_alone:
            self._patient_until = self._clock.monotonic() + WORKER_LIFE

    def stop(self) -> None:
        """Take no more messages, and tell the servers so."""
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
        reports = {name: self._report(name) for name in self._gateways}
        try:
            self._queue.report(reports)
            self._set_allowance(reports, self._queue.look())
            if self._allowance is not None:
                return
            self._takeover.hand_over(self._queue.take_lost())
        except OtherKey as exc:
            self._give_up(exc)
            return
        except StoreError:
            # Told by the store, once.
            return
        if self._clock.monotonic() >= self._patient_until:
            self._takeover.take_over()

    def _set_allowance(self, reports: Mapping[str, GatewayReport], view: QueueView) -> None:
        """
        Leave the messages to other workers if one of them can use all the gateways that this one can, and at least one more.

        A message may need the gateway that is dead here, and the other worker can send it there. There is always a worker that no
        other one surpasses. A single message is still taken if it may show that a gateway is back.
        """
        usable = _find_usable(reports)
        is_outdone = any(usable < _find_usable(other) for other in view.workers)
        if is_outdone and self._allowance is None:
            log.warning("messages are left to other workers, which can use gateways that are dead here")
        if not is_outdone and self._allowance is not None:
            log.info("messages are taken again: no other worker can use more gateways")
        hopes = any(report.may_hope for report in reports.values())
        self._allowance = int(hopes) if is_outdone else None

    def _report(self, gateway: str) -> GatewayReport:
        health = self._dispatcher.view.find_health(gateway)
        seconds = max(0.0, health.until - self._clock.monotonic())
        return GatewayReport(health.condition, seconds, self._dispatcher.view.has_hope(gateway))

    def _read(self) -> None:
        while not self._stopping:
            try:
                if not self._take():
                    self._pause()
            except BaseException:  # the thread has to live
                log.exception("unexpected failure")
                self._pause()

    def _take(self) -> bool:
        """Take some messages, or wait for them; False if the caller has to pause first."""
        room, allowance = self._dispatcher.room(), self._allowance
        if allowance is not None:
            room = min(room, allowance)
        if not room:
            return False
        try:
            taken = self._queue.take(min(room, PIECE))
        except StoreError:
            # Told by the store, once.
            return False
        if allowance is not None:
            self._allowance = allowance - len(taken)
        self._takeover.hand_over(taken)
        return True

    def _pause(self) -> None:
        with self._changed:
            if not self._stopping:
                self._clock.wait(self._changed, _PAUSE)


def _find_usable(reports: Mapping[str, GatewayReport]) -> frozenset[str]:
    return frozenset(name for name, report in reports.items() if report.condition != Condition.DEAD)
