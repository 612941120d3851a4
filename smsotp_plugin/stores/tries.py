"""
How many tries are left as far as this process knows, so that somebody who puts back an old row gets no further tries.

The mark of a challenge does not help against that: the old row bears it, too.
"""

import threading

#: A challenge that was answered rightly.
USED_UP = -1
#: Challenges after which the older ones begin to be forgotten; at most twice as many are known. They are only text and numbers,
#: which Python's garbage collector does not look at.
_MANY = 25_000


class Tries:
    """Remembers the fewest tries that were ever seen of each of the last challenges."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newer: dict[str, int] = {}
        self._older: dict[str, int] = {}

    def left(self, state: str) -> int | None:
        """Return how many tries a challenge can have, or None if nothing is known."""
        with self._lock:
            return self._known(state)

    def note(self, state: str, left: int) -> None:
        """Remember how many tries a challenge has, if they are fewer than before: none come back."""
        with self._lock:
            known = self._known(state)
            self._put(state, left if known is None else min(left, known))

    def put(self, state: str, left: int) -> None:
        """Remember how many tries a challenge has after its use was taken back."""
        with self._lock:
            self._put(state, left)

    def _put(self, state: str, left: int) -> None:
        self._newer[state] = left
        if len(self._newer) >= _MANY:
            self._older, self._newer = self._newer, {}

    def _known(self, state: str) -> int | None:
        newer = self._newer.get(state)
        return self._older.get(state) if newer is None else newer
