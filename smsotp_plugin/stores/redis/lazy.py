"""
Writes that are made soon, and that nobody waits for.

Things that are written in the same way go into one command, in the order in which they came; otherwise the order is open.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from smsotp_plugin.stores.redis.line import ReplyError, explain
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.scripts import Scripts

log = logging.getLogger("smsotp.store")

#: How many things are written in one go.
_PIECE = 100
#: The most things that wait; beyond that the oldest are given up.
_MOST_WAITING = 100_000

_ItemT = TypeVar("_ItemT")


class Lazy:
    """
    Safe under threads.

    Args:
        scripts: Runs the commands.
        soon: Has `flush` called by a thread of its own.
    """

    def __init__(self, scripts: Scripts, soon: Callable[[], None]) -> None:
        self._scripts = scripts
        self._soon = soon
        #: Commands are made when they are written: their moments count from then.
        self._waiting: deque[tuple[Callable[[Sequence[Any]], Command], object]] = deque(maxlen=_MOST_WAITING)
        self._writing = threading.Lock()

    def add(self, command: Callable[[], Command], *, soon: bool = True) -> None:
        """
        Have a command written.

        Args:
            command: Makes it.
            soon: See `gather`.
        """
        self.gather(lambda _: command(), None, soon=soon)

    def gather(self, make: Callable[[Sequence[_ItemT]], Command], item: _ItemT, *, soon: bool = True) -> None:
        """
        Have something written together with others of its kind.

        Args:
            make: Makes the command that writes some of them; the same for all.
            item: The thing.
            soon: Whether to wake the thread for it; otherwise it is written with the next ones, or when `wake` is called.
        """
        # Needs no lock: a deque takes and gives one at a time.
        self._waiting.append((make, item))
        if soon:
            self._soon()

    def wake(self) -> None:
        """Have everything written that waits."""
        if self._waiting:
            self._soon()

    def flush(self) -> None:
        """
        Write what waits, and return when it is written.

        Raises:
            StoreError: Redis does not answer; what is not written goes on waiting.
        """
        with self._writing:
            while piece := self._take():
                alike: dict[Callable[[Sequence[Any]], Command], list[object]] = {}
                for make, item in piece:
                    alike.setdefault(make, []).append(item)
                try:
                    replies = self._scripts.run_all([make(items) for make, items in alike.items()])
                except BaseException:
                    self._waiting.extendleft(reversed(piece))
                    raise
                _report([str(explain(reply)) for reply in replies if isinstance(reply, ReplyError)])

    def _take(self) -> list[tuple[Callable[[Sequence[Any]], Command], object]]:
        piece: list[tuple[Callable[[Sequence[Any]], Command], object]] = []
        while self._waiting and len(piece) < _PIECE:
            piece.append(self._waiting.popleft())
        return piece


def _report(problems: Sequence[str]) -> None:
    for problem in dict.fromkeys(problems):
        log.error("something could not be written to Redis: %s", problem)
