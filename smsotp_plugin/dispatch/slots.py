"""
How many messages may be on their way: a slot is taken before a log-in is promised a code, and held until the message ends.

Nobody gets all of them. A holder who already has a certain share of the free slots gets no more, so that some stay free for
others, however many are asked for (dynamic thresholds, Choudhury and Hahne 1998). And the more slots a person or station holds,
the later their next message has its turn.
"""

import threading
from collections import deque
from collections.abc import Sequence

from smsotp_plugin.errors import QueueFull
from smsotp_plugin.grammar import agree
from smsotp_plugin.stores.kept import explain_share

#: How many slots each holder may have for every free one. While nobody else holds any, that is a ninth of all slots for a
#: user or a number, half of them for a station, through which many people may come, and eight ninths for a client, through
#: which all may.
_SHARES = (("user", 1 / 8), ("number", 1 / 8), ("station", 1.0), ("client", 8.0))
_CLIENT = "client"


class Slot:
    """
    Room for one message, as long as somebody holds this object.

    It is given back by `Slots.give_back`, or when nothing refers to it any more: a promise that could not be written down, or
    that a log-in did not need after all, leaves no trace here.

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
        """Return the holders the first time; None after that."""
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
        #: How many each holder has.
        self._held: dict[str, int] = {}
        #: The holders of slots that were dropped.
        self._dropped: deque[tuple[str, ...]] = deque()

    def take(self, user: str = "", number: str = "", station: str = "", client: str = "") -> Slot:
        """
        Take a slot.

        Args:
            user: Whom the message is for. Here and below, an empty text stands for nobody.
            number: Where the message goes.
            station: Where the log-in comes from.
            client: The client that asks.

        Raises:
            QueueFull: No slot is free, or one of these holders has as many as they may.
        """
        holders, rank = [], 0
        with self._lock:
            self._free_dropped()
            free = self._limit - self._taken
            if free <= 0:
                taken = agree(
                    self._limit,
                    "message is on its way already (dispatch.queue)",
                    "messages are on their way already (dispatch.queue)",
                )
                raise QueueFull(f"{self._limit} {taken}")
            for who, (kind, share) in zip((user, number, station, client), _SHARES, strict=True):
                if not who:
                    continue
                key = f"{kind} {who}"
                held = self._held.get(key, 0)
                if held:
                    if held >= share * free:
                        raise explain_share(kind, held)
                    if kind != _CLIENT and held > rank:
                        rank = held
                holders.append(key)
            for key in holders:
                self._held[key] = self._held.get(key, 0) + 1
            self._taken += 1
        return Slot(self, tuple(holders), rank)

    def take_anyway(self, holders: Sequence[str] = ()) -> Slot:
        """
        Take a slot even if none is free: for a message that has been promised before.

        Args:
            holders: See `Parcel.holders`. A process that takes from a queue knows people only by these names.
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
        """Note that a slot was dropped; takes no lock, because the thread may hold that of this class already."""
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
