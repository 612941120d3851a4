"""
How many messages may be on their way: a slot is taken before a log-in is promised a code, and held to the end.

Nobody gets all of them. Whoever holds more than a share of those that are free gets no further one, so that some stay free for
others however many ask for them (dynamic thresholds, Choudhury and Hahne 1998). And the more somebody holds, the later their
next message has its turn.
"""

import threading
from collections import deque
from collections.abc import Sequence

from smsotp_plugin.errors import QueueFull

#: Who may hold only so many slots, and how many for each that is free: of all slots those are a ninth, a half and eight
#: ninths, where nobody else holds any. Many people may come from one station, and all from one client.
_SHARES = (("user", 1 / 8), ("number", 1 / 8), ("station", 1.0), ("client", 8.0))
_CLIENT = "client"


class Slot:
    """
    Room for one message; who holds it has the room.

    Given back by `Slots.give_back`, or by being dropped: a promise that could not be written down, or that a log-in
    did not need after all, leaves no trace here.

    Attributes:
        rank: How many others the person or the station held when it was taken.
    """

    __slots__ = ("_holders", "_slots", "rank")

    def __init__(self, slots: "Slots", holders: tuple[str, ...], rank: int) -> None:
        self._slots = slots
        self._holders: tuple[str, ...] | None = holders
        self.rank = rank

    def __del__(self) -> None:
        holders = self.release()
        if holders is not None:
            self._slots.note_dropped(holders)

    def release(self) -> tuple[str, ...] | None:
        """Return who held it, once; None after that."""
        holders, self._holders = self._holders, None
        return holders


class Slots:
    """
    All slots.

    Args:
        limit: How many there are, at least 1.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._taken = 0
        #: How many somebody holds.
        self._held: dict[str, int] = {}
        #: The holders of slots that were dropped.
        self._dropped: deque[tuple[str, ...]] = deque()

    def take(self, user: str = "", number: str = "", station: str = "", client: str = "") -> Slot:
        """
        Take a slot.

        Args:
            user: For whom; here and in what follows nobody where it is empty.
            number: Where the message goes.
            station: Where the log-in comes from.
            client: Who asks.

        Raises:
            QueueFull: There is none, or one of these has as many as they may.
        """
        holders, rank = [], 0
        with self._lock:
            self._free_dropped()
            free = self._limit - self._taken
            if free <= 0:
                raise QueueFull(f"{self._limit} messages are on their way already (dispatch.queue)")
            for who, (kind, share) in zip((user, number, station, client), _SHARES, strict=True):
                if not who:
                    continue
                key = f"{kind} {who}"
                held = self._held.get(key, 0)
                if held:
                    if held >= share * free:
                        raise QueueFull(
                            f"{held} messages for this {kind} are on their way already, its share of dispatch.queue"
                        )
                    if kind != _CLIENT and held > rank:
                        rank = held
                holders.append(key)
            for key in holders:
                self._held[key] = self._held.get(key, 0) + 1
            self._taken += 1
        return Slot(self, tuple(holders), rank)

    def take_anyway(self, holders: Sequence[str] = ()) -> Slot:
        """
        Take a slot also where there is none: for a message that was promised before.

        Args:
            holders: See `Parcel.holders`. A process that takes from a queue knows nobody by another name.
        """
        with self._lock:
            self._free_dropped()
            ranks = [self._held.get(holder, 0) for holder in holders if not holder.startswith(_CLIENT)]
            for holder in holders:
                self._held[holder] = self._held.get(holder, 0) + 1
            self._taken += 1
        return Slot(self, tuple(holders), max(ranks, default=0))

    def give_back(self, slot: Slot | None) -> None:
        """Free a slot at once, whoever still holds it."""
        holders = None if slot is None else slot.release()
        if holders is not None:
            with self._lock:
                self._free(holders)

    def count_taken(self) -> int:
        """Return how many are taken."""
        with self._lock:
            self._free_dropped()
            return self._taken

    def note_dropped(self, holders: tuple[str, ...]) -> None:
        """Note that a slot was dropped, perhaps in the middle of this class: its lock must not be waited for."""
        self._dropped.append(holders)

    def _free_dropped(self) -> None:
        while self._dropped:
            self._free(self._dropped.popleft())

    def _free(self, holders: tuple[str, ...]) -> None:
        self._taken -= 1
        for key in holders:
            held = self._held[key] - 1
            if held:
                self._held[key] = held
            else:
                del self._held[key]
