"""An SMSC that does exactly what a test says, PDU by PDU, on a real socket."""

import socket
import struct
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from pydantic import SecretStr

from smsotp_plugin.clock import Clock, Deadline, SystemClock
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.smpp import SmppProvider
from smsotp_plugin.providers.smpp.settings import SmppSettings
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import parse_number

CLOCK = SystemClock()
PASSWORD = "s3cr3t!!"

BIND_TRANSCEIVER, SUBMIT_SM, UNBIND, ENQUIRE_LINK = 0x09, 0x04, 0x06, 0x15
RESPONSE = 0x80000000


def pdu(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    return struct.pack(">4I", 16 + len(body), command, status, sequence) + body


class Connection:
    """One client's connection, as the SMSC sees it."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.settimeout(60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self) -> tuple[int, int, bytes]:
        """Return command, sequence number and body of the next PDU."""
        length, command, _, sequence = struct.unpack(">4I", self._exactly(16))
        return command, sequence, self._exactly(length - 16)

    def begin_to_read(self, command: int) -> None:
        """Read the beginning of a PDU of this command."""
        assert hex(struct.unpack(">4I", self._exactly(16))[1]) == hex(command)

    def expect(self, command: int) -> int:
        """Read a PDU of this command; return its sequence number."""
        found, sequence, _ = self.read()
        assert hex(found) == hex(command)
        return sequence

    def accept_bind(self) -> None:
        self.send(pdu(RESPONSE | BIND_TRANSCEIVER, self.expect(BIND_TRANSCEIVER), b"smsc\0"))

    def answer_submit(self, message_id: bytes = b"1", status: int = 0) -> None:
        self.send(pdu(RESPONSE | SUBMIT_SM, self.expect(SUBMIT_SM), message_id + b"\0", status))

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def at_end(self) -> bool:
        """Tell whether the client has closed and said nothing more."""
        return self._socket.recv(1) == b""

    def reset(self) -> None:
        """Close with a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        self._socket.close()

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            received = self._socket.recv(count - len(data))
            assert received, "the client has closed the connection"
            data += received
        return bytes(data)


class Peer:
    """Listens on a free port; `accept` waits for the next client."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(60)
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[Connection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()
        self.stop_listening()

    def hang_up(self) -> None:
        """Close all connections, so that no client waits for an answer to its unbind."""
        for connection in self._connections:
            connection.close()

    def stop_listening(self) -> None:
        """Refuse connections from now on."""
        self._listener.close()

    def accept(self) -> Connection:
        connection = Connection(self._listener.accept()[0])
        self._connections.append(connection)
        return connection

    def accept_bound(self) -> Connection:
        connection = self.accept()
        connection.accept_bind()
        return connection

    def no_client_within(self, seconds: float) -> bool:
        self._listener.settimeout(seconds)
        try:
            self._connections.append(Connection(self._listener.accept()[0]))
        except TimeoutError:
            return True
        return False


def make_provider(port: int, clock: Clock = CLOCK, **settings: Any) -> SmppProvider:
    given = {
        "provider": "smpp",
        "SMSC_HOST": "127.0.0.1",
        "SMSC_PORT": port,
        "SYSTEM_ID": "me",
        "PASSWORD": PASSWORD,
        "TIMEOUT": 10,
        **settings,
    }
    return SmppProvider(GatewayContext("faulty", clock), SmppSettings.model_validate(given))


def within(seconds: float) -> Deadline:
    return Deadline.after(seconds, CLOCK)


SUBMIT_RESP = RESPONSE | SUBMIT_SM


def message(text: str = "734921 is your code") -> Message:
    return Message(
        "ref",
        "bob",
        parse_number("+491701234567", None),
        SecretStr("734921"),
        SecretStr(text),
        CLOCK.time() + 300,
    )


class Submit:
    """Submits in a thread of its own."""

    def __init__(self, provider: SmppProvider, pool: ThreadPoolExecutor) -> None:
        self._provider = provider
        self._pool = pool

    def __call__(self, text: str = "734921 is your code", seconds: float = 10) -> Future[Receipt]:
        return self._pool.submit(self._provider.submit, message(text), within(seconds))
