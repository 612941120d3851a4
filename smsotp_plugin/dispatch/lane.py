"""One gateway: its queue, its threads, its health."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from smsotp_plugin.clock import Deadline
from smsotp_plugin.dispatch.delivery import Delivery
from smsotp_plugin.dispatch.health import Breaker
from smsotp_plugin.dispatch.ready_queue import ReadyQueue
from smsotp_plugin.errors import DeliveryError, NotSent
from smsotp_plugin.providers.base import Provider

log = logging.getLogger("smsotp.dispatch")

#: Seconds that a probe may take.
_PROBE_TIME = 5.0


class _Probe:
    """Stands in the queue for the wish to probe; before every message."""


class Lane:
    """
    One gateway and the threads that hand messages to it, as many as it has CONNECTIONS.

    A gateway that hangs holds up its own lane only.

    Args:
        provider: The gateway.
        breaker: Its health.
        attempt: Called in a lane's thread with each message that is its turn.
        probed: Called in a lane's thread with what a probe found: None, or why the gateway is not alive.
    """

    def __init__(
        self,
        provider: Provider[Any, Any, Any],
        breaker: Breaker,
        attempt: Callable[["Lane", Delivery], None],
        probed: Callable[["Lane", DeliveryError | None], None],
    ) -> None:
        self.provider = provider
        self.breaker = breaker
        self._attempt = attempt
        self._probed = probed
        self._queue: ReadyQueue[Delivery | _Probe] = ReadyQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"smsotp-{self.name}-{number}", daemon=True)
            for number in range(provider.settings.CONNECTIONS)
        ]

    @property
    def name(self) -> str:
        """The gateway's name in the configuration."""
        return self.provider.context.name

    def start(self) -> None:
        """Open the gateway and start the threads; waits for nobody."""
        self.provider.open()
        for thread in self._threads:
            thread.start()

    def put(self, delivery: Delivery) -> None:
        """Queue a message for this gateway."""
        self._queue.put(delivery, delivery.message.expires)

    def probe(self) -> None:
        """Have the gateway probed soon."""
        self._queue.put(_Probe(), 0.0)

    def drain(self) -> list[Delivery]:
        """Take back the messages that have not had their turn."""
        return [item for item in self._queue.drain() if isinstance(item, Delivery)]

    def close_queue(self) -> None:
        """Let the threads end after what they are doing."""
        self._queue.close(len(self._threads))

    def join(self) -> None:
        """Wait for those threads to end that were started."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                if isinstance(item, Delivery):
                    self._attempt(self, item)
                else:
                    self._probe_now()
            except Exception:
                log.exception("gateway %s: unexpected failure", self.name)

    def _probe_now(self) -> None:
        try:
            self.provider.probe(Deadline.after(_PROBE_TIME, self.provider.context.clock))
        except DeliveryError as exc:
            self._probed(self, exc)
        except Exception as exc:  # noqa: BLE001  (a provider's bug must not be the last probe)
            self._probed(self, NotSent(f"unexpected failure while probing: {type(exc).__name__}"))
        else:
            self._probed(self, None)
