"""What a thread that has submitted something waits on: the other end is in the link's thread."""

import threading
from collections.abc import Callable

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.errors import DeliveryError
from smsotp_plugin.wire.smpp_events import Answered


class Ticket:
    """One request that is on its way, and what became of it."""

    def __init__(self, on_taken: Callable[[str], None] | None = None) -> None:
        self.sequence = 0
        self._on_taken = on_taken
        self._changed = threading.Condition(threading.Lock())
        self._result: Answered | DeliveryError | None = None

    def settle(self, result: Answered | DeliveryError) -> None:
        """Say how it ended, once."""
        if self._on_taken is not None and isinstance(result, Answered) and result.status == 0:
            self._on_taken(result.message_id)
        with self._changed:
            self._result = result
            self._changed.notify()

    def result(self, clock: Clock, deadline: Deadline | None) -> Answered | None:
        """
        Wait for the end.

        Returns:
            The answer, or None when the deadline passed.

        Raises:
            DeliveryError: There will be none.
        """
        with self._changed:
            while self._result is None:
                left = None if deadline is None else deadline.remaining()
                if left == 0:
                    return None
                clock.wait(self._changed, left)
            if isinstance(self._result, DeliveryError):
                raise self._result
            return self._result
