"""
The store of a single machine: an SQLite file, and in memory what the next first leg may ask for.

New challenges are committed together, a few milliseconds after the log-in was answered, and only then may their codes
be sent (decision 0003). So a code that somebody holds works after the death of the process, and a log-in waits for no
disk. Answers are rarer and are committed before they are given.
"""

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import StoreError, TooManyAttempts, UnknownChallenge
from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY, Challenge, ChallengeStore, ResendRules
from smsotp_plugin.stores.delivery_log import DeliveryEvent, DeliveryLog, Wanted
from smsotp_plugin.stores.sqlite.file import SqliteFile

log = logging.getLogger("smsotp.store")

#: Seconds in which new challenges gather before they are committed together.
_GATHERING = 0.002
#: New challenges that may wait to be committed. More come only where the disk is stuck, and nobody gets a code then.
_MOST_WAITING = 10_000


#: State, user, and the moments at which it was made and expires (Unix seconds). A plain tuple of text and numbers, at
#: which Python's garbage collector does not look: thousands of objects would stop every log-in while it does.
_Recent = tuple[str, str, float, float]


@dataclass(frozen=True, slots=True)
class _New:
    challenge: Challenge
    then: Callable[[], None]


class SqliteStore(ChallengeStore, DeliveryLog):
    """
    Challenges and the delivery log in one file, for one process.

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
        #: By state; what the next commit takes, and what the one under way has taken.
        self._uncommitted: dict[str, _New] = {}
        self._being_committed: dict[str, _New] = {}
        #: Goes with the next commit of challenges, or with the next round of `tidy`.
        self._events: list[DeliveryEvent] = []
        #: By login, the oldest first; what the same first leg gets again. To find the first key of a plain dictionary
        #: takes the longer the more have been deleted before it.
        self._recent: OrderedDict[str, _Recent] = OrderedDict(
            (challenge.login, _recent(challenge)) for challenge in self._read_recent()
        )
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="smsotp-store", daemon=True)
        self._thread.start()

    def _read_recent(self) -> list[Challenge]:
        try:
            return self._file.open_since(self._clock.time() - self._window)
        except BaseException:
            self._file.close()
            raise

    def open_challenge(self, new: Challenge, *, then: Callable[[], None]) -> Challenge:
        with self._lock:
            same = self.find_same(new.login, new.created)
            if same is not None:
                return same
            if len(self._uncommitted) >= _MOST_WAITING:
                raise StoreError(f"{_MOST_WAITING} log-ins wait to be written: the disk is too slow for them")
            self._forget_old(new.created)
            self._recent[new.login] = _recent(new)
            healthy, first = self._healthy, not self._uncommitted
            if healthy:
                self._uncommitted[new.state] = _New(new, then)
        if not healthy:
            # Nobody is promised a code while the file cannot be written; the first success ends this.
            with self._committing:
                self._commit([_New(new, then)], [])
        elif first:
            self._wake.put(True)
        return new

    def find_same(self, login: str, now: float) -> Challenge | None:
        same = self._recent.get(login)
        if same is None or not self._is_young(same, now):
            return None
        state, user, _, _ = same
        new = self._uncommitted.get(state) or self._being_committed.get(state)
        try:
            return new.challenge if new is not None else self._file.find(state, user)
        except UnknownChallenge:
            # It could not be written, a moment ago.
            return None

    def answer(self, state: str, user: str, seal: str, now: float) -> Challenge:
        self._settle(state)
        try:
            challenge = self._file.answer(state, user, seal, now)
        except TooManyAttempts:
            self._forget(self._file.find(state, user))
            raise
        self._forget(challenge)
        return challenge

    def find(self, state: str, user: str) -> Challenge:
        self._settle(state)
        return self._file.find(state, user)

    def resend(self, state: str, user: str, now: float, rules: ResendRules) -> Challenge:
        self._settle(state)
        return self._file.resend(state, user, now, rules)

    def mark_undelivered(self, state: str, why: str) -> None:
        challenge = self._file.mark_undelivered(state, why)
        if challenge is not None:
            self._forget(challenge)

    def record(self, event: DeliveryEvent) -> None:
        with self._lock:
            self._events.append(event)

    def trace(self, wanted: Wanted, limit: int) -> Sequence[DeliveryEvent]:
        return self._file.trace(wanted, limit)

    def flush(self) -> None:
        with self._committing:
            with self._lock:
                self._being_committed = batch = self._uncommitted
                self._uncommitted = {}
                events, self._events = self._events, []
            if batch or events:
                self._commit(list(batch.values()), events)

    def tidy(self, now: float) -> None:
        self._flush_and_tell()
        self._file.purge(now - KEPT_AFTER_EXPIRY, now - self._events_kept)
        self._file.checkpoint()

    def close(self) -> None:
        self._wake.put(False)
        self._thread.join()
        try:
            self.flush()
        finally:
            self._file.close()

    def _work(self) -> None:
        while self._wake.get():
            with self._gathering:
                self._clock.wait(self._gathering, _GATHERING)
            self._flush_and_tell()

    def _flush_and_tell(self) -> None:
        try:
            self.flush()
        except StoreError as exc:
            log.error("log-ins that were asked for their code get none: %s", exc)  # noqa: TRY400  (one line says it)
        except Exception:
            log.exception("log-ins that were asked for their code get none")

    def _commit(self, batch: list[_New], events: list[DeliveryEvent]) -> None:
        """Keep a batch and call what waits for it; by the caller that holds `_committing`."""
        try:
            self._file.insert([new.challenge for new in batch], events)
        except Exception:
            self._healthy = False
            for new in batch:
                self._forget(new.challenge)
            raise
        finally:
            self._being_committed = {}
        if not self._healthy:
            self._healthy = True
            log.info("the store can be written again")
        for new in batch:
            try:
                new.then()
            except Exception:
                log.exception("a log-in that was asked for its code gets none")

    def _settle(self, state: str) -> None:
        if state in self._uncommitted or state in self._being_committed:
            self.flush()

    def _is_young(self, recent: _Recent, now: float) -> bool:
        _, _, created, expires = recent
        return created > now - self._window and expires > now

    def _forget_old(self, now: float) -> None:
        while self._recent:
            login, oldest = next(iter(self._recent.items()))
            if self._is_young(oldest, now):
                return
            del self._recent[login]

    def _forget(self, challenge: Challenge) -> None:
        with self._lock:
            if self._recent.get(challenge.login) == _recent(challenge):
                del self._recent[challenge.login]


def _recent(challenge: Challenge) -> _Recent:
    return challenge.state, challenge.user, challenge.created, challenge.expires
