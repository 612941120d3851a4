"""
Whether anybody has to wait after wrong answers, known here without asking Redis each time.

Redis itself says when what it has told is no longer true (client-side caching), on a connection that carries nothing else. So an
ordinary first leg asks nothing more. If Redis does not do that, it is asked each time.
"""

import threading

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.guesses import GuessRules
from smsotp_plugin.stores.redis.line import Line, ReplyError
from smsotp_plugin.stores.redis.link import Link
from smsotp_plugin.stores.redis.scripts import Scripts

_KEY = "watched"
#: The fewest seconds between two connections that are made for this.
_REST = 1.0
#: The fewest seconds after which names are looked at that need not be watched any more, and how many at once.
_TIDY, _PIECE = 60.0, 100


class Watched:
    """
    Safe under threads.

    Args:
        link: The way to Redis.
        scripts: Asks it.
        clock: Time.
    """

    def __init__(self, link: Link, scripts: Scripts, clock: Clock) -> None:
        self._link = link
        self._scripts = scripts
        self._clock = clock
        self._lock = threading.Lock()
        self._line: Line | None = None
        self._generation = -1
        self._anybody = False
        self._listen_from = self._tidy_from = float("-inf")
        #: Those of the last question.
        self._rules: GuessRules | None = None

    def anybody(self, rules: GuessRules) -> bool:
        """
        Tell whether any name may have to wait.

        Args:
            rules: How long.

        Raises:
            StoreError: This is not known, and Redis does not answer.
        """
        with self._lock:
            self._rules = rules
            line = self._line
            if line is not None and self._generation == self._link.generation and line.is_quiet():
                return self._anybody
            self._hang_up()
            if self._clock.monotonic() >= self._listen_from:
                self._listen_from = self._clock.monotonic() + _REST
                return self._listen()
        return bool(self._scripts.ask("EXISTS", key=_KEY))

    def check(self) -> None:
        """
        Ask again now and then: a connection may be cut without notice, and waits end.

        Raises:
            StoreError: Redis does not answer.
        """
        anybody = bool(self._scripts.ask("EXISTS", key=_KEY))
        if anybody and self._rules is not None and self._clock.monotonic() >= self._tidy_from:
            self._tidy(self._rules)
            anybody = bool(self._scripts.ask("EXISTS", key=_KEY))
        with self._lock:
            if anybody != self._anybody:
                self._hang_up()

    def close(self) -> None:
        """Stop listening."""
        with self._lock:
            self._hang_up()

    def _tidy(self, rules: GuessRules) -> None:
        """Have names whose waits are over watched no longer."""
        self._tidy_from = self._clock.monotonic() + _TIDY
        self._scripts.run("unwatch", [_KEY], _PIECE, rules.most, rules.lock, rules.free, rules.fewest)

    def _listen(self) -> bool:
        commands = [("HELLO", 3), ("CLIENT", "TRACKING", "ON"), ("EXISTS", self._scripts.key(_KEY))]
        line, replies, generation = self._link.open_line(commands)
        *agreed, anybody = replies
        if isinstance(anybody, ReplyError):
            line.close()
            raise StoreError(f"Redis at {line.place} cannot be asked who has to wait")
        self._anybody = bool(anybody)
        if any(isinstance(reply, ReplyError) for reply in agreed):
            line.close()
            return self._anybody
        self._line, self._generation = line, generation
        return self._anybody

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
