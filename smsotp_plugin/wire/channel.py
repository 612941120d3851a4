"""
A TCP connection, with TLS if wanted, in which every wait ends at a deadline that is handed in.

Counts the time of connecting, of the TLS handshake and of each single read against the same deadline, so that a peer
that sends one byte a second cannot hold a thread. Knows nothing of what is said on it.

The socket itself never waits: with a time limit Python makes twice as many system calls, each of which gives up the interpreter's
lock.
"""

import contextlib
import errno
import math
import os
import select
import socket
import ssl
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from smsotp_plugin.clock import Deadline
from smsotp_plugin.wire.at_once import is_silent, take
from smsotp_plugin.wire.reasons import find_reason, is_cut_off, is_not_let_in
from smsotp_plugin.wire.resolve import RESOLVER
from smsotp_plugin.wire.tls import find_certified_name

#: RFC 5321 section 4.5.3.1.5 allows 512 octets in a line; servers with longer greetings exist.
_LONGEST_LINE = 2048
#: Bytes that come at once, at most: those of a TLS record (RFC 8446 section 5.1).
LARGEST_PIECE = 16 * 1024

_T = TypeVar("_T")


class Broken(Exception):
    """The connection cannot be used (any more). The text is fit for the log."""


class Silent(Broken):
    """The deadline passed."""


class NotLetIn(Broken):
    """The peer has ended the TLS handshake after us, and so it has read nothing of what was written since."""


