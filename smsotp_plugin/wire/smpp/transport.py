"""
The socket under an SMPP session: TCP or TLS, IPv4 or IPv6, never blocking, and a bell to wake who waits for it.

Knows nothing of SMPP. Belongs to one thread, except for the bell: OpenSSL allows one thread at a time on a connection.
"""

import errno
import os
import select
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import ConnectFailed
from smsotp_plugin.wire.reasons import find_reason
from smsotp_plugin.wire.resolve import RESOLVER
from smsotp_plugin.wire.tls import find_certified_name

_PIECE = 65536


class Interrupted(Exception):
    """The transport is being closed."""


@dataclass(frozen=True, slots=True)
class SmscAddress:
    """
    Where the SMSC is.

    Attributes:
        host: Name or address; with TLS the certificate must be made out to it.
        port: 1 to 65535.
        tls: How its certificate is checked, or None for a connection in clear.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class SmppTransport:
    """One connection at a time, to one SMSC. `wake` and `interrupt` may be called from any thread."""

    def __init__(self, smsc: SmscAddress) -> None:
        self._smsc = smsc
        self._socket: socket.socket | None = None
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._interrupted = False
        #: Held by whoever rings or closes the bell: its number may be that of another file as soon as it is closed.
        self._ringing = threading.Lock()

    def connect(self, deadline: Deadline) -> None:
        """
        Connect to the first address that answers, with TLS if wanted.

        Raises:
            ConnectFailed: None does. Each address gets its share of the time. Its cause is that of the last one.
            Interrupted: `interrupt` was called.
        """
        try:
            addresses = RESOLVER.resolve(
                self._smsc.host, self._smsc.port, deadline, lambda: self._interrupted
            )
        except (OSError, UnicodeError) as exc:
            raise ConnectFailed(f"{self._smsc.host} cannot be resolved: {find_reason(exc)}") from exc
        failure = ConnectFailed(f"{self._smsc.host} has no address")
        for tried, (family, kind, protocol, _, address) in enumerate(addresses):
            share = Deadline.after(deadline.remaining() / (len(addresses) - tried), deadline.clock)
            try:
                self._socket = socket.socket(family, kind, protocol)
                self._reach(self._socket, address, share)
                self._encrypt(self._socket, share)
            except (OSError, ValueError) as exc:
                self.disconnect()
                failure = ConnectFailed(f"no connection to {self._smsc}: {find_reason(exc)}")
                failure.__cause__ = exc
            except Interrupted:
                self.disconnect()
                raise
            else:
                return
        raise failure

    def send(self, data: memoryview) -> int:
        """
        Hand bytes to the operating system.

        Returns:
            How many it took; 0 when it takes none now.

        Raises:
            OSError: The connection is lost.
        """
        try:
            return self._open_socket().send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def receive(self) -> bytes | None:
        """
        Return what has come, empty when the peer has closed, None when nothing is there.

        Raises:
            OSError: The connection is lost.
        """
        try:
            return self._open_socket().recv(_PIECE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    def wait(self, seconds: float | None, *, writing: bool = False) -> None:
        """
        Wait until there may be something to read, or room to write if wanted, or the bell rings, or time is over.

        Args:
            seconds: How long, or None for no limit.
            writing: Whether room to write is waited for.
        """
        poll = select.poll()
        poll.register(self._ear, select.POLLIN)
        if self._socket is not None:
            poll.register(self._socket, select.POLLIN | (select.POLLOUT if writing else 0))
        ready = poll.poll(None if seconds is None else max(0.0, seconds) * 1000)
        if any(number == self._ear.fileno() for number, _ in ready):
            self._ear.recv(_PIECE)

    def wake(self) -> None:
        """Let `wait` return."""
        with self._ringing, suppress(OSError):  # it has rung often enough, or the transport is closed
            self._bell.send(b"!")

    def interrupt(self) -> None:
        """Let `connect` give up."""
        self._interrupted = True
        self.wake()

    def disconnect(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Close everything."""
        self.disconnect()
        with self._ringing:
            self._ear.close()
            self._bell.close()

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self._socket

    def _reach(self, connection: socket.socket, address: Any, deadline: Deadline) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        failure = connection.connect_ex(address)
        if failure == errno.EINPROGRESS:
            self._wait_until_ready(connection, select.POLLOUT, deadline)
            failure = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))

    def _encrypt(self, connection: socket.socket, deadline: Deadline) -> None:
        if self._smsc.tls is None:
            return
        # From here on the new socket owns the connection, also when the handshake fails.
        self._socket = encrypted = self._smsc.tls.wrap_socket(
            connection, server_hostname=find_certified_name(self._smsc.host), do_handshake_on_connect=False
        )
        while True:
            try:
                encrypted.do_handshake()
            except ssl.SSLWantReadError:
                self._wait_until_ready(encrypted, select.POLLIN, deadline)
            except ssl.SSLWantWriteError:
                self._wait_until_ready(encrypted, select.POLLOUT, deadline)
            else:
                return

    def _wait_until_ready(self, connection: socket.socket, events: int, deadline: Deadline) -> None:
        poll = select.poll()
        poll.register(self._ear, select.POLLIN)
        poll.register(connection, events)
        while not self._interrupted:
            ready = [number for number, _ in poll.poll(deadline.remaining() * 1000)]
            if connection.fileno() in ready:
                return
            if not ready:
                raise TimeoutError(errno.ETIMEDOUT, "no answer in time")
            self._ear.recv(_PIECE)
        raise Interrupted
