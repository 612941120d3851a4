"""
The way to Redis: a few connections, a limit for each call, and a pause after a failed one.

A call is one round trip and is over within `LIMIT`, whatever it needs: finding the server, connecting, greeting. After a failed
call, all others fail at once for `REST`; then one may try. So a Redis that is gone delays a log-in only now and then, and not
every one; and when it is back, one connection is made and not hundreds.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redis import ReadOnlyError
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoScriptError,
    TryAgainError,
)

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.errors import OtherKey, StoreError
from smsotp_plugin.stores.redis.address import RedisPlace
from smsotp_plugin.stores.redis.foreign import UNREADABLE
from smsotp_plugin.stores.redis.line import Access, Line, Reply, ReplyError, Word
from smsotp_plugin.stores.redis.locate import Locator
from smsotp_plugin.wire.channel import Broken

log = logging.getLogger("smsotp.store")

#: Seconds that a call may take.
LIMIT = 0.45
#: Seconds between two attempts at a server that does not answer.
REST = 1.0
#: Connections that are kept while nobody uses them.
_MOST_IDLE = 8
#: Errors that say that a server is the wrong one and has done nothing; looking for the right one again may mend that at once.
_MOVED = (MovedError, ReadOnlyError, MasterDownError)
_AGAIN = (*_MOVED, NoScriptError)
#: How often a command that was not carried out is sent again: to the right server, and then with its script.
_FURTHER = 2
#: The same, and errors that such a look does not mend.
ELSEWHERE = (*_MOVED, AskError, ClusterDownError, TryAgainError)


class NotAnswered(StoreError):
    """
    It is not known what became of a call.

    Args:
        text: What happened.
        is_sent: Whether the server may have carried it out.
    """

    def __init__(self, text: str, *, is_sent: bool) -> None:
        super().__init__(text)
        self.is_sent = is_sent


def may_be_done(error: BaseException) -> bool:
    """Tell whether Redis may have done what it was asked for, although it did not answer, or not in a way that can be read."""
    return isinstance(error, UNREADABLE) or (isinstance(error, NotAnswered) and error.is_sent)


@dataclass(frozen=True, slots=True)
class Command:
    """
    One command.

    Attributes:
        words: As it is sent.
        script: The text of the script that `words` names by its digest; None: it names none.
    """

    words: tuple[Word, ...]
    script: bytes | None = None

    def in_full(self) -> tuple[Word, ...]:
        """Return it as it is sent to a server that does not know the script."""
        return self.words if self.script is None else ("EVAL", self.script, *self.words[2:])


class Link:
    """
    Safe under threads; each has a connection of its own for the duration of a call.

    Args:
        locator: Knows where the server is.
        access: As which user, and how, to talk to it.
        greeting: What else is said on each new connection.
        judge: Looks at the answers to the greeting; raises StoreError if the server cannot be used.
        clock: Time.
        limit: Seconds that a call may take.
        tells: Whether it is logged that the server does not answer, and that it answers again.
    """

    def __init__(  # noqa: PLR0913  (each is a part of its own, handed in by `connect`)
        self,
        locator: Locator,
        access: Access,
        greeting: Sequence[tuple[Word, ...]],
        judge: Callable[[RedisPlace, Sequence[Reply]], None],
        clock: Clock,
        *,
        limit: float = LIMIT,
        tells: bool = True,
    ) -> None:
        self._locator = locator
        self._access = access
        self._greeting = greeting
        self._judge = judge
        self._clock = clock
        self._limit = limit
        self._tells = tells
        self._lock = threading.Lock()
        self._idle: deque[Line] = deque()
        self._place: RedisPlace | None = None
        #: The generation of the good connections; an older connection is closed when it comes back.
        self._generation = 0
        self._rest_until = float("-inf")
        self._problem = ""
        self._shut = ""
        self._is_closed = False

    def call(self, *commands: Command) -> list[Reply]:
        """
        Have commands carried out in this order, in one round trip unless the server has to be found first.

        Returns:
            An answer for each; for a command that Redis refuses, a `ReplyError`.

        Raises:
            NotAnswered: Not all answers came within the limit.
            OtherKey: See `shut`.
            StoreError: We may not use this server.
        """
        self._pass_door()
        deadline = Deadline.after(self._limit, self._clock)
        replies = self._exchange([command.words for command in commands], deadline)
        for _ in range(_FURTHER):
            again = self._list_unserved(replies)
            if not again:
                return replies
            words = [
                commands[each].in_full() if isinstance(replies[each], NoScriptError) else commands[each].words
                for each in again
            ]
            for each, reply in zip(again, self._exchange(words, deadline), strict=True):
                replies[each] = reply
        self._list_unserved(replies)
        return replies

    @property
    def generation(self) -> int:
        """Goes up when all connections made so far are given up."""
        return self._generation

    def open_line(self, commands: Sequence[tuple[Word, ...]]) -> tuple[Line, list[Reply], int]:
        """
        Make a connection for one caller, who closes it, and ask something on it.

        Returns:
            The connection, the answers, and its generation.

        Raises:
            StoreError: As from `call`.
        """
        self._pass_door()
        deadline = Deadline.after(self._limit, self._clock)
        with self._lock:
            generation, place = self._generation, self._place
        line = None
        try:
            line = self._connect(place, deadline)
            replies = line.ask(commands, deadline)
        except BaseException as exc:
            raise self._fail(exc, line, is_sent=False) from exc
        self._note_success()
        return line, replies, generation

    def close(self) -> None:
        """Close all connections except those of `open_line`, and make no more."""
        self._is_closed = True
        self._forget_place()

    def shut(self, why: str) -> None:
        """Make every further call raise OtherKey; logged once."""
        with self._lock:
            is_news, self._shut = not self._shut, why
        if is_news:
            log.error("%s", why)

    def _pass_door(self) -> None:
        """Let a caller try, unless a call failed a moment ago."""
        with self._lock:
            if self._is_closed:
                raise StoreError("the store is closed")
            if self._shut:
                raise OtherKey(self._shut)
            if not self._problem:
                return
            now = self._clock.monotonic()
            if now < self._rest_until:
                raise NotAnswered(self._problem, is_sent=False)
            self._rest_until = now + REST

    def _list_unserved(self, replies: Sequence[Reply]) -> list[int]:
        """Return which commands are worth sending again, and have the right server looked for if this is the wrong one."""
        refused = [each for each, reply in enumerate(replies) if isinstance(reply, ReplyError)]
        if any(isinstance(replies[each], ELSEWHERE) for each in refused):
            self._forget_place()
        return [each for each in refused if isinstance(replies[each], _AGAIN)]

    def _exchange(self, words: Sequence[tuple[Word, ...]], deadline: Deadline) -> list[Reply]:
        is_sent = False
        line, generation = None, self._generation
        try:
            line, generation = self._take(deadline)
            is_sent = True
            replies = line.ask(words, deadline)
        except BaseException as exc:
            raise self._fail(exc, line, is_sent=is_sent) from exc
        self._give_back(line, generation)
        return replies

    def _fail(self, exc: BaseException, line: Line | None, *, is_sent: bool) -> BaseException:
        """Give up a connection, on which half an answer may be left; returns what to raise."""
        if line is not None:
            line.close()
        if isinstance(exc, StoreError | Broken):
            self._note_failure(str(exc))
        return NotAnswered(str(exc), is_sent=is_sent) if isinstance(exc, Broken) else exc

    def _take(self, deadline: Deadline) -> tuple[Line, int]:
        while True:
            with self._lock:
                generation = self._generation
                line = self._idle.pop() if self._idle else None
                place = self._place
            if line is None:
                return self._connect(place, deadline), generation
            if line.is_quiet():
                return line, generation
            line.close()

    def _connect(self, place: RedisPlace | None, deadline: Deadline) -> Line:
        place = place or self._locator.find(deadline)
        line = Line(place, self._access)
        try:
            replies = line.ask(self._greeting, deadline)
            if any(isinstance(reply, _MOVED) for reply in replies):
                line.close()
                self._locator.doubt(place)
                place = self._locator.find(deadline)
                line = Line(place, self._access)
                replies = line.ask(self._greeting, deadline)
            self._judge(place, replies)
        except BaseException:
            line.close()
            self._locator.doubt(place)
            raise
        with self._lock:
            self._place = place
        return line

    def _give_back(self, line: Line, generation: int) -> None:
        with self._lock:
            is_good = generation == self._generation and len(self._idle) < _MOST_IDLE
            if is_good:
                self._idle.append(line)
        if not is_good:
            line.close()
        self._note_success()

    def _note_success(self) -> None:
        if not self._problem:
            return
        with self._lock:
            was_down, self._problem = bool(self._problem), ""
        if was_down and self._tells:
            log.info("Redis answers again")

    def _note_failure(self, why: str) -> None:
        with self._lock:
            is_news, self._problem = not self._problem, why
            self._rest_until = self._clock.monotonic() + REST
        self._forget_place()
        if is_news and self._tells:
            log.error("log-ins are refused until Redis answers: %s", why)

    def _forget_place(self) -> None:
        """Have the server looked for anew, and stop using connections that were made before."""
        with self._lock:
            self._place = None
            self._generation += 1
            lines, self._idle = self._idle, deque()
        for line in lines:
            line.close()
