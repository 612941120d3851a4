"""One gateway: its queue, its threads, its health."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.dispatch.delivery import Delivery
from smsotp_plugin.dispatch.health import Breaker
from smsotp_plugin.dispatch.ready_queue import ReadyQueue
from smsotp_plugin.errors import DeliveryError, NoThread, NotSent
from smsotp_plugin.providers.base import Provider
from smsotp_plugin.sms.message import Message
from smsotp_plugin.threads import start_thread

log = logging.getLogger("smsotp.dispatch")

#: Seconds that a probe may take.
_PROBE_TIME = 5.0
#: Seconds for closing all gateways and ending their threads. systemd kills after 90 s, of which messages have 60.
STOP_LIMIT = 10.0


#: How many seconds a message gives way to others for each message that the same person or station already had on the way:
#: somebody who floods the queue comes after everybody who comes meanwhile.
_RANK_SECONDS = 0.1


class Probed(Protocol):
    """What is called with the result of a probe."""

    def __call__(self, lane: "Lane", problem: DeliveryError | None, *, hurried: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class _Probe:
    """Stands in the queue for a probe that is wanted; it goes before every message that idle threads are not about to begin."""

    hurried: bool


class Lane:
    """
    One gateway and the threads that hand messages to it, as many as it has CONNECTIONS.

    A gateway that hangs holds up its own lane only.

    Args:
        provider: The gateway.
        breaker: Its health.
        attempt: Called in a lane's thread with each message when its turn comes.
        probed: Called in a lane's thread with what a probe found, None or why the gateway is not alive, and whether it
            was a probe out of turn.
    """

    def __init__(
        self,
        provider: Provider[Any, Any, Any],
        breaker: Breaker,
        attempt: Callable[["Lane", Delivery], None],
        probed: Probed,
    ) -> None:
        self.provider = provider
        #: The gateway's name in the configuration.
        self.name = provider.context.name
        self.breaker = breaker
        self._attempt = attempt
        self._probed = probed
        self._queue: ReadyQueue[Delivery | _Probe] = ReadyQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"smsotp-{self.name}-{number}", daemon=True)
            for number in range(provider.settings.CONNECTIONS)
        ]

    def start(self) -> None:
        """
        Open the gateway and start the threads; waits for nobody.

        Raises:
            NoThread: There are not that many threads; those that were started have to be ended.
        """
        self.provider.open()
        for thread in self._threads:
            start_thread(thread)

    def put(self, delivery: Delivery) -> None:
        """Queue a message for this gateway."""
        slot = delivery.plan.slot
        later = 0.0 if slot is None else slot.rank * _RANK_SECONDS
        self._queue.put(delivery, delivery.message.expires + later)

    @contextmanager
    def messages_of_idle_threads(self) -> Iterator[list[Message]]:
        """Return the messages that idle threads are about to begin; they begin them after this."""
        taken = self._queue.take_for_sleepers()
        try:
            yield [item.message for item in taken if isinstance(item, Delivery)]
        finally:
            self._queue.pass_on(taken)

    def pass_on(self) -> None:
        """Have another thread come for the next message, before this one does anything that takes time."""
        self._queue.pass_on()

    def probe(self, *, hurried: bool = False) -> None:
        """Have the gateway probed soon; `hurried` is handed back with what is found."""
        self._queue.put(_Probe(hurried), 0.0)

    def probe_now(self) -> None:
        """Probe the gateway in this thread."""
        self._probe_now(_Probe(hurried=False))

    def drain(self) -> list[Delivery]:
        """Take back the messages that have not had their turn."""
        return [item for item in self._queue.drain() if isinstance(item, Delivery)]

    def close_queue(self) -> None:
        """Let the threads end after what they are doing."""
        self._queue.close(len(self._threads))

    def join(self, until: Deadline) -> None:
        """Wait until the threads that were started have ended; one that does not end in time is left behind."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join(until.remaining())
        if any(thread.is_alive() for thread in self._threads):
            log.error("gateway %s: a message is still being sent; the gateway is not closed", self.name)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                if isinstance(item, Delivery):
                    self._attempt(self, item)
                else:
                    self._queue.pass_on()
                    self._probe_now(item)
            except BaseException:  # the thread has to live, also where a provider calls sys.exit
                log.exception("gateway %s: unexpected failure", self.name)

    def _probe_now(self, probe: _Probe) -> None:
        problem: DeliveryError | None = None
        try:
            self.provider.probe(Deadline.after(_PROBE_TIME, self.provider.context.clock))
        except DeliveryError as exc:
            problem = exc
        except BaseException as exc:  # noqa: BLE001  (a provider's bug must not be the last probe)
            problem = NotSent(f"unexpected failure while probing: {type(exc).__name__}")
        self._probed(self, problem, hurried=probe.hurried)


def probe_at_once(lanes: Sequence[Lane], clock: Clock) -> None:
    """
    Probe all gateways at the same time; waits for the answers as long as a probe may take.

    Raises:
        NoThread: There are not that many threads.
    """
    probers = [
        threading.Thread(target=lane.probe_now, name=f"smsotp-probe-{lane.name}", daemon=True)
        for lane in lanes
    ]
    for prober in probers:
        start_thread(prober)
    until = Deadline.after(_PROBE_TIME, clock)
    for prober in probers:
        prober.join(until.remaining())


def end_lanes(lanes: Sequence[Lane], clock: Clock, *, close_first: bool) -> None:
    """
    Close all gateways and end their threads, within `STOP_LIMIT`.

    Args:
        lanes: Whose queues have been closed.
        clock: Time.
        close_first: Whether a thread may still wait for a gateway: closing that one ends the attempt.

    Raises:
        Exception: What closing a gateway raised; all others are closed too.
    """
    until = Deadline.after(STOP_LIMIT if close_first else STOP_LIMIT / 2, clock)
    if not close_first:
        for lane in lanes:
            lane.join(until)
        until = Deadline.after(STOP_LIMIT / 2, clock)
    problems: list[BaseException] = []
    closers = [
        threading.Thread(target=_close, args=(lane, problems), name=f"smsotp-close-{lane.name}", daemon=True)
        for lane in lanes
    ]
    for lane, closer in zip(lanes, closers, strict=True):
        try:
            start_thread(closer)
        except NoThread:
            # Each gateway has its own limit, so this one would only keep the others waiting.
            _close(lane, problems)
    for lane, closer in zip(lanes, closers, strict=True):
        if closer.is_alive():
            closer.join(until.remaining())
        if closer.is_alive():
            log.error("gateway %s: it did not close in time; nothing more is done about it", lane.name)
        elif close_first:
            lane.join(until)
    if problems:
        raise problems[0]


def _close(lane: Lane, problems: list[BaseException]) -> None:
    try:
        lane.provider.close()
    except BaseException as exc:  # noqa: BLE001  (told to whoever stops the lanes)
        problems.append(exc)
