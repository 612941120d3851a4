"""How many messages may be on their way: a place is taken before a log-in is promised a code, and held to the end."""

import threading
from weakref import WeakSet

from smsotp_plugin.errors import QueueFull


class Place:
    """
    Room for one message; who holds it has the room.

    Given back by `Places.give_back`, or by being dropped: a promise that could not be written down, or that a log-in
    did not need after all, leaves no trace here.
    """

    __slots__ = ("__weakref__",)


class Places:
    """
    All places.

    Args:
        limit: How many there are, at least 1.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._taken: WeakSet[Place] = WeakSet()

    def take(self) -> Place:
        """
        Take a place.

        Raises:
            QueueFull: There is none.
        """
        place = Place()
        with self._lock:
            if len(self._taken) >= self._limit:
                raise QueueFull(f"{self._limit} messages are on their way already (dispatch.queue)")
            self._taken.add(place)
        return place

    def take_anyway(self) -> Place:
        """Take a place also where there is none: for a message that was promised before."""
        place = Place()
        with self._lock:
            self._taken.add(place)
        return place

    def give_back(self, place: Place | None) -> None:
        """Free a place at once, whoever still holds it."""
        if place is not None:
            with self._lock:
                self._taken.discard(place)
