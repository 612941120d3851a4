"""How many messages may be on their way: a slot is taken before a log-in is promised a code, and held to the end."""

import threading
from weakref import WeakSet

from smsotp_plugin.errors import QueueFull


class Slot:
    """
    Room for one message; who holds it has the room.

    Given back by `Slots.give_back`, or by being dropped: a promise that could not be written down, or that a log-in
    did not need after all, leaves no trace here.
    """

    __slots__ = ("__weakref__",)


class Slots:
    """
    All slots.

    Args:
        limit: How many there are, at least 1.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._taken: WeakSet[Slot] = WeakSet()

    def take(self) -> Slot:
        """
        Take a slot.

        Raises:
            QueueFull: There is none.
        """
        slot = Slot()
        with self._lock:
            if len(self._taken) >= self._limit:
                raise QueueFull(f"{self._limit} messages are on their way already (dispatch.queue)")
            self._taken.add(slot)
        return slot

    def take_anyway(self) -> Slot:
        """Take a slot also where there is none: for a message that was promised before."""
        slot = Slot()
        with self._lock:
            self._taken.add(slot)
        return slot

    def give_back(self, slot: Slot | None) -> None:
        """Free a slot at once, whoever still holds it."""
        if slot is not None:
            with self._lock:
                self._taken.discard(slot)
