"""Messages in Redis: whose they are, which gateway may have one, and what dead processes leave."""

import itertools
import logging
import secrets
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import cast

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import NotNeeded, StoreError
from smsotp_plugin.stores.kept import Attempt, KeptMessage, LeftMessage
from smsotp_plugin.stores.redis.foreign import UNREADABLE, read_moment, reads_replies
from smsotp_plugin.stores.redis.lazy import Lazy
from smsotp_plugin.stores.redis.line import Reply, ReplyError, Word
from smsotp_plugin.stores.redis.link import Command, NotAnswered
from smsotp_plugin.stores.redis.same_key import SameKey
from smsotp_plugin.stores.redis.scripts import Scripts, refusal
from smsotp_plugin.stores.redis.unsure import Unsure

log = logging.getLogger("smsotp.store")

#: Seconds; see `Messages.life`.
LIFE = 5.0
#: How many messages one script takes over.
_PIECE = 500

_Left = tuple[bytes, bytes, bytes, bytes, bytes, int, list[bytes], int, bytes]


class Messages:
    """
    The messages of one store.

    Args:
        scripts: Runs changes.
        lazy: Writes what nobody waits for.
        clock: Time.
        same_key: Compares keys with those of others.

    Attributes:
        owner: Stands for this store.
        life: Seconds for which it is believed to live after it has said so, which it does once a second.
    """

    def __init__(self, scripts: Scripts, lazy: Lazy, clock: Clock, same_key: SameKey) -> None:
        self.owner = secrets.token_hex(8)
        self.life = LIFE
        self._scripts = scripts
        self._lazy = lazy
        self._clock = clock
        self._same_key = same_key
        self._keys = ["owners", f"messages:{self.owner}"]
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        #: The names of the attempts that have begun, by message and gateway.
        self._begun: dict[str, dict[str, str]] = {}
        #: The generation of the connections at the last check whether any had failed; and until when nothing is taken over because of that.
        self._generation = scripts.generation
        self._patient_until = clock.monotonic()
        self._unsure = Unsure()

    @reads_replies
    def live(self) -> float:
        """
        Say that this store lives.

        Returns:
            The moment by the store's own clock, in Unix seconds.

        Raises:
            OtherKey: It has another key than the others, and does not count as one of them.
            StoreError: That cannot be said.
        """
        words = (self.owner, self.life, 0, *self._same_key.words(self.owner))
        turn, _, *strange = cast(
            "tuple[bytes, object, int]", self._scripts.run("take_over", self._keys, *words)
        )
        self._same_key.judge(is_stranger=strange == [1])
        return read_moment(turn)

    def settle_key(self) -> None:
        """
        Compare keys with those of the others first, if Redis did not answer at the start.

        Raises:
            OtherKey: As above.
            StoreError: As above.
        """
        if not self._same_key.is_settled:
            self.live()

    def leave(self) -> None:
        """
        Say that this store no longer lives.

        Raises:
            StoreError: As above.
        """
        self._scripts.run("leave", self._keys, self.owner, *self._same_key.words(self.owner)[:1])

    def begin_attempts(self, attempts: Sequence[Attempt]) -> Sequence[Exception | None]:
        """See `MessageStore.begin_attempts`."""
        names = [f"{each.state}:{each.resends}" for each in attempts]
        # Not another owner's name: an attempt that ends here later must not end theirs.
        tickets = [f"{self.owner} {next(self._numbers)}" for _ in attempts]
        words: list[Word] = [self.owner]
        for each, ticket in zip(attempts, tickets, strict=True):
            words += (each.gateway, ticket, each.state, each.resends)
        try:
            reply = self._scripts.run("begin_attempts", [f"message:{name}" for name in names], *words)
            problems = _read_problems(reply, len(attempts))
        except NotAnswered as exc:
            problems = [exc] * len(attempts)
        for each, name, ticket, problem in zip(attempts, names, tickets, problems, strict=True):
            if problem is None:
                with self._lock:
                    self._begun.setdefault(name, {})[each.gateway] = ticket
            elif isinstance(problem, NotAnswered) and problem.is_sent:
                # It may be noted although the gateway gets nothing.
                self._note_end(name, each.gateway, ticket)
        return problems

    def end_attempt(self, name: str, gateway: str) -> None:
        """
        See `MessageStore.end_attempt`.

        Args:
            name: The message's name, as ``STATE:RESENDS``, here and below.
            gateway: Its name.
        """
        with self._lock:
            attempts = self._begun.get(name, {})
            attempt = attempts.pop(gateway, None)
            if not attempts:
                self._begun.pop(name, None)
        if attempt is not None:
            self._note_end(name, gateway, attempt)

    def _write_forgotten(self, names: Sequence[str]) -> Command:
        keys = [f"messages:{self.owner}", *(f"message:{name}" for name in names)]
        return self._scripts.command("forget_messages", keys, self.owner, *names)

    def _note_end(self, name: str, gateway: str, attempt: str) -> None:
        self._lazy.add(partial(self._scripts.command, "end_attempt", [f"message:{name}"], gateway, attempt))

    def forget(self, name: str) -> None:
        """See `MessageStore.forget_message`."""
        with self._lock:
            self._begun.pop(name, None)
        self._lazy.gather(self._write_forgotten, name)

    @reads_replies
    def take_from_queue(self, group: str, entries: Sequence[Word]) -> Sequence[LeftMessage]:
        """
        Make waiting messages this store's own.

        Args:
            group: The group of consumers.
            entries: For each, the number of its entry and the name of the message.

        Raises:
            StoreError: As above; the messages go on waiting, or `find_own` finds them.
        """
        words = (self.owner, self.life, group, *entries)
        names = [str(name, "utf-8") if isinstance(name, bytes) else str(name) for name in entries[1::2]]
        with self._unsure.of(names):
            return _read_all(self._scripts.run("take_from_queue", ["queue", "owners"], *words))

    def unsure(self, name: str) -> AbstractContextManager[None]:
        """Have `find_own` look for a message if what is done meanwhile is not answered."""
        return self._unsure.of([name])

    @reads_replies
    def find_own(self) -> Sequence[LeftMessage]:
        """
        Return messages that have become this store's without its knowing, because Redis did not answer in time.

        Raises:
            StoreError: As above.
        """
        names, with_taken_over = self._unsure.ask()
        if not names and not with_taken_over:
            return []
        words: list[Word] = [self.owner, int(with_taken_over), *names]
        reply = self._scripts.run("find_own", self._keys[1:], *words)
        self._unsure.note_look(names, with_taken_over=with_taken_over)
        found = _read_all(reply)
        new = self._unsure.take_new(map(_name, found))
        return [each for each in found if _name(each) in new]

    @reads_replies
    def take_over(self, now: float) -> Sequence[LeftMessage]:
        """
        See `MessageStore.take_over`.

        If the connection to Redis was broken, Redis may have been away: then all others get time to say that they live before anything
        is taken from them.
        """
        left = [*self.find_own()]
        if not self._others_had_time():
            return left
        while True:
            try:
                piece = self._take_piece(now)
            except StoreError:
                # Messages that are already this store's must not be lost with the rest.
                if not left:
                    raise
                piece = []
            left += piece
            if len(piece) < _PIECE:
                return sorted(left, key=lambda each: (each.message.expires, each.message.resends))

    def _others_had_time(self) -> bool:
        now, generation = self._clock.monotonic(), self._scripts.generation
        if generation != self._generation:
            self._generation, self._patient_until = generation, now + self.life
        return now >= self._patient_until

    @reads_replies
    def _take_piece(self, now: float) -> list[LeftMessage]:
        with self._unsure.of_all():
            reply = self._scripts.run("take_over", self._keys, self.owner, self.life, _PIECE, now=now)
            _, piece = cast("tuple[bytes, Reply]", reply)
            found = _read_all(piece)
        self._unsure.take_new(map(_name, found))
        return found


