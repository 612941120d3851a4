"""
Limits lines of the log where strangers decide how often something happens: nobody must be able to fill the disk with packets.

Somebody who knows a password can only repeat themselves: that is logged once in a while (`News`). Somebody who knows none can make
up a new name each time: of that, a limited number of lines a minute is logged (`Ration`).
"""

import threading

from smsotp_plugin.clock import Clock

#: How many things are remembered as logged; then all of them are forgotten together, and may be logged again.
_MOST_TOLD = 10_000
#: Lines of one kind in a minute.
_MOST_LINES = 60
_MINUTE = 60.0


class News:
    """
    Remembers what was told. Safe under threads: at worst something is told twice.

    Args:
        clock: Time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        #: Until when each is enough, in monotonic seconds.
        self._told: dict[tuple[str, ...], float] = {}

    def is_news(self, *what: str, seconds: float = _MINUTE) -> bool:
        """
        Tell whether something is to be logged, and remember that it is.

        Args:
            what: Of what kind it is, and about whom.
            seconds: How long the same thing is no news after that.
        """
        now = self._clock.monotonic()
        if now < self._told.get(what, float("-inf")):
            return False
        if len(self._told) >= _MOST_TOLD:
            self._told.clear()
        self._told[what] = now + seconds
        return True


class Ration:
    """
    Lets through a limited number of lines of one kind in a minute, and counts the others. Safe under threads.

    Args:
        clock: Time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since = float("-inf")
        self._lines = self._held_back = 0

    def take(self) -> str | None:
        """Return what is to be added to a line, perhaps an empty text; None if the line is to be held back."""
        now = self._clock.monotonic()
        with self._lock:
            held_back = 0
            if now - self._since >= _MINUTE:
                held_back, self._since = self._held_back, now
                self._lines = self._held_back = 0
            if self._lines >= _MOST_LINES:
                self._held_back += 1
                return None
            self._lines += 1
            if self._lines == _MOST_LINES:
                return "; further ones of this minute are counted, not logged"
            return f"; {held_back} before that were not logged" if held_back else ""
