"""
HTTP/1.1 connections that hold one deadline and one limit of bytes for a whole exchange.

Name resolution alone is not limited: `getaddrinfo` has the limits of the system's resolver.

`requests` and `urllib3` limit each single read: a peer that drips one byte at a time holds them for ever. Here every
connect, write and read gets what is left of the deadline, in the answer's head, its body and a proxy's answer alike.
The connection also counts how much of the request has left, which decides whether a failure is certain.

See RFC 9112 (HTTP/1.1) and RFC 9110 section 9.3.6 (CONNECT).
"""

import io
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from smsotp_plugin.clock import Deadline

#: Bytes of one answer as they come over the wire: 64 KiB of body, as much for head and framing, and some to spare.
MOST_RECEIVED = 160 * 1024
#: A TLS record (RFC 8446 section 5.1); larger pieces would leave the socket several waits for one limit.
_MOST_WRITTEN = 16 * 1024


class AnswerTooLong(HTTPException):
    """The peer sent more than `MOST_RECEIVED` bytes."""


class AnswerCut(HTTPException):
    """The peer closed the connection inside the head of its answer."""


@dataclass(slots=True)
class Exchange:
    """
    What one exchange may use, and how far it has come.

    Attributes:
        deadline: For connecting, writing and reading together.
        connect_limit: Seconds for connecting (TCP, proxy and TLS together), or None.
        read_limit: Seconds of silence while the answer is awaited, or None.
        written: Bytes of the request that have left, without those that were meant for a proxy.
        received: Bytes that have come.
    """

    deadline: Deadline
    connect_limit: float | None = None
    read_limit: float | None = None
    written: int = 0
    received: int = 0

    def connecting(self) -> "Exchange":
        """Return the same exchange with the earlier end that holds while a connection is made."""
        if self.connect_limit is not None:
            end = Deadline.after(self.connect_limit, self.deadline.clock)
            self.deadline = min(self.deadline, end, key=lambda deadline: deadline.at)
        return self

    def left(self, limit: float | None = None) -> float:
        """
        Return the seconds that the next step may wait.

        Raises:
            TimeoutError: None are left.
        """
        left = self.deadline.remaining()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left if limit is None else min(left, limit)


@dataclass(slots=True)
class Lane:
    """
    What a connection shares with the wire that uses it: one exchange at a time.

    Attributes:
        exchange: The one under way, None between two.
        sock: The newest socket, perhaps closed by now, for `shut` from another thread.
        connection: The newest connection, perhaps closed by now.
    """

    exchange: Exchange | None = None
    sock: socket.socket | None = field(default=None, repr=False)
    connection: HTTPConnection | None = field(default=None, repr=False)

    def current(self) -> Exchange:
        """Return the exchange under way."""
        assert self.exchange is not None, "a connection is used outside of an exchange"
        return self.exchange

    def drop(self) -> None:
        """Close the connection; the next exchange makes a new one."""
        if self.connection is not None:
            self.connection.close()

    def shut(self) -> None:
        """Wake the thread that waits on the connection, if there is one: it sees the connection end."""
        if isinstance(self.sock, socket.socket):
            with suppress(OSError):
                # Not SSLSocket.shutdown: it drops the TLS layer under the feet of the thread that reads.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _TimedReader(io.RawIOBase):
    """Reads from a socket with what is left of the deadline, up to the limit of bytes."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._sock = sock
        self._raw: io.RawIOBase = sock.makefile("rb", buffering=0)
        self._exchange = exchange
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        exchange = self._exchange
        self._sock.settimeout(exchange.left(exchange.read_limit))
        count = self._raw.readinto(buffer) or 0
        exchange.received += count
        if exchange.received > MOST_RECEIVED:
            raise AnswerTooLong(f"more than {MOST_RECEIVED} bytes")
        self.ended = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


@dataclass(slots=True)
class _Source:
    """What `http.client` takes for a socket: it only asks it for a file to read from."""

    reader: _TimedReader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self.reader)


class _BoundedResponse(HTTPResponse):
    """An answer that is read within the deadline, and whose head must be whole."""

    def __init__(self, sock: socket.socket, exchange: Exchange, method: str | None) -> None:
        self._reader = _TimedReader(sock, exchange)
        super().__init__(_Source(self._reader), method=method)  # type: ignore[arg-type]  # see _Source

    def begin(self) -> None:
        super().begin()
        # http.client takes the end of the stream for the end of the head: half a head would be a whole answer
        # without a body.
        if self._reader.ended:
            raise AnswerCut("the answer ends inside its head")


class _TimedConnection(HTTPConnection):
    """A connection that asks its lane's exchange how long it may wait."""

    def __init__(self, *args: Any, lane: Lane, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lane = lane
        self._in_request = False
        self.response_class = self._make_response  # type: ignore[assignment]  # http.client only calls it

    def _make_response(self, sock: socket.socket, *, method: str | None = None, **_: Any) -> _BoundedResponse:
        return _BoundedResponse(sock, self._lane.current(), method)

    def _new_conn(self) -> socket.socket:
        exchange = self._lane.current()
        try:
            addresses = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as exc:
            raise NameResolutionError(self.host, self, socket.gaierror(str(exc))) from exc
        failure: OSError = OSError("the name has no address")
        for number, (family, kind, protocol, _, address) in enumerate(addresses):
            sock = socket.socket(family, kind, protocol)
            try:
                # Each address gets its share, so that one that swallows packets leaves time for the next.
                sock.settimeout(exchange.left() / (len(addresses) - number))
                return self._connect_to(sock, address)
            except OSError as exc:
                sock.close()
                failure = exc
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "no connection in time") from failure
        raise NewConnectionError(self, "no connection") from failure

    def _connect_to(self, sock: socket.socket, address: Any) -> socket.socket:
        self._lane.sock = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(address)
        # The TLS handshake that may follow waits with this limit, in all (CPython's _ssl counts it down).
        sock.settimeout(self._lane.current().left())
        return sock

    def connect(self) -> None:
        self._lane.connection = self
        exchange = self._lane.current()
        whole = exchange.deadline
        exchange.connecting()
        try:
            super().connect()
        finally:
            exchange.deadline = whole
        self._lane.sock = self.sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        self._in_request = True
        try:
            super().request(*args, **kwargs)
        finally:
            self._in_request = False

    def send(self, data: Any) -> None:
        exchange = self._lane.current()
        left = memoryview(data)
        while left:
            self.sock.settimeout(exchange.left())
            count = self.sock.send(left[:_MOST_WRITTEN])
            if self._in_request:
                exchange.written += count
            left = left[count:]


class TimedHttpConnection(_TimedConnection):
    """Plain HTTP, to the gateway or to a proxy."""


class TimedHttpsConnection(_TimedConnection, HTTPSConnection):
    """HTTP over TLS, perhaps through a proxy's tunnel."""


class TimedHttpPool(HTTPConnectionPool):
    """The connection of one lane; takes the lane as keyword."""

    ConnectionCls = TimedHttpConnection


class TimedHttpsPool(HTTPSConnectionPool):
    """The TLS connection of one lane; takes the lane as keyword."""

    ConnectionCls = TimedHttpsConnection

    def _validate_conn(self, conn: Any) -> None:
        # The method of the base class also warns, with every request, of a certificate that is not checked. That is
        # the administrator's decision; ``smsotp check`` warns of it.
        if conn.is_closed:
            conn.connect()
