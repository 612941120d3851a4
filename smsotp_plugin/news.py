"""
What is worth a line of the log where strangers decide how often it happens: whoever can send packets must not fill the disk.

Somebody who knows a password can only repeat themselves: that is told once in a while (`News`). Whoever knows none can make up a new
name each time: of that, no more than a number of lines a minute is told (`Ration`).
"""

import threading

from smsotp_plugin.clock import Clock

#: Things that are known to be told; all are forgotten together, and may be told again.
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
        Tell whether something is to be said, and remember that it is.

        Args:
            what: Of what kind, and about whom.
            seconds: For which the same is no news afterwards.
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
        """Return what has to be added to a line, which may be nothing; None where the line is held back."""
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
