"""Random bytes, fetched from the system for many log-ins at once."""

import os
import threading
from collections.abc import Callable

#: Bytes, for about a hundred log-ins.
_FETCHED = 4096


class RandomBytes:
    """
    Cryptographically random bytes; safe under threads.

    Every system call gives up the interpreter's lock, and a log-in that needs randomness twice would wait twice to get it back.

    Args:
        fetch: Where they come from; returns as many as asked for.
    """

    def __init__(self, fetch: Callable[[int], bytes] = os.urandom) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._fetched = b""
        self._used = 0

    def __call__(self, count: int) -> bytes:
        """Return bytes that nobody else got or gets, at most 4096."""
        with self._lock:
            if self._used + count > len(self._fetched):
                self._fetched, self._used = self._fetch(_FETCHED), 0
            self._used += count
            return self._fetched[self._used - count : self._used]
