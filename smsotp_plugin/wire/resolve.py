"""
Names to addresses, in a time that is handed in.

The system's resolver has limits of its own, up to minutes, and cannot be interrupted. So it is asked in a thread that is
left behind when time is over: one for each name, however many wait for it.
"""

import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import NoThread
from smsotp_plugin.threads import start_thread

#: What `socket.getaddrinfo` gives.
Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
#: Host and port to addresses; raises OSError.
Lookup = Callable[[str, int], Sequence[Address]]

#: Seconds between two looks at whether the wait has been interrupted.
_LOOK = 0.1


def _ask_system(host: str, port: int) -> Sequence[Address]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class _Question:
    """One question to the resolver, under way or answered."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.addresses: Sequence[Address] = ()
        self.problem: Exception | None = None


class Resolver:
    """
    Asks for names.

    Args:
        lookup: The resolver, which may take as long as it likes.
    """

    def __init__(self, lookup: Lookup = _ask_system) -> None:
        self._lookup = lookup
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], _Question] = {}

    def resolve(
        self, host: str, port: int, deadline: Deadline, interrupted: Callable[[], bool] = lambda: False
    ) -> Sequence[Address]:
        """
        Return the addresses of a host.

        Args:
            host: Name or address.
            port: 0 to 65535.
            deadline: When to stop waiting.
            interrupted: Asked now and then; True ends the waiting too.

        Raises:
            OSError: There are none, or not in time.
            UnicodeError: The name cannot be a name.
        """
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            question = self._ask(host, port)
        while not question.answered.wait(min(_LOOK, deadline.remaining())):
            if interrupted() or deadline.passed():
                raise TimeoutError(None, "the name server does not answer in time")
        if question.problem is not None:
            raise question.problem
        return question.addresses

    def _ask(self, host: str, port: int) -> _Question:
        with self._lock:
            question = self._under_way.get((host, port))
            if question is not None:
                return question
            self._under_way[host, port] = question = _Question()
        thread = threading.Thread(
            target=self._answer, args=(host, port, question), name="smsotp-resolver", daemon=True
        )
        try:
            start_thread(thread)
        except NoThread:
            self._forget(host, port)
            raise OSError(None, "no thread can be started to ask the name server") from None
        return question

    def _answer(self, host: str, port: int, question: _Question) -> None:
        try:
            question.addresses = self._lookup(host, port)
        except Exception as exc:  # noqa: BLE001  (whoever asked gets it)
            question.problem = exc
        finally:
            self._forget(host, port)
            question.answered.set()

    def _forget(self, host: str, port: int) -> None:
        with self._lock:
            self._under_way.pop((host, port), None)


#: One for the process, so that a name is asked for once however many gateways are at the same host.
RESOLVER = Resolver()
