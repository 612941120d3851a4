"""Wrong answers in the file, and, in memory, who may have to wait because of them."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import ChallengeError, StoreError
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.guesses import CLEAN, Guesser, GuessRules, Standing, worst_standing
from smsotp_plugin.stores.sqlite import challenges as challenges_sql
from smsotp_plugin.stores.sqlite import guesses as sql
from smsotp_plugin.stores.sqlite.file import SqliteFile
from smsotp_plugin.stores.sqlite.proofs import Proof
from smsotp_plugin.stores.sqlite.watch import Watch

#: Seconds after which it is learned again who may have to wait.
_LEARNED_FOR = 3600.0


class GuessFile:
    """
    What a database knows of wrong answers.

    Args:
        file: The database.
        clock: Time.

    Raises:
        StoreError: From every method: the file cannot be used.
    """

    def __init__(self, file: SqliteFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._watch = Watch()
        self._learn_at = float("inf")
        #: From which opening of the database the watch has learned; see `SqliteFile.opened`.
        self._opened = file.opened

    def answer(  # noqa: PLR0913  (what `ChallengeStore.answer` takes, and what is known)
        self, state: str, user: str, seal: str, now: float, guesser: Guesser | None, *, most: int | None
    ) -> Challenge:
        """See `ChallengeStore.answer`, and `challenges.answer` for `most`."""
        if guesser is not None and not self._watch.holds_any():
            challenge = self._accept(state, user, seal, now, guesser, most=most)
            if challenge is not None:
                return challenge
        with (
            self._forgetting_on_failure(),
            self._file.proofs.transaction(self._file.transaction) as connection,
        ):
            judge = partial(challenges_sql.answer, connection, state, user, seal, now, most=most)
            number_hash = None if guesser is None else sql.number_of(connection, state, user)
            if guesser is None or number_hash is None:
                result = sql.judged(judge)
            else:
                turn = self._clock.time()
                result = sql.answer(connection, judge, number_hash, guesser, turn=turn, watch=self._watch)
        if isinstance(result, ChallengeError):
            raise result
        return result

    def _accept(  # noqa: PLR0913  (as above)
        self, state: str, user: str, seal: str, now: float, guesser: Guesser, *, most: int | None
    ) -> Challenge | None:
        """Accept a right answer of somebody who need not wait, by one statement: each statement gives up the interpreter's lock."""
        with self._file.alone() as connection:
            # While this thread waited for its turn, a wrong answer may have been counted, or the file replaced.
            if self._watch.holds_any() or self._opened != self._file.opened:
                return None
            challenge = challenges_sql.accept(connection, state, user, seal, now, most=most)
            if challenge is not None:
                self._file.proofs.add(Proof(guesser, challenge.number_hash, self._clock.time()))
            return challenge

    @contextmanager
    def _forgetting_on_failure(self) -> Iterator[None]:
        """Forget what was learned inside if that could not be kept."""
        try:
            yield
        except StoreError:
            self._watch.forget()
            raise

    def _write_proofs(self) -> None:
        if self._file.proofs:
            with self._file.proofs.transaction(self._file.transaction):
                pass

    def may_wait(self, rules: GuessRules) -> bool:
        """See `GuessStore.may_wait`."""
        if self._opened != self._file.opened:
            self._opened = self._file.opened
            self._watch.forget()
        if self._clock.monotonic() >= self._learn_at:
            # Whoever had to wait when this was learned need not wait any more.
            self._watch.forget()
        if not self._watch.knows:
            if self._file.is_shared:
                return True
            # No first leg waits here for a disk that hangs; if nothing could be learned, `standing` finds out.
            with suppress(StoreError), self._file.alone(waits=False) as connection:
                self._learn_at = self._clock.monotonic() + _LEARNED_FOR
                self._watch.learn(lambda: sql.watched(connection, rules, self._clock.time()))
        return self._watch.holds_any()

    def note_others(self) -> None:
        """Forget what is known: another process uses the file, and may count wrong answers."""
        self._watch.forget()

    def known_place(self, guesser: Guesser, number_hash: str) -> str:
        """See `GuessStore.known_place`; waits for no writer."""
        self._write_proofs()
        with self._file.reading() as connection:
            turn = self._clock.time()
            return sql.known_place(sql.tallies(connection, guesser, number_hash, turn), guesser, turn)

    def standing(self, guesser: Guesser, number_hash: str) -> Standing:
        """See `GuessStore.standing`; waits for no writer."""
        if not any(self._watch.holds(name) for name in (*guesser.accounts, number_hash)):
            return CLEAN
        self._write_proofs()
        with self._file.reading() as connection:
            turn = self._clock.time()
            tallied = sql.tallies(connection, guesser, number_hash, turn)
            return worst_standing(tallied.values(), guesser, turn)
