"""The codes that reach the inboxes of mock gateways, for a load that waits for answers at the same time."""

import collections
import contextlib
import os
import threading
from collections.abc import Sequence
from typing import NamedTuple

from smsotp_mocks.inbox.inbox import Inbox

#: How many digits of a telephone number are the user's; the rest is the same for all.
_NAME_DIGITS = 7


class ArrivedCode(NamedTuple):
    """One SMS: for whom, the code, when it came (Unix seconds), and through which gateway."""

    user: str
    code: str
    received: float
    gateway: str


class InboxCodes:
    """
    Collects codes in threads of its own.

    Attributes:
        bell: An eventfd to wait for; it rings at each code, and may ring for a code that has been taken already.
    """

    def __init__(self, inboxes: Sequence[Inbox]) -> None:
        self.bell = os.eventfd(0, os.EFD_NONBLOCK)
        self._arrived: collections.deque[ArrivedCode] = collections.deque()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._listen, args=(inbox,), name="codes") for inbox in inboxes
        ]
        for thread in self._threads:
            thread.start()

    def take(self) -> list[ArrivedCode]:
        """Return the codes that have arrived since the last call."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.bell)
        return [self._arrived.popleft() for _ in range(len(self._arrived))]

    def close(self) -> None:
        self._closing = True
        for thread in self._threads:
            thread.join()
        os.close(self.bell)

    def _listen(self, inbox: Inbox) -> None:
        subscription = inbox.subscribe(max_waiting=100_000)
        while not self._closing:
            event = subscription.get(timeout=0.1)
            if event is not None and event.message is not None:
                message = event.message
                self._arrived.append(
                    ArrivedCode(
                        message.number[-_NAME_DIGITS:], message.code, message.received, message.gateway
                    )
                )
                os.eventfd_write(self.bell, 1)
        subscription.close()
