"""The SQL of shares of answers and of brakes."""

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple

from smsotp_plugin.clock import Clock
from smsotp_plugin.stores.answers import AnswerCount, AnswerStore, Brake
from smsotp_plugin.stores.sqlite.file import SqliteFile

_ADD = """
INSERT INTO answers (key, hour, answered, unanswered) VALUES (?, ?, ?, ?)
ON CONFLICT (key, hour) DO UPDATE SET
    answered = answered + excluded.answered, unanswered = unanswered + excluded.unanswered
"""
_LOAD = "SELECT key, hour, answered, unanswered FROM answers"
_FORGET = "DELETE FROM answers WHERE hour < ?"
_PUT = "INSERT OR REPLACE INTO brakes (key, label, since, until, reason, enforced) VALUES (?, ?, ?, ?, ?, ?)"
_LIST = "SELECT key, label, since, until, reason, enforced FROM brakes ORDER BY since"
_END = "DELETE FROM brakes WHERE until <= ? OR since > ? + 86400"
_LIFT = "DELETE FROM brakes WHERE key = ?"


class AnswerPart(AnswerStore):
    """The part of the store that keeps shares of answers and brakes."""

    _file: SqliteFile
    _clock: Clock

    def add_answers(self, counts: Sequence[AnswerCount]) -> None:
        with self._file.transaction() as connection:
            connection.executemany(_ADD, [astuple(count) for count in counts])

    def load_answers(self, since: int) -> Sequence[AnswerCount]:
        with self._file.transaction() as connection:
            connection.execute(_FORGET, (since,))
            return [AnswerCount(*row) for row in connection.execute(_LOAD)]

    def put_brakes(self, brakes: Sequence[Brake]) -> None:
        now = self._clock.time()
        with self._file.transaction() as connection:
            connection.execute(_END, (now, now))
            connection.executemany(_PUT, [astuple(brake) for brake in brakes])

    def list_brakes(self) -> Sequence[Brake]:
        with self._file.reading() as connection:
            return list_brakes(connection)


def list_brakes(connection: sqlite3.Connection) -> list[Brake]:
    """Return the brakes that are kept."""
    return [
        Brake(key, label, since, until, reason, bool(enforced))
        for key, label, since, until, reason, enforced in connection.execute(_LIST)
    ]


def lift_brakes(connection: sqlite3.Connection, keys: Sequence[str]) -> int:
    """Remove brakes; returns how many."""
    return sum(connection.execute(_LIFT, (key,)).rowcount for key in keys)
