"""The SQL of challenges: one statement per change. No other thread may use the connection while a function runs."""

import sqlite3
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import TypeVar

from smsotp_plugin.errors import (
    AlreadyUsed,
    Expired,
    ResendRefused,
    StoreError,
    TooManyAttempts,
    UnknownChallenge,
    WrongCode,
)
from smsotp_plugin.stores.base import Challenge, ResendRules
from smsotp_plugin.stores.delivery_log import DeliveryEvent
from smsotp_plugin.stores.sqlite.rows import insert_rows
from smsotp_plugin.stores.sqlite.schema import EXHAUSTED, OPEN, USED
from smsotp_plugin.stores.sqlite.trace import EVENT_NAMES

Refused = TypeVar("Refused", WrongCode, TooManyAttempts, Expired)

#: Rows removed by one statement: about half a millisecond.
PURGE_ROWS = 200
#: More tries than any challenge has.
_ANY = 1_000_000

_NAMES = tuple(field.name for field in fields(Challenge))
_COLUMNS = ", ".join(_NAMES)
_challenge_row, _event_row = attrgetter(*_NAMES), attrgetter(*EVENT_NAMES)

#: Neither too old nor, since the clock was set back, too far from the moment at which it was made.
_ALIVE = "expires > :now AND 2 * created - expires < :now"
#: Whether the code of a challenge can still let anybody in, and its log-in has no later one.
IS_NEEDED = f"""
status = {OPEN} AND undelivered = '' AND {_ALIVE} AND NOT EXISTS (
    SELECT 1 FROM challenges AS later WHERE later.login = challenges.login AND later.rowid > challenges.rowid
)"""  # noqa: S608  (constants)
#: Whether an answer to a challenge is looked at.
_ANSWERABLE = f"state = :state AND user = :user AND status = {OPEN} AND tries_left <= :most AND {_ALIVE}"
_ANSWER = f"""
UPDATE challenges SET
    status = CASE WHEN seal = :seal THEN {USED} WHEN tries_left <= 1 THEN {EXHAUSTED} ELSE {OPEN} END,
    tries_left = tries_left - (seal <> :seal)
WHERE {_ANSWERABLE}
RETURNING {_COLUMNS}, status
"""  # noqa: S608  (constants)
_ACCEPT = f"""
UPDATE challenges SET status = {USED}
WHERE {_ANSWERABLE} AND seal = :seal
RETURNING {_COLUMNS}
"""  # noqa: S608  (constants)
_TAKE_BACK = f"UPDATE challenges SET status = {OPEN} WHERE state = ? AND status = {USED}"  # noqa: S608  (constants)
_FIND = f"SELECT {_COLUMNS}, status FROM challenges WHERE state = ? AND user = ?"  # noqa: S608  (constants)
_FIND_SAME = f"""
SELECT {_COLUMNS} FROM challenges
WHERE login = :login AND created > :now - :window AND created <= :turn AND expires > :now
    AND status = {OPEN} AND undelivered = ''
ORDER BY rowid DESC LIMIT 1
"""  # noqa: S608  (constants)
_YOUNG = "SELECT login FROM challenges WHERE expires > :now AND created > :now - :window"
_RESEND = f"""
UPDATE challenges SET resends = resends + 1, asked = :now, undelivered = ''
WHERE state = :state AND user = :user AND status = {OPEN} AND {_ALIVE} AND resends < :limit
    AND NOT (max(created, asked) > :now - :pace AND max(created, asked) <= :turn)
RETURNING {_COLUMNS}
"""  # noqa: S608  (constants)
_LAST_ASKED = "SELECT max(created, asked) FROM challenges WHERE state = ?"
_IS_ALIVE = f"SELECT {_ALIVE} FROM challenges WHERE state = :state"  # noqa: S608  (constants)
_MARK_UNDELIVERED = "UPDATE challenges SET undelivered = ? WHERE state = ? AND resends = ?"
#: By the index on the end, so that no row hides another one.
_PURGE = """
DELETE FROM challenges WHERE rowid IN (
    SELECT rowid FROM challenges WHERE expires < :before ORDER BY expires LIMIT :rows
)
"""
_PURGE_FUTURE = """
DELETE FROM challenges WHERE rowid IN (
    SELECT rowid FROM challenges WHERE expires > :after ORDER BY expires DESC LIMIT :rows
)
"""
_PURGE_EVENTS = """
DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < :before ORDER BY at LIMIT :rows)
"""


def insert(
    connection: sqlite3.Connection, challenges: Sequence[Challenge], events: Sequence[DeliveryEvent]
) -> None:
    """Keep challenges and events; within the caller's transaction."""
    insert_rows(connection, "challenges", _NAMES, [_challenge_row(each) for each in challenges])
    insert_rows(connection, "events", EVENT_NAMES, [_event_row(each) for each in events])


def find_same(
    connection: sqlite3.Connection, login: str, now: float, window: float, *, turn: float
) -> Challenge | None:
    """See `ChallengeStore.find_same`; `turn` is when the caller got its turn at the file, in Unix seconds."""
    values = {"login": login, "now": now, "window": window, "turn": turn}
    row = connection.execute(_FIND_SAME, values).fetchone()
    return None if row is None else Challenge(*row)


