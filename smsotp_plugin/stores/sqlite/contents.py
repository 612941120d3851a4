"""Everything that the SQLite file holds, read and written as a whole, while no server uses it."""

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.answers import AnswerCount, Brake
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.budgets import Count, Spending
from smsotp_plugin.stores.contents import (
    ChallengeStatus,
    Expense,
    StoreContents,
    StoredChallenge,
    StoredMessage,
    StoredStreak,
    WrongAnswer,
)
from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind
from smsotp_plugin.stores.guesses import Streak
from smsotp_plugin.stores.kept import KeptMessage
from smsotp_plugin.stores.sqlite.answers import list_brakes
from smsotp_plugin.stores.sqlite.attempts import Attempts, find_notes, list_owners, read_notes
from smsotp_plugin.stores.sqlite.beside import demand_database, open_beside, read_beside
from smsotp_plugin.stores.sqlite.file import SqliteFile
from smsotp_plugin.stores.sqlite.neighbours import draw_owner
from smsotp_plugin.stores.sqlite.rows import insert_rows

_CHALLENGE = tuple(field.name for field in fields(Challenge))
_MESSAGE = tuple(field.name for field in fields(KeptMessage))
_EVENT = tuple(field.name for field in fields(DeliveryEvent))
_ANSWERS = tuple(field.name for field in fields(AnswerCount))
_BRAKE = tuple(field.name for field in fields(Brake))
_TABLES = (
    "challenges",
    "messages",
    "events",
    "guesses",
    "wrong_answers",
    "spent",
    "counts",
    "answers",
    "brakes",
)
_DAY = 86400


def read_contents_of_file(path: Path) -> StoreContents:
    """
    Read a database.

    Raises:
        StoreError: It is not there, or cannot be read.
    """
    demand_database(path)
    notes = {
        key: gateways
        for owner in list_owners(path)
        for key, gateways in read_notes(find_notes(path, owner)).items()
    }

    def read(names: Sequence[str], table: str, order: str) -> list[tuple[Any, ...]]:
        statement = f"SELECT {', '.join(names)} FROM {table} ORDER BY {order}"  # noqa: S608  (constants)
        return connection.execute(statement).fetchall()

    with read_beside(path) as connection:
        return StoreContents(
            challenges=[
                StoredChallenge(Challenge(*row), ChallengeStatus(status), asked)
                for *row, status, asked in read((*_CHALLENGE, "status", "asked"), "challenges", "rowid")
            ],
            messages=[
                StoredMessage(KeptMessage(*row), notes.get((row[0], row[-1]), frozenset()))
                for row in read(_MESSAGE, "messages", "expires, resends")
            ],
            events=[
                DeliveryEvent(reference, at, EventKind(kind), *rest)
                for reference, at, kind, *rest in read(_EVENT, "events", "id")
            ],
            streaks=[
                StoredStreak(name, place, other, Streak(*rest))
                for name, place, other, *rest in read(
                    ("name", "place", "other_name", "in_a_row", "latest", "proven"), "guesses", "name, place"
                )
            ],
            wrong_answers=[WrongAnswer(*row) for row in read(("name", "place", "at"), "wrong_answers", "at")],
            expenses=[
                Expense(at, Spending(tuple(keys.split()), money, messages))
                for at, keys, money, messages in read(("at", "keys", "money", "messages"), "spent", "id")
            ],
            counts=[
                Count(datetime.fromtimestamp(day * _DAY, UTC).date(), name, number)
                for day, name, number in read(("day", "name", "number"), "counts", "day, name")
            ],
            answers=[AnswerCount(*row) for row in read(_ANSWERS, "answers", "hour, key")],
            brakes=list_brakes(connection),
        )


def write_contents_to_file(path: Path, contents: StoreContents, clock: Clock) -> None:
    """
    Fill a database, which is made if it is not there.

    Raises:
        StoreError: It cannot be written, or holds something already.
    """
    SqliteFile(path, clock).close()
    owner = draw_owner()
    attempts = Attempts(find_notes(path, owner))
    with open_beside(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        if any(connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in _TABLES):  # noqa: S608  (constants)
            raise StoreError(f"{path} holds something already: stop its server and remove it first")
        _insert(connection, contents, owner)
        for each in contents.messages:
            for gateway in each.may_have_it:
                attempts.begin((each.message.state, each.message.resends), gateway)
        connection.execute("COMMIT")
    attempts.close()


def _insert(connection: sqlite3.Connection, contents: StoreContents, owner: int) -> None:
    challenge, message, event = (attrgetter(*names) for names in (_CHALLENGE, _MESSAGE, _EVENT))
    tables: dict[str, tuple[tuple[str, ...], list[tuple[object, ...]]]] = {
        "challenges": (
            (*_CHALLENGE, "status", "asked"),
            [(*challenge(each.challenge), int(each.status), each.asked) for each in contents.challenges],
        ),
        "messages": (
            (*_MESSAGE, "owner"),
            [(*message(each.message), owner) for each in contents.messages],
        ),
        "events": (_EVENT, [event(each) for each in contents.events]),
        "guesses": (
            ("name", "place", "other_name", "in_a_row", "latest", "proven"),
            [
                (
                    *(each.name, each.place, each.other_name),
                    *(each.streak.in_a_row, max(0.0, each.streak.latest), each.streak.proven),
                )
                for each in contents.streaks
            ],
        ),
        "wrong_answers": (
            ("name", "place", "at"),
            [(each.name, each.place, each.at) for each in contents.wrong_answers],
        ),
        "spent": (
            ("owner", "at", "keys", "money", "messages"),
            [
                (owner, each.at, " ".join(each.spending.keys), each.spending.money, each.spending.messages)
                for each in contents.expenses
            ],
        ),
        "counts": (
            ("day", "name", "number"),
            [(_day_number(each), each.name, each.number) for each in contents.counts],
        ),
        "answers": (_ANSWERS, [astuple(each) for each in contents.answers]),
        "brakes": (_BRAKE, [astuple(each) for each in contents.brakes]),
    }
    for table, (names, rows) in tables.items():
        insert_rows(connection, table, names, rows)


def _day_number(count: Count) -> int:
    return int(datetime(count.day.year, count.day.month, count.day.day, tzinfo=UTC).timestamp()) // _DAY
