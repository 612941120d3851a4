"""The messages that may go now, the one that expires first in front."""

import heapq
import itertools
import queue
import threading

from smsotp_plugin.errors import QueueFull
from smsotp_plugin.message import Message


class ReadyQueue:
    """
    A bounded priority queue whose waiting is done in C: one token in a `queue.SimpleQueue` for each message.

    `queue.PriorityQueue` waits on a Condition, which is written in Python and costs a log-in more than its store does.

    Args:
        limit: How many messages may wait.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._heap: list[tuple[float, int, Message]] = []
        self._numbers = itertools.count()
        self._tokens: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._closed = False

    def check_room(self) -> None:
        """
        Tell whether one more message may come.

        Raises:
            QueueFull: There is no room, or the queue is closed.
        """
        if self._closed:
            raise QueueFull("no more messages are taken: the server is being stopped")
        if len(self._heap) >= self._limit:
            raise QueueFull(f"{self._limit} messages are waiting already (dispatch.queue)")

    def put(self, message: Message) -> None:
        """Add a message; never refused, because whoever asked `check_room` was promised the place."""
        with self._lock:
            heapq.heappush(self._heap, (message.expires, next(self._numbers), message))
        self._tokens.put(None)

    def get(self) -> Message | None:
        """Wait for a message and take it; None when the queue is closed and empty."""
        self._tokens.get()
        with self._lock:
            return heapq.heappop(self._heap)[2] if self._heap else None

    def close(self, takers: int) -> None:
        """
        Take no more messages; those that wait can still be had.

        Args:
            takers: How many threads call `get`; each gets one None in the end.
        """
        with self._lock:
            self._closed = True
        for _ in range(takers):
            self._tokens.put(None)
