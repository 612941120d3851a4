"""The SQL of wrong answers. No other thread may use the connection meanwhile; functions that write need a transaction."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from smsotp_plugin.errors import TooManyAttempts, TooManyGuesses, WrongCode
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.guesses import (
    DAY,
    GENERAL,
    LAST,
    LONGEST_KNOWN,
    MOST_PLACES,
    Guesser,
    GuessRules,
    Streak,
    Tally,
    worst_standing,
)
from smsotp_plugin.stores.sqlite.beside import open_beside
from smsotp_plugin.stores.sqlite.watch import Watch

#: Seconds. A right answer from a place that was proven this recently need not be written down again.
_PROOF_IS_FRESH = 3600.0
#: The count if nothing has been counted.
_NONE = Streak()

_TALLIES = """
SELECT name, place, in_a_row, latest, proven FROM guesses WHERE name IN (:first, :second, :third)
UNION ALL
SELECT name, place, -1, at, 0 FROM wrong_answers WHERE name IN (:first, :second, :third) AND at > :since
ORDER BY 4
"""
_NUMBER = "SELECT number_hash FROM challenges WHERE state = ? AND user = ?"
_COUNT_WRONG = """
INSERT INTO guesses (name, place, other_name, in_a_row, latest, proven)
VALUES (:name, :streak, :other, 1, :now, 0)
ON CONFLICT DO UPDATE SET in_a_row = in_a_row + 1, latest = :now, other_name = :other
"""
_NOTE_WRONG = "INSERT INTO wrong_answers (name, place, at) VALUES (:name, :streak, :now)"
_END_ROW = "UPDATE guesses SET in_a_row = 0 WHERE name = :name AND place = :streak AND in_a_row > 0"
_PROVE = """
INSERT INTO guesses (name, place, other_name, in_a_row, latest, proven)
VALUES (:name, :place, :other, 0, 0, :now)
ON CONFLICT DO UPDATE SET in_a_row = 0, proven = :now, other_name = :other
"""
_FORGET_PLACES = f"""
DELETE FROM guesses WHERE name = :name AND place <> '{GENERAL}' AND place NOT IN (
    SELECT place FROM guesses WHERE name = :name AND place <> '{GENERAL}' AND proven > :known_since
    ORDER BY proven DESC LIMIT {MOST_PLACES}
)
"""  # noqa: S608  (constants)
_NAMES = """
SELECT :name UNION SELECT other_name FROM guesses WHERE name = :name
UNION SELECT name FROM guesses WHERE other_name = :name
"""
_MANY = "SELECT max(in_a_row) FROM guesses WHERE name = ?"
_UNLOCK = ("UPDATE guesses SET in_a_row = 0 WHERE name = ?", "DELETE FROM wrong_answers WHERE name = ?")
#: In one pass over all rows, because a log-in waits for it now and then.
_WATCHED = """
SELECT name FROM guesses WHERE in_a_row >= :free
AND (latest > :day_ago OR (in_a_row >= :most AND latest > :lock_ago) OR in_a_row >= :last)
UNION
SELECT name FROM (SELECT name, count(*) AS many FROM wrong_answers GROUP BY name) WHERE many >= :fewest
"""
_PURGE = {
    "DELETE FROM wrong_answers WHERE at <= :day_ago OR at > :day_ahead": ("day_ago", "day_ahead"),
    "DELETE FROM guesses WHERE in_a_row = 0 AND proven < :long_ago": ("long_ago",),
}


def answer(  # noqa: PLR0913  (what is answered, by whom, where and when)
    connection: sqlite3.Connection,
    judge: Callable[[], Challenge],
    number_hash: str,
    guesser: Guesser,
    *,
    turn: float,
    watch: Watch,
) -> Challenge | WrongCode | TooManyAttempts:
    """
    Have an answer judged if the account may give one, and count it.

    Args:
        connection: The caller's alone.
        judge: See `judged`.
        number_hash: That of the challenge that is answered.
        guesser: Who answers, and from where.
        turn: When the caller got its turn at the file, in Unix seconds.
        watch: Told who may have to wait.

    Returns:
        See `judged`.

    Raises:
        ChallengeError: The answer was not looked at.
        StoreError: See `challenges.answer`.
    """
    tallied = tallies(connection, guesser, number_hash, turn)
    answer_from = worst_standing(tallied.values(), guesser, turn).answer_from
    if answer_from > turn:
        raise TooManyGuesses(answer_from - turn)
    result = judged(judge)
    is_right = isinstance(result, Challenge)
    (count_right if is_right else _count_wrong)(connection, tallied, guesser, turn)
    if is_right and not any(watch.holds(name) for name in tallied):
        return result
    tallied = tallies(connection, guesser, number_hash, turn)
    for name, tally in tallied.items():
        if tally.may_wait(guesser.rules, turn):
            watch.add(name)
        else:
            watch.discard(name)
    if not isinstance(result, Challenge):
        after = worst_standing(tallied.values(), guesser, turn)
        result.guesses, result.wait = after.in_a_row, max(0.0, after.challenge_from - turn)
    return result


def judged(judge: Callable[[], Challenge]) -> Challenge | WrongCode | TooManyAttempts:
    """
    Have an answer judged, within a transaction.

    Args:
        judge: Does so, as `challenges.answer` does.

    Returns:
        The challenge; or the error of a wrong answer, because that has to be committed and not rolled back.
    """
    try:
        return judge()
    except (WrongCode, TooManyAttempts) as exc:
        if not exc.guesses:
            raise
        return exc


def number_of(connection: sqlite3.Connection, state: str, user: str) -> str | None:
    """Return the fingerprint of the number of a challenge, or None if there is no such challenge."""
    row = connection.execute(_NUMBER, (state, user)).fetchone()
    return None if row is None else str(row[0])


def tallies(
    connection: sqlite3.Connection, guesser: Guesser, number_hash: str, now: float
) -> Mapping[str, Tally]:
    """Return what is counted under each name of an account."""
    names = (*guesser.accounts, number_hash)
    streaks: dict[str, dict[str, Streak]] = {name: {} for name in names}
    wrong: dict[str, list[tuple[str, float]]] = {name: [] for name in names}
    values = {"first": names[0], "second": names[1], "third": names[-1], "since": now - DAY}
    for name, place, in_a_row, latest, proven in connection.execute(_TALLIES, values):
        if in_a_row < 0:
            wrong[name].append((place, latest))
        else:
            streaks[name][place] = Streak(in_a_row, latest, proven)
    return {name: Tally(streaks[name], wrong[name]) for name in streaks}


def known_place(tallied: Mapping[str, Tally], guesser: Guesser, now: float) -> str:
    """Return which of a guesser's places is known under the name of its account; empty if none is."""
    known = (tallied[name].streak_of(guesser, now) for name in guesser.accounts if name in tallied)
    return next((place for place in known if place != GENERAL), "")


