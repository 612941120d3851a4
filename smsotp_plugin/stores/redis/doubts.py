"""
Challenges that may or may not be kept, because Redis did not answer in time, or in words that nobody understands.

Their log-ins were refused. But if a challenge is kept, a person who logs in again gets it, here or elsewhere, and waits for its
SMS. So Redis is asked as soon as it answers again, and the SMS is sent.
"""

import threading
from collections.abc import Callable, Sequence

from smsotp_plugin.clock import Clock
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.kept import Parcel
from smsotp_plugin.stores.redis.scripts import Scripts


class Doubts:
    """
    Safe under threads.

    Args:
        scripts: The way to Redis.
        clock: Time.
        tell: Told which challenges are kept.
    """

    def __init__(self, scripts: Scripts, clock: Clock, tell: Callable[[Sequence[Parcel]], None]) -> None:
        self._scripts = scripts
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._open: list[tuple[Challenge, Parcel]] = []

    def add(self, challenge: Challenge, parcel: Parcel) -> None:
        """Note a challenge."""
        with self._lock:
            self._open.append((challenge, parcel))

    def settle(self) -> None:
        """
        Find out about all of them.

        Raises:
            StoreError: Redis does not answer; they are asked for the next time.
        """
        with self._lock:
            if not self._open:
                return
            open_, self._open = self._open, []
        while open_:
            challenge, parcel = open_[-1]
            try:
                reply = self._scripts.run(
                    "find", [f"challenge:{challenge.state}"], challenge.state, challenge.user
                )
            except BaseException:
                with self._lock:
                    now = self._clock.time()
                    self._open += [each for each in open_ if each[0].expires > now]
                raise
            open_.pop()
            if reply is not None:
                self._tell([parcel])
