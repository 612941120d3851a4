"""
The store of a single machine: an SQLite file, and in memory what this process has not committed yet.

New challenges are committed together, a few milliseconds after the log-in was answered, and only then may their codes be sent
(decision 0003). So a code that somebody has received works after the death of the process, and a log-in waits for no disk.
Answers are rarer, and are committed before the user is told. While another process uses the same file, a log-in waits for its
commit as well, so that both processes give the same log-in the same challenge (decision 0009).
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import reference_of
from smsotp_plugin.errors import StoreError, TooManyAttempts, WrongCode
from smsotp_plugin.news import News
from smsotp_plugin.rounds import Rounds
from smsotp_plugin.stores.base import FURTHEST_END, KEPT_AFTER_EXPIRY, Challenge, ResendRules
from smsotp_plugin.stores.budgets import NO_BUDGETS, BudgetRules, Spending
from smsotp_plugin.stores.delivery_log import DeliveryEvent
from smsotp_plugin.stores.gatherer import GATHERING, Gatherer
from smsotp_plugin.stores.guesses import Guesser, GuessRules, Standing
from smsotp_plugin.stores.kept import (
    Attempt,
    InsideListener,
    KeptListener,
    LeftMessage,
    Parcel,
    ignore_kept,
)
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.sqlite.answers import AnswerPart
from smsotp_plugin.stores.sqlite.batch import Batch
from smsotp_plugin.stores.sqlite.budgets import BudgetPart
from smsotp_plugin.stores.sqlite.challenges import take_back
from smsotp_plugin.stores.sqlite.file import SqliteFile
from smsotp_plugin.stores.sqlite.guess_file import GuessFile
from smsotp_plugin.stores.sqlite.neighbours import Presence
from smsotp_plugin.stores.sqlite.recent import RecentLogins
from smsotp_plugin.stores.sqlite.writing import Writing
from smsotp_plugin.stores.tries import USED_UP, Tries

if TYPE_CHECKING:
    from smsotp_plugin.stores.sqlite.attempts import Key

log = logging.getLogger("smsotp.store")

Item = TypeVar("Item")

#: How many new challenges may wait to be committed. More come only if the disk is stuck, and then nobody gets a code.
_MOST_WAITING = 10_000


def _take_all(some: deque[Item]) -> list[Item]:
    """Take everything from a deque; only one thread may take from it, while others may go on adding."""
    return [some.popleft() for _ in range(len(some))]


class SqliteStore(BudgetPart, AnswerPart, Store):
    """
    Challenges and the delivery log in one file; several processes of one machine may use it.

    Args:
        path: The database file; see `SqliteFile`.
        window: See `ChallengeStore.open_challenge`.
        events_kept: Seconds that the delivery log goes back.
        clock: Time.
        budgets: How many SMS there may be.

    Raises:
        NoThread: There is no thread for it.
        StoreError: The file cannot be used.
    """

    def __init__(
        self, path: Path, window: float, events_kept: float, clock: Clock, budgets: BudgetRules = NO_BUDGETS
    ) -> None:
        self._file = SqliteFile(path, clock, budgets)
        self._guesses = GuessFile(self._file, clock)
        self._ledger = self._file.ledger
        #: Tokens of the last time that others had used the file, and of the last such time after which their spending was read.
        self._doubted = self._caught_up = object()
        self._events_kept = events_kept
        self._window = window
        self._clock = clock
        self._lock = threading.Lock()
        self._committing = threading.Lock()
        self._writing = Writing()
        #: What the next commit will take, and what the one under way has taken.
        self._uncommitted, self._being_committed = Batch(), Batch()
        self._listener: KeptListener = ignore_kept
        #: What is kept, but the listener is still being told about.
        self._being_told: set[Batch] = set()
        self._inside = InsideListener()
        #: Messages that have ended.
        self._forgotten: deque[Key] = deque()
        #: Goes with the next commit of challenges, or with the next round of `tidy`.
        self._events: deque[DeliveryEvent] = deque()
        self._tries = Tries()
        # A process that comes from now on is noticed at the next look.
        if self._file.look_for_others(lambda: None) is Presence.THERE:
            # By then, the file has what others promised before they noticed this store.
            gathering = threading.Condition()
            with gathering:
                self._writing.disk_clock.wait(gathering, 2 * GATHERING)
        self._recent = RecentLogins(window, clock, self._file.list_young(window))
        #: Whether another store was there, or may have been there, when the last messages were taken over.
        self._was_shared = True
        self._gatherer = Gatherer(self._flush_and_tell, clock)
        try:
            self._gatherer.start()
        except BaseException:
            self._file.close()
            raise
        self._news = News(clock)
        self._housekeeper = Rounds("smsotp-housekeeper", self._keep_house, clock)

    def start(self) -> None:
        self._housekeeper.start()

    def listen(self, listener: KeptListener) -> None:
        self._listener = listener

    def opens_at_once(self, login: str) -> bool:
        """Tell whether `open_challenge` needs no disk for a log-in."""
        return self._writing.is_possible and not self._notice_others() and not self._recent.may_hold(login)

    def open_challenge(self, new: Challenge, parcel: Parcel) -> Challenge:
        if self._writing.hangs():
            raise StoreError("the log-ins before this one have not been written yet: the disk hangs")
        is_shared = self._look_around()
        with self._lock:
            same = self._find_same(new.login, new.created)
            if same is not None:
                return same
            if len(self._uncommitted) >= _MOST_WAITING:
                raise StoreError(f"{_MOST_WAITING} log-ins wait to be written: the disk is too slow for them")
            alone = self._writing.is_possible and not is_shared
            if alone:
                self._ledger.spend(parcel.spending)
            self._recent.add(new.login)
            if alone:
                self._uncommitted.add(new, parcel)
        if not alone:
            return self._open_at_once(new, parcel)
        self._gatherer.soon()
        return new

    def find_same(self, login: str, now: float) -> Challenge | None:
        self._look_around()
        return self._find_same(login, now)

    def _find_same(self, login: str, now: float) -> Challenge | None:
        # In the order in which challenges move on, so that none is overlooked while it moves.
        for batch in (self._uncommitted, self._being_committed):
            same = batch.latest(login)
            if same is None or now >= same.expires:
                continue
            # Asked only now: another thread may have made it after `now`.
            if now - self._window < same.created <= self._clock.time():
                return same
        if not self._recent.may_hold(login):
            return None
        return self._file.find_same(login, now, self._window)

    def answer(
        self, state: str, user: str, seal: str, now: float, guesser: Guesser | None = None
    ) -> Challenge:
        self._settle(state)
        self._look_around()
        try:
            challenge = self._guesses.answer(state, user, seal, now, guesser, most=self._tries.left(state))
        except WrongCode as exc:
            self._tries.note(state, exc.tries_left)
            raise
        except TooManyAttempts:
            self._tries.note(state, 0)
            raise
        self._tries.note(state, USED_UP)
        return challenge

    def take_back(self, challenge: Challenge) -> None:
        """Open a challenge again that `answer` has returned: nobody was let in for it."""
        with self._file.transaction() as connection:
            take_back(connection, challenge.state)
        self._tries.put(challenge.state, challenge.tries_left)
        log.warning(
            "challenge %s can be answered again: its code was right, but the store said so too late",
            reference_of(challenge.state),
        )

    def may_wait(self, rules: GuessRules) -> bool:
        self._notice_others()
        return self._guesses.may_wait(rules)

    def known_place(self, guesser: Guesser, number_hash: str) -> str:
        return self._guesses.known_place(guesser, number_hash)

    def standing(self, guesser: Guesser, number_hash: str) -> Standing:
        return self._guesses.standing(guesser, number_hash)

    def find(self, state: str, user: str) -> Challenge:
        self._settle(state)
        return self._file.find(state, user)

    def resend(self, state: str, user: str, now: float, rules: ResendRules, parcel: Parcel) -> Challenge:
        self._settle(state)
        return self._file.resend(state, user, now, rules, parcel)

    def spend(self, spending: Spending) -> None:
        if self._look_around():
            self._file.spend(spending)
        else:
            self._ledger.spend(spending)

    def lift(self, keys: tuple[str, ...]) -> None:
        self._file.catch_up()
        self._ledger.lift(keys)
        self._commit()

    def mark_undelivered(self, state: str, resends: int, why: str) -> None:
        self._settle(state)
        self._file.mark_undelivered(state, resends, why)

    def begin_attempts(self, attempts: Sequence[Attempt]) -> Sequence[Exception | None]:
        return [self._begin_attempt(attempt) for attempt in attempts]

    def end_attempt(self, state: str, resends: int, gateway: str) -> None:
        self._file.attempts.end((state, resends), gateway)

    def forget_message(self, state: str, resends: int) -> None:
        # Needs no lock: a deque takes and gives one at a time.
        self._forgotten.append((state, resends))
        self._gatherer.soon()

    def take_over(self, now: float) -> Sequence[LeftMessage]:
        is_shared, was_shared = self._file.is_shared, self._was_shared
        if not is_shared and not was_shared:
            return []
        left = self._file.take_over(now)
        # A store that dies after this look was still there when the look was taken.
        self._was_shared = is_shared
        return left

    def record(self, event: DeliveryEvent) -> None:
        # As above.
        self._events.append(event)

    def flush(self) -> None:
        self._commit()
        self._writing.demand()
        if self._inside.is_here:
            return
        with self._lock:
            under_way = list(self._being_told)
        for batch in under_way:
            batch.wait()

    def tidy(self, now: float) -> None:
        """Remove what nobody will ask for any more (at `now`, Unix seconds), and keep the write-ahead log short."""
        self._look_around()
        self._flush_and_tell()
        self._file.catch_up()
        self._file.purge(
            before=now - KEPT_AFTER_EXPIRY, after=now + FURTHEST_END, events_before=now - self._events_kept
        )
        self._file.checkpoint()

    def close(self) -> None:
        self._housekeeper.stop()
        self._gatherer.stop()
        try:
            self.flush()
        finally:
            self._file.close()

    def _begin_attempt(self, attempt: Attempt) -> StoreError | None:
        try:
            self._file.attempts.begin((attempt.state, attempt.resends), attempt.gateway)
        except StoreError as exc:
            return exc
        return None

    def _keep_house(self) -> None:
        try:
            self.tidy(self._clock.time())
        except StoreError as exc:
            if self._news.is_news(str(exc)):
                log.warning("the store cannot be tidied: %s", exc)

    def _look_around(self) -> bool:
        """Tell whether another store has the file open; log-ins that it begins are unknown here."""
        is_shared = self._notice_others()
        doubted = self._doubted
        if doubted is not self._caught_up and not is_shared:
            self._file.catch_up()
            self._caught_up = doubted
        return is_shared

    def _notice_others(self) -> bool:
        """Tell the same as `_look_around`, but read nothing, so this waits for no disk."""
        return self._file.look_for_others(self._doubt) is Presence.THERE

    def _doubt(self) -> None:
        """Forget what is known: others have used the file."""
        self._recent.ask_always()
        self._guesses.note_others()
        self._doubted = object()

    def _flush_and_tell(self) -> None:
        promised = bool(self._uncommitted)
        try:
            self._commit()
        except BaseException as exc:  # the thread has to live
            what = (
                "users were asked for codes, but no SMS will be sent"
                if promised
                else "nothing can be written"
            )
            if not isinstance(exc, StoreError):
                log.exception(what)
            elif self._writing.is_news() or promised:
                log.error("%s: %s", what, exc)  # noqa: TRY400  (one line says it)

    def _open_at_once(self, new: Challenge, parcel: Parcel) -> Challenge:
        """
        Keep a challenge before its log-in is answered.

        While the file cannot be written, nobody is promised a code, until a write succeeds again. While the file is shared, another
        process may have begun the same log-in.
        """
        batch = Batch()
        batch.add(new, parcel)
        with self._committing:
            kept = self._writing.attempt(lambda: self._file.insert_unless_same(new, parcel, self._window))
            if kept is not new:
                return kept
            self._begin_telling(batch)
        self._tell(batch)
        return new

    def _commit(self) -> None:
        """Keep what has gathered, and tell the listener once no lock is held."""
        with self._committing:
            with self._lock:
                self._being_committed = batch = self._uncommitted
                self._uncommitted = Batch()
            events, forgotten = _take_all(self._events), _take_all(self._forgotten)
            unwritten = self._ledger.take()
            if not (batch or events or forgotten or unwritten or self._file.proofs):
                return
            try:
                with self._writing.watched():
                    messages = batch.seal()
                    self._writing.attempt(
                        lambda: self._file.insert(batch.challenges(), messages, events, forgotten, unwritten)
                    )
                if batch:
                    self._begin_telling(batch)
            except BaseException:
                self._forgotten.extendleft(forgotten)
                self._ledger.put_back(unwritten, not_sent=batch.spendings())
                raise
            finally:
                self._being_committed = Batch()
        if batch:
            self._tell(batch)

    def _begin_telling(self, batch: Batch) -> None:
        """Note a batch for `flush`, which waits until the listener has been told of it."""
        with self._lock:
            self._being_told.add(batch)

    def _tell(self, batch: Batch) -> None:
        try:
            with self._inside.enter():
                batch.tell(self._listener)
        finally:
            with self._lock:
                self._being_told.discard(batch)

    def _settle(self, state: str) -> None:
        """Make sure that a challenge, if it is known here, is in the file."""
        if state in self._uncommitted or state in self._being_committed:
            self._commit()
