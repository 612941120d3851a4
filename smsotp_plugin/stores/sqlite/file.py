"""
The file of the store of a single machine: its connections, its transactions, and what is done in them.

Write-ahead log with ``synchronous = NORMAL``: a commit survives the death of the process; the last ones may be lost
with the power of the machine.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.base import Challenge, ResendRules
from smsotp_plugin.stores.budgets import NO_BUDGETS, BudgetRules, Spending
from smsotp_plugin.stores.delivery_log import DeliveryEvent
from smsotp_plugin.stores.kept import KeptMessage, LeftMessage, Parcel
from smsotp_plugin.stores.sqlite import challenges as sql
from smsotp_plugin.stores.sqlite import messages as messages_sql
from smsotp_plugin.stores.sqlite.attempts import (
    Attempts,
    Key,
    find_notes,
    list_owners,
    read_notes,
    remove_notes,
)
from smsotp_plugin.stores.sqlite.budgets import PURGE_ROWS, Ledger, Unwritten
from smsotp_plugin.stores.sqlite.connection import SharedConnection, connect, translate_errors
from smsotp_plugin.stores.sqlite.guesses import purge as purge_guesses
from smsotp_plugin.stores.sqlite.identity import (
    NOTHING,
    Identity,
    cannot_open,
    make_private,
    place_of,
    remove_leftovers,
)
from smsotp_plugin.stores.sqlite.neighbours import Neighbours, Presence, draw_owner, find_neighbours
from smsotp_plugin.stores.sqlite.proofs import Proofs
from smsotp_plugin.stores.sqlite.schema import prepare_schema
from smsotp_plugin.stores.sqlite.write_ahead import WriteAheadLog

log = logging.getLogger("smsotp.store")

#: How long a statement waits for another process that holds the file, in seconds; the user waits as long.
_BUSY_SECONDS = 1.0


class SqliteFile:
    """
    One database file.

    If it is removed or replaced while it is in use, that is logged, and from then on the file at its path is used, or a new one.

    Args:
        path: Made with mode 0600 if it is not there. Its directory must be writable: SQLite keeps two more files in it.
        clock: Time.
        rules: The budgets.

    Attributes:
        ledger: What was spent.
        proofs: Right answers that have not been written yet.

    Raises:
        StoreError: From here and every method: the file cannot be used.
    """

    def __init__(self, path: Path, clock: Clock, rules: BudgetRules = NO_BUDGETS) -> None:
        self._path = path
        self._clock = clock
        self._writer = SharedConnection(path, clock)
        #: Looks for the same log-in: never waits for a writer, however slow the disk.
        self._reader = SharedConnection(path, clock)
        self._log = WriteAheadLog(path, clock)
        self._neighbours: Neighbours | None = None
        self._owner = draw_owner()
        self.attempts = Attempts(find_notes(path, self._owner))
        #: How often a database was opened here: what was known of an earlier one is worth nothing.
        self.opened = 0
        self.ledger = Ledger(rules, self._owner, clock)
        self.proofs = Proofs()
        self._identity = NOTHING
        self._is_closed = False
        self._told_of_others = False
        with self._all_locks():
            self._open(NOTHING)

    @property
    def is_shared(self) -> bool:
        """Whether another store has this database open, as far as can be known."""
        neighbours = self._neighbours
        return neighbours is None or neighbours.are_there()

    def look_for_others(self, doubt: Callable[[], None]) -> Presence:
        """Tell whether other stores have had this database open since the last call. See `Neighbours.look`."""
        neighbours = self._neighbours
        if neighbours is None:
            doubt()
            return Presence.THERE
        return neighbours.look(doubt)

    def list_young(self, window: float) -> list[str]:
        """Return the log-ins of challenges that `find_same` may find."""
        with self.reading() as connection:
            return sql.list_young(connection, self._clock.time(), window)

    def insert(
        self,
        challenges: Sequence[Challenge],
        messages: Sequence[KeptMessage],
        events: Sequence[DeliveryEvent],
        forgotten: Sequence[Key],
        unwritten: Unwritten,
    ) -> None:
        """Keep challenges with their messages, events, and what was spent, and forget messages; all of this or nothing."""
        with self.proofs.transaction(self.transaction) as connection:
            sql.insert(connection, challenges, events)
            messages_sql.insert(connection, self._owner, messages)
            messages_sql.forget(connection, forgotten)
            self.ledger.write(connection, unwritten)
        self.attempts.forget(forgotten)

    def insert_unless_same(self, new: Challenge, parcel: Parcel, window: float) -> Challenge:
        """
        Keep a challenge and its message and spend what they cost, or return the challenge that the same log-in has.

        Raises:
            OverBudget: The log-in has none, and the budgets do not allow one.
        """
        message = parcel.seal()
        with self.ledger.open_purse() as purse, self.transaction() as connection:
            same = sql.find_same(connection, new.login, new.created, window, turn=self._clock.time())
            if same is None:
                purse.spend(connection, parcel.spending)
                sql.insert(connection, [new], [])
                messages_sql.insert(connection, self._owner, [message])
        return same or new

    def find_same(self, login: str, now: float, window: float) -> Challenge | None:
        """See `ChallengeStore.find_same`; waits for no writer."""
        with self.reading() as connection:
            return sql.find_same(connection, login, now, window, turn=self._clock.time())

    def find(self, state: str, user: str) -> Challenge:
        """See `ChallengeStore.find`; waits for no writer."""
        with self.reading() as connection:
            return sql.find(connection, state, user)

    def resend(self, state: str, user: str, now: float, rules: ResendRules, parcel: Parcel) -> Challenge:
        """See `ChallengeStore.resend`."""
        message = parcel.seal()
        with self.ledger.open_purse() as purse, self.transaction() as connection:
            challenge = sql.resend(connection, state, user, now, rules, turn=self._clock.time())
            purse.spend(connection, parcel.spending)
            messages_sql.insert(connection, self._owner, [replace(message, resends=challenge.resends)])
            return challenge

    def spend(self, spending: Spending) -> None:
        """See `BudgetStore.spend`."""
        with self.ledger.open_purse() as purse, self.transaction() as connection:
            purse.spend(connection, spending)

    def catch_up(self) -> None:
        """Read what other processes have spent."""
        with self.alone() as connection:
            self.ledger.catch_up(connection)

    def take_over(self, now: float) -> list[LeftMessage]:
        """See `MessageStore.take_over`."""
        neighbours = self._neighbours
        if neighbours is None:
            return []
        self._remove_notes(neighbours)
        with self._reader.alone() as connection:
            others = messages_sql.others(connection, self._owner)
        if not others:
            return []
        if not neighbours.can_tell and not self._told_of_others:
            self._told_of_others = True
            log.warning(
                "%s is on a file system without locks: whether those who left messages in it still live cannot be known, "
                "so these are not sent",
                self._path,
            )
        with self.transaction() as connection:
            dead = [
                owner for owner in messages_sql.others(connection, self._owner) if not neighbours.lives(owner)
            ]
            left = messages_sql.take_over(connection, self._owner, dead, self._notes_of(dead), now)
            for each in left:
                for gateway in each.may_have_it:
                    self.attempts.begin((each.message.state, each.message.resends), gateway)
            return left

    def _notes_of(self, owners: Sequence[int]) -> Mapping[Key, frozenset[str]]:
        return {
            key: gateways
            for owner in owners
            for key, gateways in read_notes(find_notes(self._path, owner)).items()
        }

    def _remove_notes(self, neighbours: Neighbours) -> None:
        """Remove the notes of stores that are gone and have left no message."""
        dead = [owner for owner in list_owners(self._path) if not neighbours.lives(owner)]
        if not dead:
            return
        # Asked only now: a store that is gone leaves no further message.
        with self._reader.alone() as connection:
            needed = {self._owner, *messages_sql.others(connection, self._owner)}
        for owner in dead:
            if owner not in needed:
                remove_notes(self._path, owner)

    def mark_undelivered(self, state: str, resends: int, why: str) -> None:
        """See `ChallengeStore.mark_undelivered`."""
        with self.alone() as connection:
            sql.mark_undelivered(connection, state, resends, why)

    def purge(self, *, before: float, after: float, events_before: float) -> None:
        """Remove challenges that ended before a moment or end after another, and old events (Unix seconds); a few under each lock."""
        rows = sql.PURGE_ROWS
        while rows == sql.PURGE_ROWS:
            with self.alone() as connection:
                rows = self._removed(sql.purge(connection, before, after))
        rows = sql.PURGE_ROWS
        while rows == sql.PURGE_ROWS:
            with self.alone() as connection:
                rows = self._removed(sql.purge_events(connection, events_before))
        with self.alone() as connection:
            self._removed(purge_guesses(connection, self._clock.time()))
        rows = PURGE_ROWS
        while rows == PURGE_ROWS:
            with self.alone() as connection:
                rows = self._removed(self.ledger.purge(connection))

    def _removed(self, rows: int) -> int:
        if rows:
            self._log.note_removed()
        return rows

    def checkpoint(self) -> None:
        """See `WriteAheadLog.move`."""
        self._notice_replacement(thoroughly=True)
        neighbours = self._neighbours
        if neighbours is not None:
            with suppress(OSError, StoreError):  # the next round tries again
                neighbours.notice_removal()
        self._log.move(self._writer)

    def close(self) -> None:
        with self._all_locks():
            self._is_closed = True
            self._close()
        self.attempts.close()

    @contextmanager
    def _all_locks(self) -> Iterator[None]:
        with self._log.lock, self._writer.lock, self._reader.lock:
            yield

    def _open(self, old: Identity) -> None:
        """Open whatever is at the path, in place of what was there; the caller holds all locks."""
        self._neighbours = find_neighbours(self._path, self._owner)
        self.opened += 1
        try:
            with self._neighbours.kept_waiting(self._clock), translate_errors(self._path):
                remove_leftovers(self._path, old)
                make_private(self._path)
                for shared in (self._writer, self._reader):
                    connection = connect(self._path, _BUSY_SECONDS)
                    shared.use(connection)
                    lost = prepare_schema(connection, self._path)
                    if lost:
                        log.warning(lost)
                # A file that bears our version may still belong to another program.
                sql.find_same(connection, "", 0.0, 0.0, turn=0.0)
                self.ledger.catch_up(connection)
                self._log.open()
                self._identity = Identity.of(self._path)
        except OSError as exc:
            self._close()
            raise cannot_open(self._path, exc.strerror) from exc
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        self._identity = NOTHING
        self._log.close()
        self._reader.use(None)
        self._writer.use(None)
        if self._neighbours is not None:
            self._neighbours.close()
            self._neighbours = None

    def _notice_replacement(self, *, thoroughly: bool = False) -> None:
        """Open the database again if it is not the one that was opened."""
        if not self._is_replaced(thoroughly=thoroughly):
            return
        with self._all_locks():
            if self._is_closed:
                raise StoreError(f"{self._path} is not open any more: the store is closed")
            if self._is_replaced(thoroughly=thoroughly):
                self._open_anew()

    def _is_replaced(self, *, thoroughly: bool) -> bool:
        if thoroughly:
            return Identity.of(self._path) != self._identity
        return self._identity.main is None or place_of(self._path) != self._identity.main

    def _open_anew(self) -> None:
        old, was_removed = self._identity, place_of(self._path) is None
        self._close()
        self.attempts.renew()
        self._open(old)
        log.error(
            "%s was %s: log-ins that wait for their code may have to be begun again",
            self._path,
            "removed while it was in use, and a new one is made"
            if was_removed
            else "replaced while it was in use, in whole or in part",
        )

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Let one thread at a time read what is committed; waits for no writer."""
        self._notice_replacement()
        with self._reader.alone() as connection:
            yield connection

    @contextmanager
    def alone(self, *, waits: bool = True) -> Iterator[sqlite3.Connection]:
        """Let one thread at a time read and write, each statement by itself. See `SharedConnection.alone`."""
        self._notice_replacement()
        with self._writer.alone(waits=waits) as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Let one thread of one process at a time read and write; everything is kept, or nothing if this raises."""
        with self.alone() as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._log.shorten()
