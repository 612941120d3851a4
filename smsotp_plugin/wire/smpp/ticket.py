"""One request on its way through the link, and what the thread that submitted it waits on."""

import threading
from collections.abc import Callable
from enum import Enum, auto

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import DeliveryError
from smsotp_plugin.wire.smpp.events import Answered


class Progress(Enum):
    """How far a request has come."""

    WAITING = auto()
    """For a session, or for room in its window. Certainly not sent."""
    HANDED_OVER = auto()
    """To the session: from here on the SMSC may have it."""
    SETTLED = auto()
    """With a result."""
    WITHDRAWN = auto()
    """The deadline passed before it was handed over: it never will be."""
    ABANDONED = auto()
    """The deadline passed after that."""


class Ticket:
    """
    One request.

    Args:
        body: Of a submit_sm; None for an enquire_link.
        deadline: Until when the result is waited for.
        on_taken: Called with the SMSC's id of a message that it took, by the thread that settles.
    """

    def __init__(
        self, body: bytes | None, deadline: Deadline, on_taken: Callable[[str], None] | None = None
    ) -> None:
        self.body = body
        self.deadline = deadline
        self.sequence = 0
        self._on_taken = on_taken
        self._progress = Progress.WAITING
        self._result: Answered | DeliveryError | None = None
        self._lock = threading.Lock()
        #: Held until the result is there. A condition would wake the waiting thread only to wait for its lock again,
        #: which is a fifth of the cost of a message.
        self._settled = threading.Lock()
        self._settled.acquire()

    def hand_over(self) -> bool:
        """Claim it for the session; False when nobody waits for it any more."""
        with self._lock:
            if self._progress is not Progress.WAITING:
                return False
            self._progress = Progress.HANDED_OVER
            return True

    def hand_back(self) -> bool:
        """Say that the SMSC certainly did not get it after all; False when nobody waits for it any more."""
        with self._lock:
            if self._progress is not Progress.HANDED_OVER:
                return False
            self._progress = Progress.WAITING
            return True

    def is_waiting(self) -> bool:
        """Tell whether it has still to be handed over."""
        return self._progress is Progress.WAITING

    def settle(self, result: Answered | DeliveryError) -> None:
        """Say how it ended."""
        if self._on_taken is not None and isinstance(result, Answered) and result.status == 0:
            self._on_taken(result.message_id)
        with self._lock:
            if self._progress not in (Progress.WAITING, Progress.HANDED_OVER):
                return
            self._progress = Progress.SETTLED
            self._result = result
        self._settled.release()

    def wait(self) -> Answered | DeliveryError | Progress:
        """Wait until the deadline; return the result, or how far it had come (the last two) when there was none."""
        while (left := self.deadline.remaining()) and not self._settled.acquire(timeout=left):
            pass
        with self._lock:
            if self._result is not None:
                return self._result
            self._progress = Progress.WITHDRAWN if self._progress is Progress.WAITING else Progress.ABANDONED
            return self._progress
