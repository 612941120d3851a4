"""Lets a log-in wait a moment for its SMS (``dispatch.wait``): one at a time, and not one right after the other."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.errors import Outcome

#: After a wait, nobody may wait for this many times as long. FreeRADIUS calls one log-in at a time, and those that gather
#: while one waits have to be answered at once.
_REST = 4.0
_NO_TURN = nullcontext(False)


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
        #: State of the challenge whose log-in has the right to wait; empty while none has.
        self._whose = ""
        self._outcome: Outcome | None = None
        self._rest_until = float("-inf")
        self._stopped = False

    def turn(self, state: str) -> AbstractContextManager[bool]:
        """Give the log-in of a challenge the right to wait; yields False if it has to be answered at once."""
        return self._take_turn(state) if self._seconds else _NO_TURN

    @contextmanager
    def _take_turn(self, state: str) -> Iterator[bool]:
        begun = self._clock.monotonic()
        with self._changed:
            mine = not self._stopped and not self._whose and begun >= self._rest_until
            if mine:
                self._whose, self._outcome = state, None
        try:
            yield mine
        finally:
            if mine:
                now = self._clock.monotonic()
                with self._changed:
                    self._whose = ""
                    self._rest_until = now + _REST * (now - begun)

    def settle(self, state: str, outcome: Outcome) -> None:
        """Note how a message ended; from any thread."""
        if state != self._whose:
            return
        with self._changed:
            if state == self._whose:
                self._outcome = outcome
                self._changed.notify_all()

    def wait(self) -> Outcome | None:
        """
        Wait for the end of the message, for whoever has the turn.

        Returns:
            How it ended; None if that is still open when the time is up, or when `stop` is called.
        """
        until = Deadline.after(self._seconds, self._clock)
        with self._changed:
            while self._outcome is None and not self._stopped:
                if not self._clock.wait(self._changed, until.remaining()):
                    break
            return self._outcome

    def stop(self) -> None:
        """End the waiting, for good."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
