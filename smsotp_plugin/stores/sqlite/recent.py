"""Which log-ins the file may know, so that it is not asked about log-ins that it cannot know."""

import threading
from collections.abc import Iterable

from smsotp_plugin.clock import Clock


class RecentLogins:
    """
    The log-ins of the last one or two windows: a log-in that is missing here has no young challenge.

    It holds only text, which Python's garbage collector does not look at. It knows nothing of what other processes do: `ask_always`
    is for that.

    Args:
        window: Seconds that a challenge is young.
        clock: Time.
        young: The log-ins that have a young challenge already.
    """

    def __init__(self, window: float, clock: Clock, young: Iterable[str] = ()) -> None:
        self._window = window
        self._clock = clock
        self._lock = threading.Lock()
        self._newer = dict.fromkeys(young, True)
        self._older: dict[str, bool] = {}
        self._known_from = clock.monotonic()
        self._turn = self._known_from + window

    def add(self, login: str) -> None:
        """Remember a log-in for at least one window and at most two."""
        now = self._clock.monotonic()
        with self._lock:
            if now >= self._turn:
                self._older = self._newer if now < self._turn + self._window else {}
                self._newer = {}
                self._turn = now + self._window
            self._newer[login] = True

    def may_hold(self, login: str) -> bool:
        """Tell whether the file may have a young challenge of a log-in."""
        with self._lock:
            known = login in self._newer or login in self._older
        return known or self._clock.monotonic() < self._known_from

    def ask_always(self) -> None:
        """For one window from now, treat no log-in as missing: another process may have begun it."""
        self._known_from = self._clock.monotonic() + self._window
