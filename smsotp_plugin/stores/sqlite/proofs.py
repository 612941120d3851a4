"""What follows from right answers, written with the next commit: nobody waits for it, and a crash loses at most a second of it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from smsotp_plugin.stores.guesses import Guesser
from smsotp_plugin.stores.sqlite import guesses as sql


@dataclass(frozen=True, slots=True)
class Proof:
    """
    A right answer.

    Attributes:
        guesser: Who gave it, and from where.
        number_hash: That of the challenge.
        at: Unix seconds.
    """

    guesser: Guesser
    number_hash: str
    at: float


class Proofs:
    """Right answers that are not in the file yet. Whoever calls a method holds the writer's lock."""

    def __init__(self) -> None:
        self._waiting: list[Proof] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, proof: Proof) -> None:
        """Have the wrong answers before a right one forgotten, and its place remembered as known."""
        self._waiting.append(proof)

    @contextmanager
    def transaction(
        self, begin: Callable[[], AbstractContextManager[sqlite3.Connection]]
    ) -> Iterator[sqlite3.Connection]:
        """
        Write what is waiting, and then let the caller write; if the transaction cannot be committed, it goes on waiting.

        Args:
            begin: Begins a transaction; if this raises, nothing has changed.
        """
        written: list[Proof] = []
        try:
            with begin() as connection:
                written, self._waiting = self._waiting, []
                for proof in written:
                    tallied = sql.tallies(connection, proof.guesser, proof.number_hash, proof.at)
                    sql.count_right(connection, tallied, proof.guesser, proof.at)
                yield connection
        except BaseException:
            self._waiting[:0] = written
            raise
