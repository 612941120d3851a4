"""A live view of the inbox for one listener, such as a browser that shows messages as they come."""

import queue
from collections.abc import Callable
from types import TracebackType
from typing import Self

from smsotp_mocks.inbox.messages import InboxEvent


class Subscription:
    """The events of one listener, in order. Close it, or use it as a context manager."""

    def __init__(self, max_waiting: int, unsubscribe: Callable[["Subscription"], None]) -> None:
        self._queue: queue.Queue[InboxEvent] = queue.Queue(max_waiting)
        self._unsubscribe = unsubscribe
        self._lost = False

    def put(self, event: InboxEvent) -> None:
        """Hand an event over; never waits."""
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self._lost = True

    def get(self, timeout: float) -> InboxEvent | None:
        """
        Return the next event, or None when none came in time.

        Args:
            timeout: Seconds.
        """
        try:
            return self._queue.get(timeout=0 if self._lost else timeout)
        except queue.Empty:
            if self._lost:
                self._lost = False
                return InboxEvent("lost", None)
            return None

    def close(self) -> None:
        """Stop listening."""
        self._unsubscribe(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