def list_young(connection: sqlite3.Connection, now: float, window: float) -> list[str]:
    """Return the log-ins of the challenges of the last `window` seconds."""
    return [login for (login,) in connection.execute(_YOUNG, {"now": now, "window": window})]


def answer(  # noqa: PLR0913  (what `ChallengeStore.answer` takes, where it is, and what is known)
    connection: sqlite3.Connection, state: str, user: str, seal: str, now: float, *, most: int | None
) -> Challenge:
    """
    See `ChallengeStore.answer`.

    Args:
        connection: The caller's alone.
        state: As the client sent it.
        user: User-Name as the client sent it.
        seal: Of the answer.
        now: Unix seconds.
        most: How many tries are left as far as this process knows; None if it knows nothing.

    Raises:
        StoreError: The row says that more are left: somebody has put an old row back, so the answer is not looked at.
    """
    values = {"state": state, "user": user, "seal": seal, "now": now, "most": _ANY if most is None else most}
    changed = connection.execute(_ANSWER, values).fetchone()
    if changed is None:
        raise _why_not(connection, state, user, now)
    *columns, status = changed
    challenge = Challenge(*columns)
    if status == USED:
        return challenge
    if status == EXHAUSTED:
        raise _with(challenge, TooManyAttempts("wrong code, no try is left", guesses=1))
    raise _with(challenge, WrongCode(challenge.tries_left))


def accept(  # noqa: PLR0913  (as above)
    connection: sqlite3.Connection, state: str, user: str, seal: str, now: float, *, most: int | None
) -> Challenge | None:
    """Use a challenge up if an answer is right, and return it; else change nothing. Takes what `answer` takes."""
    values = {"state": state, "user": user, "seal": seal, "now": now, "most": _ANY if most is None else most}
    # All rows are read, because the change is committed, or fails, only at the end.
    rows = connection.execute(_ACCEPT, values).fetchall()
    return Challenge(*rows[0]) if rows else None


def take_back(connection: sqlite3.Connection, state: str) -> None:
    """See `SqliteStore.take_back`."""
    connection.execute(_TAKE_BACK, (state,))


def find(connection: sqlite3.Connection, state: str, user: str) -> Challenge:
    """See `ChallengeStore.find`."""
    return _row(connection, state, user)[0]


def resend(  # noqa: PLR0913  (what `ChallengeStore.resend` takes, where it is, and when)
    connection: sqlite3.Connection, state: str, user: str, now: float, rules: ResendRules, *, turn: float
) -> Challenge:
    """See `ChallengeStore.resend`; within the caller's transaction, which began at `turn`, in Unix seconds."""
    values = {
        "state": state,
        "user": user,
        "now": now,
        "limit": rules.limit,
        "pace": rules.pace,
        "turn": turn,
    }
    row = connection.execute(_RESEND, values).fetchone()
    if row is not None:
        return Challenge(*row)
    challenge, status = _row(connection, state, user)
    if status != OPEN or not _is_alive(connection, state, now):
        raise Expired("the code is no longer valid")
    if challenge.resends >= rules.limit:
        raise ResendRefused(None)
    (asked,) = connection.execute(_LAST_ASKED, (state,)).fetchone()
    raise ResendRefused(max(1.0, asked + rules.pace - now))


def mark_undelivered(connection: sqlite3.Connection, state: str, resends: int, why: str) -> None:
    """See `ChallengeStore.mark_undelivered`."""
    connection.execute(_MARK_UNDELIVERED, (why, state, resends))


def purge(connection: sqlite3.Connection, before: float, after: float) -> int:
    """Remove some challenges that ended before a moment or end after another; returns how many, `PURGE_ROWS` if more are left."""
    old = connection.execute(_PURGE, {"before": before, "rows": PURGE_ROWS}).rowcount
    return max(old, connection.execute(_PURGE_FUTURE, {"after": after, "rows": PURGE_ROWS}).rowcount)


def purge_events(connection: sqlite3.Connection, before: float) -> int:
    """Remove some events from before a moment; returns the same as `purge`."""
    return connection.execute(_PURGE_EVENTS, {"before": before, "rows": PURGE_ROWS}).rowcount


def _why_not(
    connection: sqlite3.Connection, state: str, user: str, now: float
) -> AlreadyUsed | TooManyAttempts | Expired | StoreError:
    challenge, status = _row(connection, state, user)
    if status == USED:
        return AlreadyUsed("the code was used before")
    if status == EXHAUSTED:
        return _with(challenge, TooManyAttempts("an answer, but no try is left"))
    if _is_alive(connection, state, now):
        return StoreError(
            "a challenge has more tries in the store than it had: somebody else has changed it there"
        )
    return _with(challenge, Expired("the code has expired"))


def _with(challenge: Challenge, why: Refused) -> Refused:
    """Return the error, which now holds the challenge that it is about."""
    why.challenge = challenge
    return why


def _is_alive(connection: sqlite3.Connection, state: str, now: float) -> bool:
    (alive,) = connection.execute(_IS_ALIVE, {"state": state, "now": now}).fetchone()
    return bool(alive)


def _row(connection: sqlite3.Connection, state: str, user: str) -> tuple[Challenge, int]:
    row = connection.execute(_FIND, (state, user)).fetchone()
    if row is None:
        raise UnknownChallenge("no challenge of this user has this State")
    *columns, status = row
    return Challenge(*columns), status
