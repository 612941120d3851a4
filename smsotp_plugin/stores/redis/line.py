"""
One connection to one Redis: that of redis-py, on a socket on which everything ends at a given deadline.

redis-py makes the greeting and knows the errors. By itself it bounds each wait, but neither the name look-up nor the sum of all
waits: a server that sends a byte now and then would hold a log-in for ever. So it is given a `Channel` in place of a socket.
After the greeting, commands and answers bypass redis-py: hiredis alone takes a fifth of the time.
"""

import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import hiredis
from redis import AuthenticationError, Connection, InvalidResponse, RedisError, ResponseError
from redis.exceptions import ClusterDownError

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import StoreError
from smsotp_plugin.log import make_printable
from smsotp_plugin.stores.redis.address import RedisPlace
from smsotp_plugin.wire.channel import LARGEST_PIECE, Broken, Channel

#: A word of a command.
Word = str | bytes | int
#: An answer: None, a text, a number or several of these. An error is a `ReplyError`, also within an answer.
Reply = object
ReplyError = ResponseError

#: Raised by redis-py if an answer is not one, begins like a known one but goes on differently, or says that billions follow.
_GARBAGE = (InvalidResponse, LookupError, MemoryError, RecursionError, TypeError, ValueError)
#: What Redis 6.2 puts before the error of a command in a script: its place, once more if it ended the script, and a hyphen.
_PLACE_IN_SCRIPT = re.compile(
    r"\A(?:ERR Error running script \(call to \w+\): @user_script:\d+: )?(?:@user_script: \d+: )?-?(?=[A-Z]+ )"
)
#: What a node of a Cluster says to a command in a script, where for any other command it has an error with a code of its own.
_NOT_IN_CLUSTER = re.compile(
    r"[Ss]cript attempted to (?:execute a (?:write )?command while the cluster is down|access a (?:non local key|slot not served))"
)
_LONGEST_REASON = 200
_INCOMPLETE = object()
#: Its type hints say that a command is one word.
_pack = cast("Callable[[tuple[Word, ...]], bytes]", hiredis.pack_command)


@dataclass(frozen=True, slots=True)
class Access:
    """
    As which user, and how, to talk to servers.

    Attributes:
        username: Empty for the default user.
        password: Empty for none.
        database: Its number.
        tls: Which certificates are accepted; None: without TLS.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    database: int = 0
    tls: ssl.SSLContext | None = None


class _Socket(Channel):
    """The part of a socket that redis-py uses."""

    deadline: Deadline

    def sendall(self, data: bytes) -> None:
        self.write(data, self.deadline)

    def recv_into(self, buffer: bytearray) -> int:
        if not (received := self.receive(self.deadline)):
            raise Broken(f"{self._peer} closed the connection")
        buffer[: len(received)] = received
        return len(received)

    def shutdown(self, how: int) -> None:
        """Do nothing: the socket is closed next."""


class Line(Connection):
    """
    One connection, used by one thread at a time. It is made when the first command is sent.

    Args:
        place: Where the server is.
        access: As which user, and how, to talk to it.
    """

    def __init__(self, place: RedisPlace, access: Access) -> None:
        super().__init__(
            host=place.host,
            port=place.port,
            username=access.username or None,
            password=access.password or None,
            db=access.database,
            protocol=2,
            # Otherwise it would say on each connection which library it is, in two more round trips.
            driver_info=None,
            encoding_errors="replace",
            socket_read_size=LARGEST_PIECE,
        )
        self.place = place
        self._tls = access.tls
        self._channel = _Socket(f"Redis at {place}")
        #: None until it has been greeted.
        self._replies: hiredis.Reader | None = None

    def ask(self, commands: Sequence[tuple[Word, ...]], deadline: Deadline) -> list[Reply]:
        """
        Send commands in one piece and return the answers.

        Raises:
            Broken: Not all answers came; the commands may have been carried out.
            StoreError: We may not use this server.
        """
        packed = b"".join(map(_pack, commands))
        try:
            replies = self._replies or self._greet(deadline)
            self._channel.write(packed, deadline)
            return [self._read(replies, deadline) for _ in commands]
        except (AuthenticationError, ResponseError) as exc:
            raise StoreError(f"Redis at {self.place} does not let us in: {explain(exc)}") from exc
        except _GARBAGE as exc:
            raise Broken(f"Redis at {self.place} answers in another protocol") from exc
        except RedisError as exc:
            raise Broken(f"Redis at {self.place} does not serve now: {explain(exc)}") from exc

    def is_quiet(self) -> bool:
        """Tell, without asking the server, whether it is still there and has said nothing unasked."""
        return self._replies is not None and not self._replies.has_data() and self._channel.quiet()

    def close(self) -> None:
        self._channel.close()

    def _connect(self) -> _Socket:
        channel, place = self._channel, self.place
        if place.path:
            channel.connect_inside(place.path, channel.deadline)
        else:
            channel.connect(place.host, place.port, channel.deadline, self._tls)
        return channel

    def _greet(self, deadline: Deadline) -> hiredis.Reader:
        self._channel.deadline = deadline
        self.connect_check_health(check_health=False)
        self._replies = hiredis.Reader(
            protocolError=InvalidResponse,
            replyError=self._read_error,
            errors="replace",
            notEnoughData=_INCOMPLETE,
        )
        return self._replies

    def _read_error(self, text: str) -> RedisError:
        """Return the error of an answer in one form: for commands in a script as for any other, and for all versions."""
        if _NOT_IN_CLUSTER.search(text):
            return ClusterDownError(text)
        error: RedisError = self._parser.parse_error(_PLACE_IN_SCRIPT.sub("", text).rstrip())
        return error

    def _read(self, replies: hiredis.Reader, deadline: Deadline) -> Reply:
        while (reply := replies.gets()) is _INCOMPLETE:
            if not (received := self._channel.receive(deadline)):
                raise Broken(f"Redis at {self.place} closed the connection")
            replies.feed(received)
        if isinstance(reply, RedisError) and not isinstance(reply, ResponseError):
            # It concerns the connection.
            raise reply
        if isinstance(reply, hiredis.PushNotification):
            raise InvalidResponse("something that nobody has asked for")
        return reply


def explain(error: RedisError) -> str:
    """Return what Redis says, without our own words that it repeats."""
    text = " ".join(filter(None, [error.status_code, str(error)]))
    return make_printable(text.partition(", with args")[0])[:_LONGEST_REASON]