def _read_problems(reply: Reply, number: int) -> Sequence[Exception | None]:
    words = reply if isinstance(reply, list) and len(reply) == number else [None] * number
    return list(map(_judge, words))


def _judge(word: Reply) -> Exception | None:
    if word == b"begun":
        return None
    if word == b"taken":
        return StoreError("another server has taken this one for dead, and the message over")
    if isinstance(word, ReplyError):
        return refusal(word)
    if word == b"over":
        return NotNeeded("its log-in is over, or a later message has taken its place")
    return NotAnswered("Redis does not say whether the attempt is noted; is it damaged?", is_sent=True)


def _name(left: LeftMessage) -> str:
    return f"{left.message.state}:{left.message.resends}"


def _read_all(reply: Reply) -> list[LeftMessage]:
    """Read messages; a damaged one is logged, and does not affect the others."""
    found, damaged = [], 0
    for each in cast("list[_Left]", reply):
        try:
            found.append(_read(each))
        except UNREADABLE:
            damaged += 1
    if damaged:
        log.error(
            "SMS that are not sent because they are damaged in Redis, or somebody else has changed them there: %d",
            damaged,
        )
    return found


def _read(left: _Left) -> LeftMessage:
    state, resends, site, expires, sealed, is_needed, gateways, deaths, holders = left
    if not isinstance(sealed, bytes):
        raise TypeError("a sealed message is bytes")
    return LeftMessage(
        KeptMessage(state.decode(), site.decode(), read_moment(expires), sealed, int(resends)),
        is_needed=bool(is_needed),
        may_have_it=frozenset(gateway.decode() for gateway in gateways),
        deaths=int(deaths),
        holders=tuple(holders.decode().split()),
    )
