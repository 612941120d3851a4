"""A mail server for the SMTP wire that says what a test wants, and the pool that speaks to it."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from io import BufferedReader

import pytest

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.wire.smtp.pool import Mail, MailServer, SmtpPool

CLOCK = SystemClock()
MAIL = Mail("otp@example.com", "sms@example.net", b"Subject: x\r\n\r\n.123456\r\n")
GOOD = {
    "": b"220 ready\r\n",
    "EHLO": b"250-here\r\n250-STARTTLS\r\n250 AUTH LOGIN PLAIN\r\n",
    "STARTTLS": b"220 go\r\n",
    "DATA": b"354 go on\r\n",
    ".": b"250 2.0.0 Ok: queued as 4F1\r\n",
    "QUIT": b"221 bye\r\n",
    "AUTH": b"235 welcome\r\n",
}
HANG = b"HANG"
CLOSE = b"CLOSE"


Replies = dict[str, bytes | dict[bytes, bytes]]


class Server:
    """Answers each verb, or each line of a verb, with the given bytes; `HANG` says nothing, `CLOSE` hangs up."""

    def __init__(
        self, replies: Replies, tls: ssl.SSLContext | None = None, *, implicit: bool = False
    ) -> None:
        self.implicit = implicit
        self.replies: Replies = {**GOOD, **replies}
        self.tls = tls
        self.lines: list[bytes] = []
        self.connections = 0
        self.hanging = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self.connections += 1
                self._open.append(peer)
                self._threads.append(threading.Thread(target=self._serve, args=(peer,)))
                self._threads[-1].start()

    def _serve(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self.implicit and self.tls:
                peer = self.tls.wrap_socket(peer, server_side=True)
                self._open.append(peer)
            self._say(peer, self._reply_to("", b""))
            self._talk(peer)
        peer.close()

    def _talk(self, peer: socket.socket) -> None:
        reader = peer.makefile("rb")
        with reader:
            for line in reader:
                self.lines.append(line)
                verb = line.strip().split(b" ")[0].decode("latin-1")
                self._say(peer, self._reply_to(verb, line.strip()))
                if verb == "STARTTLS" and self.tls:
                    with self.tls.wrap_socket(peer, server_side=True) as encrypted:
                        self._talk(encrypted)
                    return
                if verb == "DATA" and self._reply_to("DATA", b"").startswith(b"354"):
                    self._read_content(reader)
                    self._say(peer, self._reply_to(".", b""))

    def _reply_to(self, verb: str, line: bytes) -> bytes:
        reply = self.replies.get(verb, b"250 ok\r\n")
        return reply if isinstance(reply, bytes) else reply[line]

    def _read_content(self, reader: BufferedReader) -> None:
        for line in iter(reader.readline, b""):
            self.lines.append(line)
            if line == b".\r\n":
                return

    def _say(self, peer: socket.socket, reply: bytes) -> None:
        if reply == CLOSE:
            peer.shutdown(socket.SHUT_RDWR)
        elif reply == HANG:
            self.hanging.set()
        else:
            peer.sendall(reply)

    def hang_up(self) -> None:
        for peer in self._open:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Hang up, once what has been received is read; may be called again."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        self.hang_up()
        for thread in self._threads[1:]:
            thread.join()


Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def start_server(
            tls: ssl.SSLContext | None = None,
            *,
            implicit: bool = False,
            **replies: bytes | dict[bytes, bytes],
        ) -> Server:
            named = {"greeting": "", "content": "."}
            server = Server(
                {named.get(verb, verb): reply for verb, reply in replies.items()}, tls, implicit=implicit
            )
            stack.callback(server.stop)
            return server

        yield start_server


@pytest.fixture
def pool_to() -> Iterator[Callable[..., SmtpPool]]:
    with contextlib.ExitStack() as stack:

        def make(server: Server, **endpoint: object) -> SmtpPool:
            settings: dict[str, object] = {"host": "127.0.0.1", "port": server.port, "tls": None} | endpoint
            pool = SmtpPool(MailServer(**settings), CLOCK, keep=2)  # type: ignore[arg-type]
            stack.callback(pool.close)
            return pool

        yield make


PoolTo = Callable[..., SmtpPool]


def soon() -> Deadline:
    return Deadline.after(30, CLOCK)


def at_once() -> Deadline:
    return Deadline.after(0.3, CLOCK)
