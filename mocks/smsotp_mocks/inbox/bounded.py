"""A queue that forgets its oldest items, so that a mock left running cannot fill the memory."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Bounded(Generic[T]):
    """
    Items, oldest first. Not safe for threads by itself.

    Args:
        most_items: Items kept.
        most_bytes: Sum of their sizes; one item alone may be larger.
    """

    def __init__(self, most_items: int, most_bytes: int) -> None:
        self._most_items = most_items
        self._most_bytes = most_bytes
        self._items: deque[tuple[T, int]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return (item for item, _ in self._items)

    def append(self, item: T, size: int) -> list[T]:
        """Keep an item; return those that had to go."""
        self._items.append((item, size))
        self._bytes += size
        gone = []
        while len(self._items) > self._most_items or (
            self._bytes > self._most_bytes and len(self._items) > 1
        ):
            oldest, its_size = self._items.popleft()
            self._bytes -= its_size
            gone.append(oldest)
        return gone

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
        self._bytes = 0
