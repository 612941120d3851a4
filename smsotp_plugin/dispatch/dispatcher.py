"""
Takes messages at once and gives them to gateways in background threads.

The flow's only contact with the sending side: `submit` and `stop`.
"""

import logging
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.dispatch.ready_queue import ReadyQueue
from smsotp_plugin.errors import DeliveryError, Refused
from smsotp_plugin.log import quoted
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
        self._ready = ReadyQueue(queue)
        self._deadline = deadline
        self._clock = clock
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

    def check_room(self) -> None:
        """
        Ask for a place on the queue before a log-in is promised a message.

        Raises:
            QueueFull: There is none; the log-in has to be refused.
        """
        self._ready.check_room()

    def submit(self, message: Message) -> None:
        """Put a message on the queue; returns at once."""
        self._ready.put(message)

    def stop(self, grace: float) -> None:
        """
        Take no more messages, send those that wait, and end.

        Args:
            grace: Seconds. Messages that are still waiting then are given up, each with a line in the log.
        """
        self._give_up = Deadline.after(grace, self._clock)
        self._ready.close(len(self._threads))
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        with ExitStack() as gateways:
            for gateway in self._gateways:
                gateways.callback(gateway.close)

    def _work(self) -> None:
        while (message := self._ready.get()) is not None:
            try:
                self._send(message)
            except Exception:
                log.exception("message %s: unexpected failure", message.reference)

    def _send(self, message: Message) -> None:
        deadline = self._time_for(message)
        for gateway in self._gateways:
            if deadline.passed() or (self._give_up is not None and self._give_up.passed()):
                break
            try:
                receipt = gateway.submit(message, deadline)
            except DeliveryError as exc:
                log.warning("%s: gateway %s: %s: %s", _named(message), gateway.context.name, exc.outcome, exc)
                if isinstance(exc, Refused):
                    return
            else:
                given = f", its id {receipt.gateway_id}" if receipt.gateway_id else ""
                log.info("%s: gateway %s took it%s", _named(message), gateway.context.name, given)
                return
        log.error("%s: no gateway took it", _named(message))

    def _time_for(self, message: Message) -> Deadline:
        seconds = min(self._deadline, message.expires - self._clock.time())
        if self._give_up is not None:
            seconds = min(seconds, self._give_up.remaining())
        return Deadline.after(seconds, self._clock)


def _named(message: Message) -> str:
    return f"message {message.reference} for user {quoted(message.user)} at {message.number.masked}"
