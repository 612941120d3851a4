"""
Takes messages at once and gives them to gateways in background threads.

The flow's only contact with the sending side: `submit` and `stop`.
"""

import heapq
import itertools
import logging
import threading
from collections.abc import Sequence
from typing import Any

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.errors import DeliveryError, QueueFull, Refused
from smsotp_plugin.message import Message
from smsotp_plugin.providers.base import Provider

log = logging.getLogger("smsotp.dispatch")


class Dispatcher:
    """
    A bounded queue, ordered by expiry, and the threads that empty it.

    Args:
        gateways: In the order in which they are tried.
        workers: How many messages are on their way at the same time.
        queue: How many messages may wait.
        deadline: Seconds that a message may take in all, over all gateways.
        clock: Time.
    """

    def __init__(
        self,
        gateways: Sequence[Provider[Any, Any, Any]],
        *,
        workers: int,
        queue: int,
        deadline: float,
        clock: Clock,
    ) -> None:
        self._gateways = gateways
        self._queue_limit = queue
        self._deadline = deadline
        self._clock = clock
        self._waiting: list[tuple[float, int, Message]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._give_up: Deadline | None = None
        self._threads = [
            threading.Thread(target=self._work, name=f"smsotp-sender-{number}", daemon=True)
            for number in range(workers)
        ]

    def start(self) -> None:
        """Open the gateways and start the threads; waits for nobody."""
        for gateway in self._gateways:
            gateway.open()
        for thread in self._threads:
            thread.start()

    def submit(self, message: Message) -> None:
        """
        Put a message on the queue.

        Raises:
            QueueFull: There is no room, or the dispatcher is being stopped. The message was not taken.
        """
        with self._changed:
            if self._stopping:
                raise QueueFull("the dispatcher is being stopped")
            if len(self._waiting) >= self._queue_limit:
                raise QueueFull(f"{self._queue_limit} messages are waiting already (dispatch.queue)")
            heapq.heappush(self._waiting, (message.expires, next(self._numbers), message))
            self._changed.notify()

    def stop(self, grace: float) -> None:
        """
        Take no more messages, send those that wait, and end.

        Args:
            grace: Seconds. Messages that are still waiting then are given up, each with a line in the log.
        """
        with self._changed:
            self._stopping = True
            self._give_up = Deadline.after(grace, self._clock)
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        for gateway in self._gateways:
            gateway.close()

    def _work(self) -> None:
        while (message := self._next()) is not None:
            try:
                self._send(message)
            except Exception:
                log.exception("message %s: unexpected failure", message.reference)

    def _next(self) -> Message | None:
        with self._changed:
            while not self._waiting:
                if self._stopping:
                    return None
                self._clock.wait(self._changed, None)
            return heapq.heappop(self._waiting)[2]

    def _send(self, message: Message) -> None:
        deadline = self._time_for(message)
        for gateway in self._gateways:
            if deadline.passed():
                break
            name = gateway.context.name
            try:
                receipt = gateway.submit(message, deadline)
            except DeliveryError as exc:
                log.warning("message %s: gateway %s: %s: %s", message.reference, name, exc.outcome, exc)
                if isinstance(exc, Refused):
                    return
            else:
                given = f", its id {receipt.gateway_id}" if receipt.gateway_id else ""
                log.info("message %s: gateway %s took it%s", message.reference, name, given)
                return
        log.error("message %s to %s was not accepted by any gateway", message.reference, message.number)

    def _time_for(self, message: Message) -> Deadline:
        seconds = min(self._deadline, message.expires - self._clock.time())
        if self._give_up is not None:
            seconds = min(seconds, self._give_up.remaining())
        return Deadline.after(seconds, self._clock)