def _count_wrong(
    connection: sqlite3.Connection, tallied: Mapping[str, Tally], guesser: Guesser, now: float
) -> None:
    """Count a wrong answer under each name."""
    for name, tally in tallied.items():
        values = {
            "name": name,
            "streak": tally.streak_of(guesser, now),
            "other": _other(tallied, name),
            "now": now,
        }
        connection.execute(_COUNT_WRONG, values)
        connection.execute(_NOTE_WRONG, {key: values[key] for key in ("name", "streak", "now")})


def count_right(
    connection: sqlite3.Connection, tallied: Mapping[str, Tally], guesser: Guesser, now: float
) -> None:
    """End the row of wrong answers under each name, and note that the right one came from this place."""
    for name, tally in tallied.items():
        streak = tally.streak_of(guesser, now)
        if streak == GENERAL and tally.streaks.get(GENERAL, _NONE).in_a_row:
            connection.execute(_END_ROW, {"name": name, "streak": GENERAL})
        place = guesser.places[0]
        here = tally.streaks.get(place, _NONE)
        if here.in_a_row == 0 and now - _PROOF_IS_FRESH < here.proven <= now:
            continue
        connection.execute(_PROVE, {"name": name, "place": place, "other": _other(tallied, name), "now": now})
        if streak == GENERAL:
            known_since = now - guesser.rules.known_for
            connection.execute(_FORGET_PLACES, {"name": name, "known_since": known_since})


def unlock(connection: sqlite3.Connection, name: str) -> int:
    """Forget the wrong answers under a name and all names of the same account; returns how many in a row there were."""
    most = 0
    for (each,) in connection.execute(_NAMES, {"name": name}).fetchall():
        (in_a_row,) = connection.execute(_MANY, (each,)).fetchone()
        most = max(most, in_a_row or 0)
        for statement in _UNLOCK:
            connection.execute(statement, (each,))
    return most


def unlock_in_file(path: Path, names: Iterable[str]) -> int:
    """See `StoreKind.unlock`."""
    with open_beside(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        most = max(unlock(connection, name) for name in names)
        connection.execute("COMMIT")
    return most


def watched(connection: sqlite3.Connection, rules: GuessRules, now: float) -> set[str]:
    """Return the names under which anybody may have to wait now; see `Tally.may_wait`."""
    values = {
        "free": rules.free,
        "most": rules.most,
        "last": LAST,
        "fewest": rules.fewest,
        "day_ago": now - DAY,
        "lock_ago": now - rules.lock,
    }
    return {name for (name,) in connection.execute(_WATCHED, values)}


def purge(connection: sqlite3.Connection, now: float) -> int:
    """Remove what no longer counts; returns how many rows."""
    values = {"day_ago": now - DAY, "day_ahead": now + DAY, "long_ago": now - LONGEST_KNOWN}
    return sum(
        connection.execute(statement, {name: values[name] for name in names}).rowcount
        for statement, names in _PURGE.items()
    )


def _other(tallied: Mapping[str, Tally], name: str) -> str:
    """Return another name of an account: its number, or, for a number, the first name of the account."""
    first, *_, number = tallied
    return first if name == number else number
