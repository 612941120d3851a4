"""
A store that keeps no log-in waiting, whatever holds the store up.

rlm_python3 lets one request in at a time: a request that waits for a disk that hangs makes everybody wait. So everything that
may wait for the disk is done by a thread of its own. A caller waits for it up to a limit, and not at all while it is stuck.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar, cast

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.guesses import Guesser
from smsotp_plugin.stores.kept import InsideListener, KeptListener, Parcel
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.threads import start_thread

log = logging.getLogger("smsotp.store")

Result = TypeVar("Result")

#: Methods that are called only by threads for which no log-in waits, or that promise to be quick: a first leg must not cost a
#: change of threads.
DIRECT = frozenset(
    (
        *("start", "begin_attempts", "end_attempt", "forget_message", "take_over", "record"),
        *("add_answers", "load_answers", "put_brakes", "list_brakes", "tell_fate", "hear_fates"),
        *("may_wait", "over_budget", "spend_anyway", "count"),
    )
)


class _Job(Generic[Result]):
    """
    Something that is to be done, and its result.

    Args:
        work: Does it.
        undo: Told the result if nobody waited for it any more.
    """

    def __init__(self, work: Callable[[], Result], undo: Callable[[Result], object]) -> None:
        self._work = work
        self._undo = undo
        self._done = threading.Lock()
        self._done.acquire()
        self._result: Result | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as exc:  # noqa: BLE001  (raised again where it was asked for)
            self._error = exc
        self._done.release()

    def undo(self) -> None:
        """Undo it, unless it has failed."""
        if self._error is not None:
            return
        try:
            self._undo(self.take())
        except BaseException:  # the thread has to live
            log.exception("what nobody waited for cannot be undone")

    def wait(self, limit: float) -> bool:
        return self._done.acquire(timeout=limit)

    def take(self) -> Result:
        """Return the result, or raise the error; once, after `wait`."""
        error, self._error = self._error, None
        if error is not None:
            raise error
        return cast("Result", self._result)


def _undo_nothing(result: object) -> None:
    """Undo nothing."""
    del result


class Patience:
    """
    Does one thing after the other in a thread of its own, for callers who wait only up to a limit.

    The limit is real time: no disk looks at our clock.

    Args:
        limit: Seconds.

    Attributes:
        is_stuck: Whether something did not end within the limit, and has not ended yet.

    Raises:
        NoThread: There is no thread for it.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._abandoned: set[_Job[Any]] = set()
        self._is_closed = False
        self.is_stuck = False
        self._thread = threading.Thread(target=self._go_on, name="smsotp-disk", daemon=True)
        start_thread(self._thread)

    def within(self, work: Callable[[], Result], undo: Callable[[Result], object] = _undo_nothing) -> Result:
        """
        Have something done.

        Args:
            work: Does it.
            undo: Told the result if it came too late, before anything else is done.

        Raises:
            StoreError: It did not end within the limit, or something before it has not ended: then what had begun goes on, and
                what had not begun is left out. Or the store is closed.
        """
        if threading.current_thread() is self._thread:
            return work()
        if self.is_stuck:
            raise self._too_late()
        job = _Job(work, undo)
        with self._lock:
            if self._is_closed:
                raise StoreError("the store is closed")
            self._waiting.put(job)
        if not job.wait(self._limit) and not self._is_done_after_all(job):
            raise self._too_late()
        return job.take()

    def close(self) -> None:
        """End the thread, if it is not stuck, after what was asked for before."""
        with self._lock:
            self._is_closed = True
            self._waiting.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join(self._limit)

    def _is_done_after_all(self, job: "_Job[Any]") -> bool:
        with self._lock:
            if job.wait(0):
                return True
            self._abandoned.add(job)
            if not self.is_stuck:
                self.is_stuck = True
                log.error("%s; log-ins are refused until it does", self._too_late())
            return False

    def _too_late(self) -> StoreError:
        return StoreError(
            f"the store has not answered for {self._limit:g} s: its disk hangs, or is far too slow"
        )

    def _go_on(self) -> None:
        while (job := self._waiting.get()) is not None:
            if not self._is_abandoned(job):
                job.run()
                if self._is_abandoned(job):
                    job.undo()
            # Even if the job was left out: perhaps this thread was late, and nothing else would notice.
            with self._lock:
                was_stuck, self.is_stuck = self.is_stuck, False
            if was_stuck:
                log.info("the store answers again")

    def _is_abandoned(self, job: "_Job[Any]") -> bool:
        with self._lock:
            is_abandoned = job in self._abandoned
            self._abandoned.discard(job)
        return is_abandoned


class PatientStore:
    """
    A store that ends each call of a log-in within a limit, whatever holds up the store that it wraps.

    It does not inherit: this way, a method that stores get later is limited as well.

    Args:
        store: Raises the same errors, and may hang.
        opens_at_once: Tells whether a challenge can be opened for a log-in without making anybody wait.
        take_back: Opens a challenge again if its right answer was refused because the store said too late that it was right.
        limit: Seconds.
    """

    def __init__(
        self,
        store: Store,
        opens_at_once: Callable[[str], bool],
        take_back: Callable[[Challenge], None],
        limit: float,
    ) -> None:
        self._store = store
        self._opens_at_once = opens_at_once
        self._take_back = take_back
        self._patience = Patience(limit)
        self._inside = InsideListener()
        # They are called a few times for each message, so they are not looked up at each call.
        vars(self).update({name: getattr(store, name) for name in DIRECT})

    def __getattr__(self, name: str) -> Any:
        return partial(self._within, getattr(self._store, name))

    def listen(self, listener: KeptListener) -> None:
        self._store.listen(partial(self._tell, listener))

    def open_challenge(self, new: Challenge, parcel: Parcel) -> Challenge:
        if self._opens_at_once(new.login) and not self._patience.is_stuck:
            return self._store.open_challenge(new, parcel)
        return self._within(self._store.open_challenge, new, parcel)

    def answer(
        self, state: str, user: str, seal: str, now: float, guesser: Guesser | None = None
    ) -> Challenge:
        judge = partial(self._store.answer, state, user, seal, now, guesser)
        return self._wait_for(judge, self._take_back)

    def close(self) -> None:
        self._patience.close()
        self._store.close()

    def _tell(self, listener: KeptListener, kept: Sequence[Parcel]) -> None:
        with self._inside.enter():
            listener(kept)

    def _within(self, method: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        return self._wait_for(partial(method, *args, **kwargs))

    def _wait_for(
        self, work: Callable[[], Result], undo: Callable[[Result], object] = _undo_nothing
    ) -> Result:
        # No log-in waits for the listener, but the store may wait for what the listener does.
        if self._inside.is_here:
            return work()
        return self._patience.within(work, undo)
