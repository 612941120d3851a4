"""Whether the last write to the file succeeded, and whether its disk answers."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from smsotp_plugin.clock import Clock, SystemClock
from smsotp_plugin.errors import OverBudget, StoreError

log = logging.getLogger("smsotp.store")

Result = TypeVar("Result")

#: Seconds after which a disk that has not answered counts as one that hangs.
STUCK_AFTER = 2.0


class Writing:
    """
    Remembers whether the last write succeeded, and how long the commit under way has taken.

    Attributes:
        is_possible: Whether the last write has succeeded.
        disk_clock: Real time: how long a disk takes does not depend on what our clock says.
    """

    def __init__(self) -> None:
        self.is_possible = True
        self.disk_clock: Clock = SystemClock()
        #: When the commit under way began, in monotonic seconds of `disk_clock`.
        self._began: float | None = None
        #: Why the last write failed, while nothing can be written.
        self._failure = ""
        #: Whether the log has said that nothing can be written.
        self._told = False
        self._lock = threading.Lock()

    def attempt(self, write: Callable[[], Result]) -> Result:
        """Write, and note how that went; raises what `write` raises. `OverBudget` says nothing about the file."""
        try:
            result = write()
        except OverBudget:
            raise
        except BaseException as exc:
            self.is_possible, self._failure = False, str(exc) or type(exc).__name__
            raise
        self._told = False
        if not self.is_possible:
            self.is_possible = True
            log.info("the store can be written again")
        return result

    def demand(self) -> None:
        """
        Make sure that the last write has succeeded.

        Raises:
            StoreError: It failed; perhaps only the log was told.
        """
        if not self.is_possible:
            raise StoreError(self._failure)

    def is_news(self) -> bool:
        """Tell whether the last failure is the first one since a write succeeded."""
        with self._lock:
            known, self._told = self._told, True
        return not known

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch how long a commit takes; one at a time."""
        self._began = self.disk_clock.monotonic()
        try:
            yield
        finally:
            self._began = None

    def hangs(self) -> bool:
        """Tell whether the commit that is under way takes so long that the disk must hang."""
        began = self._began
        return began is not None and self.disk_clock.monotonic() - began > STUCK_AFTER
