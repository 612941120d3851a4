"""Somebody who knows a password, and the flow that they attack; the test moves the time."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from smsotp_plugin.login.decisions import Accept, Ask, Reject
from tests.support.login_bench import Bench, answer, make, request

__all__ = ["make"]

DAY = 86_400
CODES = 1_000_000
SPELLINGS = (
    *(
        "bob",
        "BOB",
        "bob ",
        " Bob",
        "b\u200bob",
        "\uff42\uff4f\uff42",
        "bób",
        "bob@example.org",
        "bob@EXAMPLE.ORG@isp",
        "EXAMPLE\\bob",
    ),
    *("example/bob", "bob%example.org", "isp!bob", "EXAMPLE\\Bob@example.org", "BoB"),
)
WRONG = "000000"


class Attacker:
    """Knows bob's password, and tries codes from wherever the test says."""

    def __init__(self, bench: Bench, database: Path) -> None:
        self.bench = bench
        self._database = database
        self.open: list[tuple[str, dict[str, Any]]] = []
        self.accepted = 0

    def ask(self, **place: Any) -> None:
        """Send a first leg, and remember the challenge."""
        asked = self.bench.login.first_leg(request(**place))
        if isinstance(asked, Ask):
            self.open.append((asked.state, place))

    def try_all(self) -> None:
        """Answer each open challenge until it is no longer open, or until answers are no longer compared."""
        for state, place in self.open:
            while isinstance(judged := self.bench.login.answer_leg(answer(state, WRONG, **place)), Ask):
                pass
            self.accepted += isinstance(judged, Accept)
        self.open.clear()

    @property
    def compared(self) -> int:
        """How many wrong answers the store has compared, counted by the tries that they used up."""
        self.bench.store.flush()
        with closing(sqlite3.connect(self._database)) as connection:
            return int(connection.execute("SELECT sum(5 - tries_left) FROM challenges").fetchone()[0] or 0)


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    """Have a flow whose budgets stop nobody: budgets are not what these tests are about."""
    return make(limits={"mode": "record"})


@pytest.fixture
def attacker(bench: Bench, tmp_path: Path) -> Attacker:
    return Attacker(bench, tmp_path / "smsotp.db")


def log_in(bench: Bench, **place: Any) -> Ask | Accept | Reject | object:
    """Do both legs with the right code; return the result of the last leg."""
    asked = bench.login.first_leg(request(**place))
    if not isinstance(asked, Ask):
        return asked
    bench.store.flush()
    return bench.login.answer_leg(answer(asked.state, bench.code(), **place))


def wrong(bench: Bench, count: int, **place: Any) -> object:
    """Give this many wrong answers in a row, each as soon as possible; return the result of the last one."""
    judged: object = None
    given = 0
    while given < count:
        asked = bench.login.first_leg(request(**place))
        if not isinstance(asked, Ask):
            bench.clock.advance(30)
            continue
        judged = asked
        while given < count and isinstance(judged, Ask):
            judged = bench.login.answer_leg(answer(asked.state, WRONG, **place))
            given += 1
    return judged
