"""For sites that let a log-in wait a moment for its SMS (``dispatch.wait``): one at a time, and not one after the other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.dispatch.delivery import Final

#: After a wait nobody waits for so many times as long. FreeRADIUS calls one log-in after the other, and while one waits
#: the next ones gather: they have to be answered at once.
_REST = 4.0


class Outcome:
    """
    How the message of one first leg ends.

    Args:
        changed: Notified when it has.
    """

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self.final: Final | None = None

    def settle(self, final: Final) -> None:
        """Note the end; from any thread."""
        with self._changed:
            self.final = final
            self._changed.notify_all()


class Waiting:
    """
    Gives one log-in at a time the right to wait.

    Args:
        seconds: How long, 0 for never.
        clock: Time.
    """

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._busy = False
        self._rest_until = float("-inf")
        self._stopped = False

    @contextmanager
    def turn(self) -> Iterator[Outcome | None]:
        """Give the right to wait for an outcome, or None where this log-in has to be answered at once."""
        begun = self._clock.monotonic()
        with self._changed:
            mine = bool(self._seconds) and not self._stopped and not self._busy and begun >= self._rest_until
            self._busy = self._busy or mine
        try:
            yield Outcome(self._changed) if mine else None
        finally:
            if mine:
                now = self._clock.monotonic()
                with self._changed:
                    self._busy = False
                    self._rest_until = now + _REST * (now - begun)

    def wait(self, outcome: Outcome) -> Final | None:
        """Wait for an outcome, no longer than is allowed and not beyond `stop`; None where it is still open then."""
        until = Deadline.after(self._seconds, self._clock)
        with self._changed:
            while outcome.final is None and not self._stopped:
                if not self._clock.wait(self._changed, until.remaining()):
                    break
            return outcome.final

    def stop(self) -> None:
        """End the waiting, for good."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
