"""The changes of the store: one Lua script each, in a file of its own, which Redis runs as one step."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import cast

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.redis.line import Reply, ReplyError, Word, explain
from smsotp_plugin.stores.redis.link import Command, Link

#: How many keys Redis looks at in one go.
_LOOK = 1000
#: All scripts, and what is put before each, besides `shared`.
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "answer": ("tallies",),
    "begin_attempts": ("messages",),
    "compare_keys": ("keys",),
    "count": (),
    "end_attempt": (),
    "erase": (),
    "find": (),
    "find_own": ("messages",),
    "find_same": (),
    "forget_messages": (),
    "known_place": ("tallies",),
    "leave": ("keys",),
    "mark_undelivered": (),
    "open": ("agreed", "budgets"),
    "post": (),
    "queue_view": (),
    "record": (),
    "report": (),
    "resend": ("agreed", "budgets"),
    "spend": ("agreed", "budgets"),
    "standing": ("tallies",),
    "steady": ("agreed",),
    "take_back": (),
    "take_from_queue": ("messages",),
    "take_over": ("messages", "keys"),
    "tell_fate": (),
    "trace": (),
    "unlock": ("tallies",),
    "unwatch": ("tallies",),
}


@cache
def read_script(name: str) -> tuple[bytes, str]:
    """Return the text of a script and its SHA-1, by which Redis knows it."""
    folder = files(__package__).joinpath("lua")
    parts = ("shared", *SCRIPTS[name], name)
    text = b"\n".join(folder.joinpath(f"{part}.lua").read_bytes() for part in parts)
    return text, sha1(text, usedforsecurity=False).hexdigest()


class Scripts:
    """
    Runs them.

    Args:
        link: The way to Redis.
        prefix: Begins all keys, in braces.
        clock: Time of the caller.
        turn: The store's own clock, in Unix seconds; None: that of Redis.
    """

    def __init__(
        self, link: Link, prefix: str, clock: Clock, turn: Callable[[], float] | None = None
    ) -> None:
        self._link = link
        self._prefix = f"{{{prefix}}}:"
        self._clock = clock
        self._turn = turn
        # Read now, so that no log-in needs the files: a package may be replaced while the server runs.
        for name in SCRIPTS:
            read_script(name)

    @property
    def generation(self) -> int:
        """See `Link.generation`."""
        return self._link.generation

    def key(self, name: str) -> str:
        """Return the whole name of a key."""
        return self._prefix + name

    def scan(self, beginning: str = "") -> Iterator[str]:
        """
        Yield the names, without the prefix, of all keys that begin like this; each key that is there all the time comes at least once.

        Raises:
            StoreError: Redis does not answer, or with an error.
        """
        cursor, seen = b"0", set[bytes]()
        while True:
            words = ("SCAN", cursor, "MATCH", f"{self._prefix}{beginning}*", "COUNT", _LOOK)
            (reply,) = self._link.call(Command(words))
            cursor, keys = cast("tuple[bytes, list[bytes]]", check(reply))
            new = dict.fromkeys(key for key in keys if key not in seen)
            seen.update(new)
            yield from (key.decode().removeprefix(self._prefix) for key in new)
            if cursor == b"0":
                return

    def command(
        self, name: str, keys: Sequence[str], *words: Word | float, now: float | None = None
    ) -> Command:
        """
        Make a command of a script.

        Args:
            name: Of the script.
            keys: The keys that it is about, without the prefix.
            words: What it is told, from ``ARGV[5]`` on.
            now: The moment of the request, in Unix seconds; None: the present one.
        """
        text, digest = read_script(name)
        here = self._clock.time()
        asked = here if now is None else now
        turn = "" if self._turn is None else repr(self._turn())
        sent = (
            "EVALSHA",
            digest,
            len(keys),
            *[self._prefix + key for key in keys],
            *(turn, self._prefix, repr(asked), repr(here - asked)),
            # Lists take two thirds of the time of generators.
            *[repr(word) if isinstance(word, float) else word for word in words],
        )
        return Command(sent, text)

    def run(
        self,
        name: str,
        keys: Sequence[str],
        *words: Word | float,
        now: float | None = None,
    ) -> Reply:
        """
        Run one script; see `command`.

        Raises:
            StoreError: Redis does not answer, or with an error.
        """
        (reply,) = self._link.call(self.command(name, keys, *words, now=now))
        return check(reply)

    def run_all(self, commands: Sequence[Command]) -> list[Reply]:
        """
        Run commands in one round trip.

        Raises:
            StoreError: Redis does not answer; some of them may have been run.
        """
        return self._link.call(*commands)

    def ask(self, command: str, *words: Word, key: str) -> Reply:
        """
        Run a command that is not a script, about one key.

        Raises:
            StoreError: As above.
        """
        (reply,) = self._link.call(Command((command, self._prefix + key, *words)))
        return check(reply)


def check(reply: Reply) -> Reply:
    """
    Return an answer, unless it is a refusal.

    Raises:
        StoreError: Redis refuses.
    """
    if isinstance(reply, ReplyError):
        raise refusal(reply)
    return reply


def refusal(error: ReplyError) -> StoreError:
    """Return what to raise if Redis refuses."""
    return StoreError(f"Redis refuses: {explain(error)}")
