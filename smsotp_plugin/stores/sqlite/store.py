"""
The store of a single machine: an SQLite file, and in memory what this process has not committed yet.

New challenges are committed together, a few milliseconds after the log-in was answered, and only then may their codes
be sent (decision 0003). So a code that somebody holds works after the death of the process, and a log-in waits for no
disk. Answers are rarer and are committed before they are given. While another process uses the same file, a log-in waits
for its commit as well, so that both give the same log-in the same challenge (decision 0009).
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import StoreError, TooManyAttempts, WrongCode
from smsotp_plugin.stores.base import (
    FURTHEST_END,
    KEPT_AFTER_EXPIRY,
    Challenge,
    ChallengeStore,
    ResendRules,
)
from smsotp_plugin.stores.delivery_log import DeliveryEvent, DeliveryLog, Wanted
from smsotp_plugin.stores.sqlite.batch import Batch
from smsotp_plugin.stores.sqlite.file import SqliteFile
from smsotp_plugin.stores.sqlite.recent import RecentLogins
from smsotp_plugin.stores.sqlite.tries import USED_UP, Tries

log = logging.getLogger("smsotp.store")

Result = TypeVar("Result")

#: Seconds in which new challenges gather before they are committed together.
_GATHERING = 0.002
#: New challenges that may wait to be committed. More come only where the disk is stuck, and nobody gets a code then.
_MOST_WAITING = 10_000


class SqliteStore(ChallengeStore, DeliveryLog):
    """
    Challenges and the delivery log in one file; several processes of one machine may use it.

    Args:
        path: The database file; see `SqliteFile`.
        window: See `ChallengeStore.open_challenge`.
        events_kept: Seconds that the delivery log goes back.
        clock: Time.

    Raises:
        StoreError: The file cannot be used.
    """

    def __init__(self, path: Path, window: float, events_kept: float, clock: Clock) -> None:
        self._file = SqliteFile(path, clock)
        self._events_kept = events_kept
        self._window = window
        self._clock = clock
        self._lock = threading.Lock()
        self._committing = threading.Lock()
        self._gathering = threading.Condition()
        self._healthy = True
        #: What the next commit takes, and what the one under way has taken.
        self._uncommitted, self._being_committed = Batch(), Batch()
        #: Kept, and what waits for them has not been called to its end.
        self._being_called: set[Batch] = set()
        self._inside = threading.local()
        self._events_lock = threading.Lock()
        #: Goes with the next commit of challenges, or with the next round of `tidy`.
        self._events: list[DeliveryEvent] = []
        self._tries = Tries()
        self._recent = RecentLogins(window, clock)
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="smsotp-store", daemon=True)
        self._thread.start()

    def open_challenge(self, new: Challenge, *, then: Callable[[], None]) -> Challenge:
        is_shared = self._look_around()
        with self._lock:
            same = self.find_same(new.login, new.created)
            if same is not None:
                return same
            if len(self._uncommitted) >= _MOST_WAITING:
                raise StoreError(f"{_MOST_WAITING} log-ins wait to be written: the disk is too slow for them")
            alone, first = self._healthy and not is_shared, not self._uncommitted
            self._recent.add(new.login)
            if alone:
                self._uncommitted.add(new, then)
        if not alone:
            return self._open_at_once(new, then)
        if first:
            self._wake.put(True)
        return new

    def find_same(self, login: str, now: float) -> Challenge | None:
        # In the order in which they move on, so that none is overlooked while it moves.
        for batch in (self._uncommitted, self._being_committed):
            same = batch.latest(login)
            if same is not None and now - self._window < same.created <= now < same.expires:
                return same
        if not self._recent.may_hold(login):
            return None
        return self._file.find_same(login, now, self._window)

    def answer(self, state: str, user: str, seal: str, now: float) -> Challenge:
        self._settle(state)
        try:
            challenge = self._file.answer(state, user, seal, now, most=self._tries.left(state))
        except WrongCode as exc:
            self._tries.note(state, exc.tries_left)
            raise
        except TooManyAttempts:
            self._tries.note(state, 0)
            raise
        self._tries.note(state, USED_UP)
        return challenge

    def find(self, state: str, user: str) -> Challenge:
        self._settle(state)
        return self._file.find(state, user)

    def resend(self, state: str, user: str, now: float, rules: ResendRules) -> Challenge:
        self._settle(state)
        return self._file.resend(state, user, now, rules)

    def mark_undelivered(self, state: str, why: str) -> None:
        self._settle(state)
        self._file.mark_undelivered(state, why)

    def record(self, event: DeliveryEvent) -> None:
        with self._events_lock:
            self._events.append(event)

    def trace(self, wanted: Wanted, limit: int) -> Sequence[DeliveryEvent]:
        return self._file.trace(wanted, limit)

    def flush(self) -> None:
        self._commit()
        if getattr(self._inside, "call", False):
            return
        with self._lock:
            under_way = list(self._being_called)
        for batch in under_way:
            batch.wait()

    def tidy(self, now: float) -> None:
        self._look_around()
        self._flush_and_tell()
        self._file.purge(
            before=now - KEPT_AFTER_EXPIRY, after=now + FURTHEST_END, events_before=now - self._events_kept
        )
        self._file.checkpoint()

    def close(self) -> None:
        self._wake.put(False)
        self._thread.join()
        try:
            self.flush()
        finally:
            self._file.close()

    def _look_around(self) -> bool:
        """Tell whether another store has the file open; what it begins is unknown here."""
        is_shared = self._file.is_shared
        if is_shared:
            self._recent.ask_always()
        return is_shared

    def _work(self) -> None:
        while self._wake.get():
            with self._gathering:
                self._clock.wait(self._gathering, _GATHERING)
            self._flush_and_tell()

    def _flush_and_tell(self) -> None:
        try:
            self._commit()
        except StoreError as exc:
            log.error("users were asked for codes, but no SMS will be sent: %s", exc)  # noqa: TRY400  (one line says it)
        except Exception:
            log.exception("users were asked for codes, but no SMS will be sent")

    def _open_at_once(self, new: Challenge, then: Callable[[], None]) -> Challenge:
        """
        Keep a challenge before its log-in is answered.

        While the file cannot be written nobody is promised a code, and the first success ends this; while the file is
        shared, another process may have begun the same log-in.
        """
        batch = Batch()
        batch.add(new, then)
        with self._committing:
            kept = self._try(lambda: self._file.insert_unless_same(new, self._window))
            if kept is not new:
                return kept
            self._now_call(batch)
        self._call(batch)
        return new

    def _commit(self) -> None:
        """Keep what has gathered, and call what waits for it when no lock is held any more."""
        with self._committing:
            with self._lock:
                self._being_committed = batch = self._uncommitted
                self._uncommitted = Batch()
            with self._events_lock:
                events, self._events = self._events, []
            if not batch and not events:
                return
            try:
                self._try(lambda: self._file.insert(batch.challenges(), events))
                self._now_call(batch)
            finally:
                self._being_committed = Batch()
        self._call(batch)

    def _try(self, write: Callable[[], Result]) -> Result:
        try:
            result = write()
        except Exception:
            self._healthy = False
            raise
        if not self._healthy:
            self._healthy = True
            log.info("the store can be written again")
        return result

    def _now_call(self, batch: Batch) -> None:
        with self._lock:
            self._being_called.add(batch)

    def _call(self, batch: Batch) -> None:
        outer = getattr(self._inside, "call", False)
        self._inside.call = True
        try:
            batch.call()
        finally:
            self._inside.call = outer
            with self._lock:
                self._being_called.discard(batch)

    def _settle(self, state: str) -> None:
        if state in self._uncommitted or state in self._being_committed:
            self._commit()
