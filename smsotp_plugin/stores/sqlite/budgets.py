"""
What was spent, in the file and in memory: each SMS is a row, which every process reads once.

A process decides by what it has in memory. While it is the only one that uses the file, it needs nothing else; while others use
the file too, it first reads what they have spent, in the transaction in which it writes what it spends itself.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import OverBudget
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.stores.base import FURTHEST_END
from smsotp_plugin.stores.budgets import BudgetRules, BudgetStore, Spending
from smsotp_plugin.stores.sqlite.rows import insert_rows
from smsotp_plugin.stores.windows import Windows

#: Rows removed by one statement.
PURGE_ROWS = 200
_NAMES = ("owner", "at", "keys", "money", "messages")
_NEW = """
SELECT id, at, keys, money, messages FROM spent WHERE id > :seen AND owner <> :owner ORDER BY id
"""
_LAST = "SELECT coalesce(max(id), 0) FROM spent"
#: The oldest rows come first, unless the clock was set. The last one stays, so that no number is given twice.
_PURGE = """
DELETE FROM spent WHERE id IN (
    SELECT id FROM (SELECT id, at FROM spent ORDER BY id LIMIT :rows) WHERE at < :before OR at > :after
) AND id < (SELECT max(id) FROM spent)
"""
_COUNT = """
INSERT INTO counts (day, name, number) VALUES (?, ?, ?)
ON CONFLICT (day, name) DO UPDATE SET number = number + excluded.number
"""
_DAY = 86400
#: Days that counters are kept.
_DAYS_KEPT = 32


@dataclass(slots=True)
class Unwritten:
    """
    What is not in the file yet.

    Attributes:
        spent: Each spending with its moment, in Unix seconds.
        counts: By how much each counter has gone up.
    """

    spent: list[tuple[float, Spending]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        return bool(self.spent or self.counts)


class Ledger:
    """
    What was spent, by this process and by all others that use the file.

    Args:
        rules: The budgets.
        owner: Number of this store.
        clock: Time.

    Attributes:
        windows: What decides whether one more SMS is over budget.
    """

    def __init__(self, rules: BudgetRules, owner: int, clock: Clock) -> None:
        self.windows = Windows(rules, clock)
        self._owner = owner
        self._clock = clock
        #: The last row that has been looked at.
        self._seen = 0
        self._lock = threading.Lock()
        self._unwritten = Unwritten()

    def catch_up(self, connection: sqlite3.Connection) -> None:
        """Read what others have spent since the last call; the caller must be the only user of the connection."""
        (last,) = connection.execute(_LAST).fetchone()
        if last <= self._seen:
            # If it is lower, this is another file: what was read from the previous one still counts.
            self._seen = last
            return
        now = self._clock.time()
        for number, at, keys, money, messages in connection.execute(
            _NEW, {"seen": self._seen, "owner": self._owner}
        ).fetchall():
            spending = Spending(tuple(keys.split()), money, messages)
            if messages == 0:
                self.windows.forget(spending.keys)
            elif now - at < self.windows.longest:
                self.windows.add(spending, max(0.0, now - at))
            self._seen = number
        self._seen = last

    @contextmanager
    def open_purse(self) -> Iterator["Purse"]:
        """Return a purse for a transaction inside this context; if the transaction fails, nothing has been spent."""
        purse = Purse(self)
        try:
            yield purse
        except BaseException:
            self.give_back(purse.spent)
            raise

    def spend(self, spending: Spending) -> None:
        """
        Note one SMS; it is written with the next commit.

        Raises:
            OverBudget: See `Windows.spend`.
        """
        self.windows.spend(spending)
        self._write_later(spending)

    def add(self, spending: Spending) -> None:
        """Note what has been spent or given back; it is written with the next commit."""
        self.windows.add(spending)
        self._write_later(spending)

    def lift(self, keys: tuple[str, ...]) -> None:
        """Forget what was spent for some keys; other processes will do so when they read the next commit."""
        self.windows.forget(keys)
        self._write_later(Spending(keys, messages=0))

    def give_back(self, spendings: Sequence[Spending]) -> None:
        """Undo what has been spent and not written."""
        for spending in spendings:
            self.windows.add(replace(spending, messages=-spending.messages))

    def insert(self, connection: sqlite3.Connection, spent: Sequence[tuple[float, Spending]]) -> None:
        """Write what this process has spent at moments of wall time."""
        rows = [(self._owner, at, " ".join(each.keys), each.money, each.messages) for at, each in spent]
        insert_rows(connection, "spent", _NAMES, rows)

    def count(self, what: str) -> None:
        """Add one to a counter."""
        with self._lock:
            self._unwritten.counts[what] += 1

    def insert_now(self, connection: sqlite3.Connection, spending: Spending) -> None:
        """Write what this process spends at this moment."""
        self.insert(connection, [(self._clock.time(), spending)])

    def take(self) -> Unwritten:
        """Take what has to be written; `put_back` where that fails."""
        with self._lock:
            taken, self._unwritten = self._unwritten, Unwritten()
        return taken

    def put_back(self, taken: Unwritten, *, not_sent: Sequence[Spending]) -> None:
        """Have these written later, and give back what was spent for messages that will not be sent."""
        with self._lock:
            self._unwritten.spent[:0] = taken.spent
            self._unwritten.counts.update(taken.counts)
        for spending in not_sent:
            self.add(replace(spending, messages=-spending.messages))

    def _write_later(self, spending: Spending) -> None:
        with self._lock:
            self._unwritten.spent.append((self._clock.time(), spending))

    def write(self, connection: sqlite3.Connection, taken: Unwritten) -> None:
        """Write what was taken; within the caller's transaction."""
        self.insert(connection, taken.spent)
        if taken.counts:
            day = int(self._clock.time() // _DAY)
            connection.executemany(_COUNT, [(day, name, number) for name, number in taken.counts.items()])

    def purge(self, connection: sqlite3.Connection) -> int:
        """Remove some rows that no longer count, and old counters; returns how many rows, `PURGE_ROWS` if more may be left."""
        now = self._clock.time()
        connection.execute("DELETE FROM counts WHERE day < ?", (now // _DAY - _DAYS_KEPT,))
        values = {"rows": PURGE_ROWS, "before": now - self.windows.longest, "after": now + FURTHEST_END}
        return connection.execute(_PURGE, values).rowcount


class BudgetPart(BudgetStore):
    """The part of the store that needs only its ledger."""

    _ledger: Ledger

    def over_budget(self, spending: Spending) -> OverBudget | None:
        return self._ledger.windows.find_over(spending)

    def spend_anyway(self, spending: Spending) -> None:
        self._ledger.add(spending)

    def spent(self, key: str) -> list[tuple[Quota, int]]:
        return self._ledger.windows.spent(key)

    def count(self, what: str) -> None:
        self._ledger.count(what)


class Purse:
    """What one transaction spends."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.spent: list[Spending] = []

    def spend(self, connection: sqlite3.Connection, spending: Spending) -> None:
        """
        Read what others have spent, decide, and write; within a transaction that excludes all other writers.

        Args:
            connection: In that transaction.
            spending: What is spent.

        Raises:
            OverBudget: See `Windows.spend`.
        """
        self._ledger.catch_up(connection)
        self._ledger.windows.spend(spending)
        self.spent.append(spending)
        self._ledger.insert_now(connection, spending)
