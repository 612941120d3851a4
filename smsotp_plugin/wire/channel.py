"""
A TCP connection, with TLS if wanted, in which every wait ends at a deadline that is handed in.

Counts the time of connecting, of the TLS handshake and of each single read against the same deadline, so that a peer
that sends one byte a second cannot hold a thread. Knows nothing of what is said on it.
"""

import contextlib
import socket
import ssl

from smsotp_plugin.clock import Deadline
from smsotp_plugin.wire.resolve import RESOLVER

#: RFC 5321 section 4.5.3.1.5 allows 512 octets in a line; servers with longer greetings exist.
_LONGEST_LINE = 2048


class Broken(Exception):
    """The connection cannot be used (any more). The text is fit for the log."""


class Silent(Broken):
    """The deadline passed."""


class Channel:
    """
    One connection, used by one thread at a time, except for `abort`.

    Args:
        peer: What errors call the other side.
    """

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._socket: socket.socket | None = None
        self._received = bytearray()
        self._aborted = False

    def connect(self, host: str, port: int, deadline: Deadline) -> None:
        """
        Connect to the first address of a name that answers.

        Raises:
            Broken: None does. Each address gets its share of the time.
        """
        try:
            addresses = RESOLVER.resolve(host, port, deadline, lambda: self._aborted)
        except (OSError, UnicodeError) as exc:
            raise Broken(f"{host} cannot be resolved: {_reason(exc)}") from exc
        failure = Broken(f"{host} has no address")
        for tried, (family, kind, protocol, _, address) in enumerate(addresses):
            self.close()
            self._socket = socket.socket(family, kind, protocol)
            share = Deadline.after(deadline.remaining() / (len(addresses) - tried), deadline.clock)
            try:
                self._limited(share).connect(address)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except (OSError, Broken) as exc:
                failure = Broken(f"no connection to {self._peer}: {_reason(exc)}")
            else:
                return
        raise failure

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
        try:
            # From here on the new socket owns the connection, also when the handshake fails.
            self._socket = encrypted = context.wrap_socket(
                self._limited(deadline), server_hostname=host, do_handshake_on_connect=False
            )
            self._limited(deadline)
            encrypted.do_handshake()
        except (OSError, ValueError) as exc:
            raise Broken(f"no TLS with {self._peer}: {_reason(exc)}") from exc

    def write(self, data: bytes, deadline: Deadline) -> None:
        """
        Hand all bytes to the operating system.

        Raises:
            Broken: A part of them at most was handed over.
        """
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._limited(deadline).send(rest) :]
        except TimeoutError:
            raise self._silent() from None
        except OSError as exc:
            raise self._lost(exc) from exc

    def read_line(self, deadline: Deadline) -> bytes:
        """
        Return the next line without its end (CRLF, or LF alone).

        Raises:
            Broken: There is none, or it is longer than any honest one.
        """
        while (end := self._received.find(b"\n")) < 0:
            if len(self._received) > _LONGEST_LINE:
                raise Broken(f"{self._peer} sent an endless line")
            try:
                received = self._limited(deadline).recv(_LONGEST_LINE)
            except TimeoutError:
                raise self._silent() from None
            except OSError as exc:
                raise self._lost(exc) from exc
            if not received:
                raise Broken(f"{self._peer} closed the connection")
            self._received += received
        line = bytes(self._received[:end]).rstrip(b"\r")
        del self._received[: end + 1]
        return line

    def quiet(self) -> bool:
        """Tell, without a word to the peer, whether it is still there and has said nothing unasked."""
        if self._socket is None or self._received:
            return False
        self._socket.settimeout(0)
        try:
            self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def own_address(self) -> str:
        """Return the numeric address of our end."""
        assert self._socket is not None
        address: str = self._socket.getsockname()[0]
        return address.partition("%")[0]

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()

    def abort(self) -> None:
        """End whatever another thread does with this connection; that thread closes it."""
        self._aborted = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown: that pulls the TLS state away under the other thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _limited(self, deadline: Deadline) -> socket.socket:
        """Return the socket, set to wait until the deadline and no longer."""
        assert self._socket is not None
        remaining = deadline.remaining()
        if self._aborted:
            raise Broken("the gateway is being closed")
        if remaining <= 0:
            raise self._silent()
        self._socket.settimeout(remaining)
        return self._socket

    def _silent(self) -> Silent:
        return Silent(f"{self._peer} did not answer in time")

    def _lost(self, exc: OSError) -> Broken:
        return Broken(f"connection to {self._peer} lost: {_reason(exc)}")


def _reason(exc: Exception) -> str:
    """Say what a system error was, in words that cannot hold what was sent."""
    match exc:
        case Broken():
            return str(exc)
        case ssl.SSLCertVerificationError():
            return f"the certificate is not accepted: {exc.verify_message}"
        case ssl.SSLError():
            return str(exc.reason or "TLS failure").lower().replace("_", " ")
        case TimeoutError():
            return "no answer in time"
        case OSError(strerror=str(words)):
            return words
    return type(exc).__name__
