"""The sockets of a load: each request that is under way has one of its own, by which its answer is told apart."""

import select
import socket


class RadiusSockets:
    """
    Sockets that one thread waits for at the same time; each is named by its file descriptor.

    Args:
        address: Of the server.
        many: How many requests may be under way.
        bell: A file descriptor that is waited for, too.

    Attributes:
        idle: The sockets that wait for no answer; the caller takes and returns them.
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
        """Return the port of one of them."""
        port: int = self._sockets[number].getsockname()[1]
        return port

    def send(self, number: int, packet: bytes) -> None:
        """Send a packet from one of them."""
        self._sockets[number].send(packet)

    def receive(self, number: int) -> bytes:
        """Return the answer that one of them has."""
        return self._sockets[number].recv(4096)

    def wait(self, seconds: float) -> list[int]:
        """Return those that have something, the bell among them, after so many seconds at most; none then."""
        return [number for number, _ in self._poll.poll(seconds)]

    def wait_exactly(self, seconds: float) -> list[int]:
        """Do the same where a millisecond counts: the timeout of epoll itself has whole ones."""
        select.select([self._poll], [], [], max(0.0, seconds))
        return self.wait(0)

    def close(self) -> None:
        for sock in self._sockets.values():
            sock.close()
        self._poll.close()
