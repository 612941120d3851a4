"""Why there is no SMPP session, and when the next one is tried. No I/O."""

from random import Random
from typing import Final

from smsotp_plugin.errors import ConnectFailed, NotSent
from smsotp_plugin.wire.smpp.times import LinkTimes

#: A session that lived this long was a good one: after it, pauses start small again. Seconds.
_STEADY: Final = 10.0


class Outage:
    """
    The last failure and the pause after it.

    Args:
        times: How long the pauses are.
        random: For their length.
    """

    def __init__(self, times: LinkTimes, random: Random) -> None:
        self._times = times
        self._random = random
        self._failures = 0
        self._lasting = False
        #: Whether the last try made no session. A session that was lost is tried again at once, and waited for.
        self.known = False
        #: Kept as one value, because other threads read it.
        self._failure: tuple[type[NotSent], str] = (ConnectFailed, "the session has not been started")
        self.next_try = 0.0

    def start(self, reason: str, now: float) -> None:
        """Begin with the first try."""
        self._failure = (ConnectFailed, reason)
        self.next_try = now

    def note(self, kind: type[NotSent], reason: str, *, now: float, lived: float, lasting: bool) -> bool:
        """
        Note a failure and plan the next try.

        Args:
            kind: What it means for messages.
            reason: Fit for the log.
            now: Monotonic seconds.
            lived: For how many seconds the session was bound; 0: it never was.
            lasting: Whether only a person can mend it.

        Returns:
            Whether it is another failure than last time.
        """
        if lived >= _STEADY:
            self._failures = 0
        pause = self._times.refused_pause
        if not lasting:
            pause = min(self._times.longest_pause, self._times.first_pause * 2 ** min(self._failures, 16))
        self.next_try = now + pause * (1 - self._random.random() / 2)
        self._failures += 1
        self._lasting = lasting
        self.known = lived == 0
        news = (kind, reason) != self._failure
        self._failure = (kind, reason)
        return news

    def end(self) -> None:
        """Note that there is a session."""
        self.known = False

    def lasts_until(self, moment: float) -> bool:
        """Tell whether there will certainly be no session before a moment."""
        return self._lasting or self.next_try > moment

    def error(self) -> NotSent:
        """Return the failure for a message that cannot be sent because of it."""
        kind, reason = self._failure
        return kind(reason)
