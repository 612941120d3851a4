"""What may go now, the one that expires first in front."""

import heapq
import itertools
import queue
import threading
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


class ReadyQueue(Generic[ItemT]):
    """
    A priority queue whose waiting is done in C: one token in a `queue.SimpleQueue` for each item.

    `queue.PriorityQueue` waits on a Condition, which is written in Python and costs a log-in more than its store does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heap: list[tuple[float, int, ItemT]] = []
        self._numbers = itertools.count()
        self._tokens: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def put(self, item: ItemT, expires: float) -> None:
        """
        Add an item.

        Args:
            item: Anything.
            expires: Comes first the smaller it is.
        """
        with self._lock:
            heapq.heappush(self._heap, (expires, next(self._numbers), item))
        self._tokens.put(True)

    def get(self) -> ItemT | None:
        """Wait for an item and take it; None when the queue is closed."""
        while self._tokens.get():
            with self._lock:
                if self._heap:
                    return heapq.heappop(self._heap)[2]
        return None

    def drain(self) -> list[ItemT]:
        """Take everything that waits."""
        with self._lock:
            items, self._heap = [item for _, _, item in sorted(self._heap)], []
        return items

    def close(self, takers: int) -> None:
        """
        End the waiting.

        Args:
            takers: How many threads call `get`; each gets one None.
        """
        for _ in range(takers):
            self._tokens.put(False)
