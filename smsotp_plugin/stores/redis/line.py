"""
One connection to one Redis, in which everything ends at a deadline that is handed in.

The bytes are hiredis's. redis-py, which has it too, knows no deadline that covers the name look-up, TLS and the greeting together,
and costs 20 MB, a quarter of a second at the start and three times the time for each call.
"""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import hiredis

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import StoreError
from smsotp_plugin.log import make_printable
from smsotp_plugin.stores.redis.address import RedisPlace
from smsotp_plugin.wire.channel import Broken, Channel

#: A word of a command.
Word = str | bytes | int
#: An answer: None, a text, a number or several of these. An error is a `ReplyError`, also within an answer.
Reply = object
ReplyError = hiredis.ReplyError

_LONGEST_REASON = 200
#: Its type hints say that a command is one word.
_pack = cast("Callable[[tuple[Any, ...]], bytes]", hiredis.pack_command)


@dataclass(frozen=True, slots=True)
class Access:
    """
    As whom, and how, servers are spoken to.

    Attributes:
        username: Empty for the default user.
        password: Empty for none.
        database: Its number.
        tls: Which certificates are accepted; None: in clear.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    database: int = 0
    tls: ssl.SSLContext | None = None

    def greeting(self) -> list[tuple[Word, ...]]:
        """Return the commands that a connection begins with."""
        commands: list[tuple[Word, ...]] = []
        if self.password:
            commands.append(("AUTH", *filter(None, [self.username]), self.password))
        if self.database:
            commands.append(("SELECT", self.database))
        return commands


class Line:
    """
    One connection, used by one thread at a time.

    Args:
        place: Of the server.
    """

    def __init__(self, place: RedisPlace) -> None:
        self.place = place
        self._channel = Channel(f"Redis at {place}")
        self._reader = hiredis.Reader()

    def open(self, access: Access, commands: Sequence[tuple[Word, ...]], deadline: Deadline) -> list[Reply]:
        """
        Connect, say who we are, and ask something, all in one go.

        Returns:
            The answers to `commands`.

        Raises:
            Broken: There is no connection.
            StoreError: We may not use this server.
        """
        place, greeting = self.place, access.greeting()
        if place.path:
            self._channel.connect_inside(place.path, deadline)
        else:
            self._channel.connect(place.host, place.port, deadline)
        if access.tls is not None:
            self._channel.encrypt(access.tls, place.host, deadline)
        replies = self.ask([*greeting, *commands], deadline)
        for reply in replies[: len(greeting)]:
            if isinstance(reply, ReplyError):
                raise StoreError(f"Redis at {place} does not let us in: {explain(reply)}")
        return replies[len(greeting) :]

    def ask(self, commands: Sequence[tuple[Word, ...]], deadline: Deadline) -> list[Reply]:
        """
        Send commands in one piece and return the answers.

        Raises:
            Broken: They did not all come; the commands may have been carried out.
        """
        self._channel.write(b"".join(map(_pack, commands)), deadline)
        return [self._read(deadline) for _ in commands]

    def is_quiet(self) -> bool:
        """Tell, without a word to the server, whether it is still there."""
        return self._channel.quiet()

    def close(self) -> None:
        self._channel.close()

    def _read(self, deadline: Deadline) -> Reply:
        while True:
            try:
                reply = self._reader.gets()
            except hiredis.ProtocolError as exc:
                raise Broken(f"Redis at {self.place} answers in another protocol") from exc
            if reply is not False:
                return reply
            received = self._channel.receive(deadline)
            if not received:
                raise Broken(f"Redis at {self.place} closed the connection")
            self._reader.feed(received)


def explain(error: Exception) -> str:
    """Return what Redis says, without what it repeats of our words."""
    return make_printable(str(error).partition(", with args")[0])[:_LONGEST_REASON]
