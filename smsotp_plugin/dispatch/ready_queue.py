"""What may go now; the item that expires first is in front."""

import heapq
import itertools
import queue
import threading
from collections.abc import Sequence
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")

#: Before everything that is put.
_FIRST = float("-inf")


class ReadyQueue(Generic[ItemT]):
    """
    A priority queue that wakes few threads.

    A thread that is awake takes the next item and passes on that others wait, so one sleeper at a time is woken, by a token in a
    `queue.SimpleQueue`. Thus a hundred items at once do not make all threads compete for the interpreter's lock, and yet every
    thread gets to work if those before it wait for a gateway. `queue.PriorityQueue` waits on a Condition, which is written in
    Python and costs a log-in more than its store does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heap: list[tuple[float, int, ItemT]] = []
        self._numbers = itertools.count()
        self._asleep = 0
        #: Whether there is a token that nobody has taken yet.
        self._waking = False
        self._tokens: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def put(self, item: ItemT, expires: float) -> None:
        """
        Add an item.

        Args:
            item: Anything.
            expires: The item with the smallest comes first.
        """
        with self._lock:
            heapq.heappush(self._heap, (expires, next(self._numbers), item))
            self._wake_one()

    def get(self) -> ItemT | None:
        """
        Wait for an item and take it; None when the queue is closed.

        The caller then calls `pass_on` before anything that takes time, or nobody comes for the next item.
        """
        item = self._take()
        while item is None:
            if not self._tokens.get():
                return None
            item = self._take(woken=True)
        return item

    def take_for_sleepers(self) -> list[ItemT]:
        """Take an item for each sleeper, if there are enough; they sleep on until these items are handed to `pass_on`."""
        with self._lock:
            number = min(len(self._heap), self._asleep)
            self._asleep -= number
            return [heapq.heappop(self._heap)[2] for _ in range(number)]

    def pass_on(self, items: Sequence[ItemT] = ()) -> None:
        """
        Have another thread come for the next item.

        Args:
            items: What `take_for_sleepers` returned; it is put back, before all others.
        """
        with self._lock:
            self._asleep += len(items)
            for item in items:
                heapq.heappush(self._heap, (_FIRST, next(self._numbers), item))
            self._wake_one()

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

    def _take(self, *, woken: bool = False) -> ItemT | None:
        """Take an item; None if there is none, and then the caller must wait for a token."""
        with self._lock:
            if woken:
                self._waking = False
            if not self._heap:
                self._asleep += 1
                return None
            return heapq.heappop(self._heap)[2]

    def _wake_one(self) -> None:
        if self._heap and self._asleep and not self._waking:
            self._asleep -= 1
            self._waking = True
            self._tokens.put(True)
