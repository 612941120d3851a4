"""The sockets of a load: each request that is under way has a socket of its own, which identifies its answer."""

import select
import socket


class RadiusSockets:
    """
    Sockets that one thread waits for at the same time; each is named by its file descriptor.

    Args:
        address: Of the server.
        many: How many requests may be under way.
        bell: A further file descriptor to wait for.

    Attributes:
        idle: The sockets that are not waiting for an answer; the caller takes and returns them.
    """

    def __init__(self, address: tuple[str, int], many: int, bell: int | None = None) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        for _ in range(many):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.connect(address)
            self._sockets[sock.fileno()] = sock
            self._poll.register(sock.fileno(), select.EPOLLIN)
        if bell is not None:
            self._poll.register(bell, select.EPOLLIN)
        self.idle = list(self._sockets)

    def find_port(self, number: int) -> int:
        """Return the port of one of the sockets."""
        port: int = self._sockets[number].getsockname()[1]
        return port

    def send(self, number: int, packet: bytes) -> None:
        """Send a packet from one of the sockets."""
        self._sockets[number].send(packet)

    def receive(self, number: int) -> bytes:
        """Return the answer that has come to one of the sockets."""
        return self._sockets[number].recv(4096)

    def wait(self, seconds: float) -> list[int]:
        """Wait this many seconds at most; return the sockets that have something to read, and the bell if it rings."""
        return [number for number, _ in self._poll.poll(seconds)]

    def wait_exactly(self, seconds: float) -> list[int]:
        """Do the same where a millisecond counts: epoll's own timeout is in whole milliseconds."""
        select.select([self._poll], [], [], max(0.0, seconds))
        return self.wait(0)

    def close(self) -> None:
        for sock in self._sockets.values():
            sock.close()
        self._poll.close()
