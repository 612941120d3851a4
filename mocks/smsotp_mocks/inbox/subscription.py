"""A live view of the inbox for one listener, such as a browser that shows messages as they come."""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from smsotp_mocks.inbox.inbox import ReceivedMessage


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """
    Something that happened to the inbox.

    Attributes:
        kind: `message`: one came. `refused`: a gateway did not take a request. `clear`: the inbox was emptied. `lost`: the listener was too slow and should
            read the whole inbox again.
        message: For `message` only.
    """

    kind: Literal["message", "refused", "clear", "lost"]
    message: ReceivedMessage | None


class Subscription:
    """The events of one listener, in order. Close it, or use it as a context manager."""

    def __init__(self, max_waiting: int, unsubscribe: Callable[[Subscription], None]) -> None:
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