class InnerTls:
    """TLS inside of TLS: to a gateway, through a proxy that is itself spoken to over TLS."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=host)


class Channel:
    """
    One connection, used by one thread at a time, except for `abort`.

    Args:
        peer: What errors call the other side.

    Attributes:
        cut_off: Whether the connection ended without TLS's close_notify (RFC 8446 section 6.1): anybody on the way may have ended
            it, and more may have been said.
    """

    def __init__(self, peer: str) -> None:
        self.cut_off = False
        self._peer = peer
        self._socket: socket.socket | None = None
        self._inner: InnerTls | None = None
        self._received = bytearray()
        self._heard = False
        self._aborted = False
        #: Held by whoever closes or aborts: once a socket is closed, its number may be that of another one.
        self._ending = threading.Lock()

    def connect(self, host: str, port: int, deadline: Deadline, tls: ssl.SSLContext | None = None) -> None:
        """
        Connect to the first address of a name that answers, in TLS if that is wanted from the beginning.

        Args:
            host: Its name or address.
            port: 1 to 65535.
            deadline: When to stop waiting.
            tls: As for `encrypt`; None: in clear.

        Raises:
            Broken: None does; each address gets its share of the time to connect, and half of what is left for TLS.
        """
        try:
            addresses = RESOLVER.resolve(host, port, deadline, lambda: self._aborted)
        except (OSError, UnicodeError) as exc:
            raise Broken(f"{host} cannot be resolved: {_find_reason(exc)}") from exc
        failure = Broken(f"{host} has no address")
        for tried, (family, kind, protocol, _, address) in enumerate(addresses):
            left = len(addresses) - tried
            share = Deadline.after(deadline.remaining() / left, deadline.clock)
            try:
                # This may fail as well: no descriptor is left, or the system has no IPv6.
                self._socket = socket.socket(family, kind, protocol)
                self._connect(address, share)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except (OSError, Broken) as exc:
                self.close()
                failure = Broken(f"no connection to {self._peer}: {_find_reason(exc)}")
                continue
            if tls is None:
                return
            # A handshake takes several times as long, with all addresses where the gateway is far away or busy.
            share = Deadline.after(deadline.remaining() / min(left, 2), deadline.clock)
            try:
                self.encrypt(tls, host, share)
            except Broken as exc:
                # One of the gateway's machines may be out of order, or somebody else's.
                self.close()
                failure = exc
            else:
                return
        raise failure

    def connect_inside(self, path: str, deadline: Deadline) -> None:
        """
        Connect to a socket of this machine.

        Args:
            path: Where it is (unix(7)).
            deadline: When to stop waiting.

        Raises:
            Broken: Nobody takes the connection.
        """
        try:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._connect(path, deadline)
        except (OSError, Broken) as exc:
            self.close()
            raise Broken(f"no connection to {self._peer}: {_find_reason(exc)}") from exc

    def encrypt(self, context: ssl.SSLContext, host: str, deadline: Deadline) -> None:
        """
        Go on in TLS.

        Args:
            context: How the peer's certificate is checked.
            host: Name or address that the certificate must hold.
            deadline: Covers the handshake.

        Raises:
            Broken: The handshake failed, or the peer has sent bytes that would be taken for protected ones.
        """
        if self._received:
            raise Broken(f"{self._peer} sent bytes in clear where TLS had to begin")
        host = find_certified_name(host)
        try:
            if isinstance(self._socket, ssl.SSLSocket):
                self._inner = InnerTls(context, host)
                self._pump(self._inner.tls.do_handshake, deadline)
                return
            # From here on the new socket owns the connection, also when the handshake fails.
            assert self._socket is not None
            self._socket = encrypted = context.wrap_socket(
                self._socket,
                server_hostname=host,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
            )
            encrypted.setblocking(False)
            self._take(encrypted.do_handshake, select.POLLIN, deadline)
        except (OSError, ValueError) as exc:
            raise Broken(f"no TLS with {self._peer}: {_find_reason(exc)}") from exc

    def write(self, data: bytes, deadline: Deadline) -> None:
        """
        Hand all bytes to the operating system.

        Raises:
            Broken: At most a part of them was handed over.
        """
        try:
            if self._inner is not None:
                self._pump(partial(self._inner.tls.write, data), deadline)
                return
            self._send(data, deadline)
        except TimeoutError:
            raise self._tell_silence() from None
        except OSError as exc:
            raise self._tell_loss(exc) from exc

    def receive(self, deadline: Deadline) -> bytes:
        """
        Wait for what comes next, apart from what `read_line` has kept.

        Returns:
            At most 16 KiB, empty when the peer has said its last byte.

        Raises:
            Broken: The connection fails, or nothing comes before the deadline.
        """
        try:
            if self._inner is not None:
                received = self._pump(partial(self._inner.tls.read, LARGEST_PIECE), deadline)
            else:
                received = self._receive(deadline)
        except ssl.SSLZeroReturnError:
            return b""
        except TimeoutError:
            raise self._tell_silence() from None
        except OSError as exc:
            if not is_cut_off(exc):
                raise self._tell_loss(exc) from exc
            self.cut_off = True
            return b""
        self._heard = True
        return received

    def read_line(self, deadline: Deadline) -> bytes:
        """
        Return the next line without its end (CRLF, or LF alone).

        Raises:
            Broken: There is none, or it is longer than any honest one.
        """
        while (end := self._received.find(b"\n")) < 0:
            if len(self._received) > _LONGEST_LINE:
                raise Broken(f"{self._peer} sent an endless line")
            if not (received := self.receive(deadline)):
                raise Broken(f"{self._peer} closed the connection")
            self._received += received
        line = bytes(self._received[:end]).rstrip(b"\r")
        del self._received[: end + 1]
        return line

    def quiet(self) -> bool:
        """
        Tell whether the peer is still there and has said nothing unasked; this sends nothing.

        Raises:
            NotLetIn: It has not let us in.
        """
        if self._socket is None or self._received:
            return False
        if self._inner is None and is_silent(self._socket):
            return True
        if not isinstance(self._socket, ssl.SSLSocket):
            return False
        try:
            if self._inner is None:
                self._socket.recv(1)
            else:
                self._look_inside(self._socket, self._inner)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError as exc:
            if is_not_let_in(exc) and not self._heard:
                raise self._tell_loss(exc) from exc
        return False

    @staticmethod
    def _look_inside(outer: ssl.SSLSocket, inner: InnerTls) -> None:
        """Read a byte from the inner TLS; raises `ssl.SSLWantReadError` if nothing has come, or only a session ticket."""
        try:
            # What came with the records before it is here already.
            inner.tls.read(1)
        except ssl.SSLWantReadError:
            if received := outer.recv(LARGEST_PIECE):
                inner.incoming.write(received)
                inner.tls.read(1)

    def own_address(self) -> str:
        """Return the numeric address of our end."""
        assert self._socket is not None
        address: str = self._socket.getsockname()[0]
        return address.partition("%")[0]

    def close(self) -> None:
        """Close the socket."""
        with self._ending:
            if self._socket is not None:
                self._socket.close()

    def abort(self) -> None:
        """End whatever another thread does with this connection; that thread closes it."""
        self._aborted = True
        with self._ending, contextlib.suppress(OSError):
            if self._socket is not None:
                # Not SSLSocket.shutdown: that pulls the TLS state away under the other thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _connect(self, address: tuple[Any, ...] | str, deadline: Deadline) -> None:
        assert self._socket is not None
        self._socket.settimeout(self._find_remaining(deadline))
        self._socket.connect(address)
        self._socket.setblocking(False)

    def _send(self, data: bytes, deadline: Deadline) -> None:
        assert self._socket is not None
        rest = memoryview(data)
        while rest:
            # Gives up the interpreter's lock, unlike `take`: whoever is woken by the bytes may get this processor at once, and
            # the lock would stay held all that time.
            rest = rest[self._take(partial(self._socket.send, rest), select.POLLOUT, deadline) :]

    def _receive(self, deadline: Deadline) -> bytes:
        assert self._socket is not None
        if isinstance(self._socket, ssl.SSLSocket):
            return self._take(partial(self._socket.recv, LARGEST_PIECE), select.POLLIN, deadline)
        # Waits first, because nearly always nothing has come yet.
        self._wait(select.POLLIN, deadline)
        return self._take(partial(take, self._socket, LARGEST_PIECE), select.POLLIN, deadline)

    def _take(self, step: Callable[[], _T], awaited: int, deadline: Deadline) -> _T:
        """Take a step as soon as the socket is ready; if TLS has to read or write first, wait for that."""
        self._find_remaining(deadline)
        while True:
            try:
                return step()
            except BlockingIOError:
                event = awaited
            except ssl.SSLWantReadError:
                event = select.POLLIN
            except ssl.SSLWantWriteError:
                event = select.POLLOUT
            self._wait(event, deadline)

    def _wait(self, event: int, deadline: Deadline) -> None:
        assert self._socket is not None
        remaining = self._find_remaining(deadline)
        poll = select.poll()
        try:
            poll.register(self._socket, event)
        except ValueError:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None
        if not poll.poll(math.ceil(remaining * 1000)):
            raise TimeoutError

    def _pump(self, step: Callable[[], _T], deadline: Deadline) -> _T:
        """Take a step of the inner TLS as far as it goes, carrying its records over the outer one."""
        assert self._inner is not None
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._send(self._inner.outgoing.read(), deadline)
                if received := self._receive(deadline):
                    self._inner.incoming.write(received)
                else:
                    # What the inner TLS makes of it depends on how far it had come.
                    self._inner.incoming.write_eof()
            else:
                self._send(self._inner.outgoing.read(), deadline)
                return result

    def _find_remaining(self, deadline: Deadline) -> float:
        """Return the seconds until a deadline, while it has not passed and nobody has aborted this."""
        remaining = deadline.remaining()
        if self._aborted:
            raise Broken("the gateway is being closed")
        if remaining <= 0:
            raise self._tell_silence()
        return remaining

    def _tell_silence(self) -> Silent:
        return Silent(f"{self._peer} did not answer in time")

    def _tell_loss(self, exc: OSError) -> Broken:
        kind = NotLetIn if is_not_let_in(exc) and not self._heard else Broken
        return kind(f"connection to {self._peer} lost: {_find_reason(exc)}")


def _find_reason(exc: Exception) -> str:
    return str(exc) if isinstance(exc, Broken) else find_reason(exc)
