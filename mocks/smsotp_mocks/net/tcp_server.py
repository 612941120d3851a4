"""A threaded TCP server with a clean stop: the lowest layer of the mocks that speak HTTP and SMPP."""

import contextlib
import socket
import ssl
import struct
import threading
from types import TracebackType
from typing import Self

from smsotp_mocks.net.certificates import Certificates, Kind, Tls
from smsotp_mocks.net.ports import listen_on_free_port

_MOST_CONNECTIONS = 1000
_IDLE = 600.0  # seconds a connection may stay silent
_HANDSHAKE = 10.0  # seconds
_REST = 0.1  # seconds until clients are looked for again, after descriptors were used up


class TcpServer:
    """
    Listens, and runs `serve` in a thread of its own for every connection. Can be stopped and started again.

    Args:
        host: Address to listen on, IPv4 or IPv6.
        port: 0 takes a free one, and keeps it for the next `start`.
        tls: What to present; None: no TLS. With `Certificates` it is asked `certificate_kind` for each client.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, tls: Tls | None = None) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}

    @property
    def authority(self) -> str:
        """The address as it stands in a URL: ``127.0.0.1:8080`` or ``[::1]:8080``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        with self._lock:
            return len(self._connections)

    def serve(self, connection: socket.socket) -> None:
        """Talk to one client until it has gone. Runs in its own thread; OSError ends it quietly."""
        raise NotImplementedError

    def certificate_kind(self) -> Kind:
        """Return which certificate the next client is shown."""
        return "good"

    def before_stop(self) -> None:
        """End everything that may keep `serve` waiting for something other than the client."""

    def start(self) -> Self:
        """
        Listen.

        Raises:
            OSError: The port is taken, or the address is not this machine's.
        """
        if self._listener is not None:
            return self
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        if self.port:
            listener = socket.create_server((self.host, self.port), family=family, backlog=128)
        else:
            listener = listen_on_free_port(self.host, family=family, backlog=128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._ending.clear()
        self._acceptor = threading.Thread(
            target=self._accept, args=(listener,), name=f"{type(self).__name__}-accept", daemon=True
        )
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close the listener and every connection, and wait until their threads have ended."""
        listener, self._listener = self._listener, None
        if listener is None or self._acceptor is None:
            return
        self._ending.set()
        try:
            # Closing alone does not wake a thread that is blocked in accept().
            listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            # A system on which closing does.
            listener.close()
        self._acceptor.join()
        # Only now: before, that thread could ask whatever socket got the number of this one.
        listener.close()
        self.before_stop()
        self.drop_connections()
        with self._lock:
            threads = list(self._connections)
        for thread in threads:
            thread.join()

    def drop_connections(self) -> None:
        """Close the connections of all clients; the server goes on listening."""
        with self._lock:
            for connection in self._connections.values():
                with contextlib.suppress(OSError):
                    # Not SSLSocket.shutdown: its thread would go on without TLS.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                if self._ending.wait(_REST):
                    return
                continue
            with self._lock:
                if len(self._connections) >= _MOST_CONNECTIONS or self._listener is not listener:
                    connection.close()
                    continue
                self._admit(connection)

    def _admit(self, connection: socket.socket) -> None:
        """Start a thread for a client; for whoever holds the lock."""
        thread = threading.Thread(
            target=self._run, args=(connection,), name=f"{type(self).__name__}-client", daemon=True
        )
        self._connections[thread] = connection
        try:
            thread.start()
        except RuntimeError:
            # No further thread can be started.
            del self._connections[thread]
            connection.close()

    def _run(self, plain: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError):
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                plain.settimeout(_IDLE)
                self.serve(plain if self.tls is None else self.encrypt(plain, self.tls))
        finally:
            with self._lock:
                connection = self._connections.pop(threading.current_thread())
            connection.close()
            plain.close()

    def encrypt(self, plain: socket.socket, tls: Tls) -> socket.socket:
        """
        Turn the connection of the calling thread to TLS; return the socket that replaces it.

        Raises:
            OSError: The client did not like what it was shown.
        """
        plain.settimeout(_HANDSHAKE)
        context = tls.server_context(self.certificate_kind()) if isinstance(tls, Certificates) else tls
        connection = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        # The wrapped socket has taken over the file descriptor, so it is the one that stop() has to shut down.
        with self._lock:
            self._connections[threading.current_thread()] = connection
        try:
            connection.do_handshake()
        except OSError:
            connection.close()
            raise
        connection.settimeout(_IDLE)
        return connection


def reset(connection: socket.socket) -> None:
    """Close a connection so that the peer sees a reset (RST), not an orderly end."""
    linger_for_no_time = struct.pack("ii", 1, 0)
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time)
    # A wrapped (TLS) socket would say goodbye first; the bare descriptor does not.
    with contextlib.suppress(OSError):
        socket.socket(fileno=connection.detach()).close()


def finish(connection: socket.socket) -> None:
    """Say that nothing more comes; over TLS with a proper goodbye, so that it is not taken for an attack."""
    with contextlib.suppress(OSError, ValueError):
        if isinstance(connection, ssl.SSLSocket):
            connection.unwrap()
        else:
            connection.shutdown(socket.SHUT_WR)
