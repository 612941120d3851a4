"""Tells the sender of codes what is kept: many at once, and without making a log-in wait."""

import logging
import threading
from collections import deque
from collections.abc import Sequence

from smsotp_plugin.stores.kept import InsideListener, KeptListener, Parcel, ignore_kept

log = logging.getLogger("smsotp.store")


class Teller:
    """
    Safe under threads.

    Attributes:
        listener: What is told.
    """

    def __init__(self) -> None:
        self.listener: KeptListener = ignore_kept
        self._kept: deque[Parcel] = deque()
        self._lock = threading.Lock()
        #: One for each time that the listener is told something; set when it knows.
        self._under_way: set[threading.Event] = set()
        self._inside = InsideListener()

    def add(self, parcel: Parcel) -> None:
        """Have the listener told of this with the next ones, by the next call of `tell`."""
        # Needs no lock: a deque takes and gives one at a time.
        self._kept.append(parcel)

    def tell(self, parcels: Sequence[Parcel] = ()) -> None:
        """Tell the listener of all that are kept, and of these."""
        self._kept.extend(parcels)
        known = threading.Event()
        with self._lock:
            kept = [self._kept.popleft() for _ in range(len(self._kept))]
            if not kept:
                return
            self._under_way.add(known)
        try:
            with self._inside.enter():
                self.listener(kept)
        except BaseException:  # people are asked for codes that may still come
            log.exception("users were asked for codes, but no SMS will be sent")
        finally:
            with self._lock:
                self._under_way.discard(known)
            known.set()

    def tell_all(self) -> None:
        """
        Do the same, after what others are telling at the moment, and return when the listener knows everything.

        If the listener itself calls this, it waits for nothing else that the listener does.
        """
        is_inside = self._inside.is_here
        if not is_inside:
            self._wait()
        self.tell()
        if not is_inside:
            self._wait()

    def _wait(self) -> None:
        """Wait until the listener knows what it is being told."""
        with self._lock:
            under_way = list(self._under_way)
        for known in under_way:
            known.wait()
