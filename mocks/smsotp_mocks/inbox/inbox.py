"""The one place where every mock gateway puts what it received; safe to use from any thread."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from smsotp_mocks.inbox.bounded import Bounded
from smsotp_mocks.inbox.code_finder import find_code
from smsotp_mocks.inbox.messages import InboxEvent, ReceivedMessage
from smsotp_mocks.inbox.numbers import normalise_number
from smsotp_mocks.inbox.subscription import Subscription
from smsotp_mocks.inbox.well_formed import make_well_formed

_SHOWN = 10  # messages that a failure lists


class NoMessage(AssertionError):
    """The message that was waited for did not come. The text says what was expected and what the inbox holds."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    number: str | None
    gateway: str | None
    after: int

    def matches(self, message: ReceivedMessage) -> bool:
        return (
            message.id > self.after
            and self.number in (None, message.number)
            and self.gateway in (None, message.gateway)
        )

    def __str__(self) -> str:
        words = ["message"]
        if self.number is not None:
            words.append(f"for {self.number}")
        if self.gateway is not None:
            words.append(f"through gateway {self.gateway!r}")
        if self.after:
            words.append(f"after message #{self.after}")
        return " ".join(words)


class _Waiter:
    def __init__(self, wanted: _Wanted) -> None:
        self.wanted = wanted
        self.arrived = threading.Event()
        self.message: ReceivedMessage | None = None


class Inbox:
    """
    What the mock gateways received, oldest first, and bounded: the oldest messages give way.

    Args:
        max_messages: Messages kept.
        max_bytes: Sum of what is kept, texts and wire details, roughly.
        now: Gives Unix seconds.
    """

    def __init__(
        self,
        *,
        max_messages: int = 20_000,
        max_bytes: int = 64 * 1024 * 1024,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._messages: Bounded[ReceivedMessage] = Bounded(max_messages, max_bytes)
        self._by_number: dict[str, deque[ReceivedMessage]] = {}
        self._last_id = 0
        self._waiters: list[_Waiter] = []
        self._subscriptions: list[Subscription] = []
        self._rejections: deque[str] = deque(maxlen=_SHOWN)

    def __len__(self) -> int:
        return len(self._messages)

    def add(  # noqa: PLR0913  (the fields of a message, given by name)
        self, *, gateway: str, protocol: str, number: str, text: str, segments: int, wire: Mapping[str, Any]
    ) -> ReceivedMessage:
        """
        Take one message. Called by the gateways.

        Args:
            number: As the request had it.
            wire: JSON types only.
        """
        text, number = make_well_formed(text), make_well_formed(number)
        code, normal, size = find_code(text), normalise_number(number), len(text) + len(repr(wire))
        with self._lock:
            self._last_id += 1
            message = ReceivedMessage(
                id=self._last_id,
                gateway=gateway,
                protocol=protocol,
                number=normal,
                written_number=number,
                text=text,
                code=code,
                received=self._now(),
                segments=segments,
                wire=wire,
            )
            self._keep(message, size)
            self._tell(message)
        return message

    def reject(self, gateway: str, reason: str) -> None:
        """Note that a gateway refused a request, so that a failing `wait` can say so, and tell the listeners."""
        with self._lock:
            self._rejections.append(f"{gateway}: {reason}")
            for subscription in self._subscriptions:
                subscription.put(InboxEvent("refused", None))

    def mark(self) -> int:
        """Return the id of the newest message (0: none yet), to be used as `after` or `since`."""
        with self._lock:
            return self._last_id

    def messages(
        self, number: str | None = None, gateway: str | None = None, since: int = 0
    ) -> tuple[ReceivedMessage, ...]:
        """
        Return what is kept, oldest first.

        Args:
            number: Any spelling of the number.
            gateway: The name of a gateway.
            since: A mark; only messages that came after it.
        """
        wanted = _describe_wanted(number, gateway, since)
        with self._lock:
            return tuple(message for message in self._list_candidates(wanted) if wanted.matches(message))

    def wait(
        self,
        number: str | None = None,
        gateway: str | None = None,
        after: int = 0,
        timeout: float = 30.0,
    ) -> ReceivedMessage:
        """
        Return the first message that matches, at once if it is already here.

        Args:
            number: Any spelling of the number.
            gateway: The name of a gateway.
            after: A mark; only messages that came after it.
            timeout: Seconds.

        Raises:
            NoMessage: Nothing came in time. Its text lists what the inbox holds and what gateways rejected.
        """
        __tracebackhide__ = True  # pytest shows the line of the test instead
        wanted = _describe_wanted(number, gateway, after)
        waiter = _Waiter(wanted)
        with self._lock:
            for message in self._list_candidates(wanted):
                if wanted.matches(message):
                    return message
            self._waiters.append(waiter)
        waiter.arrived.wait(timeout)
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            if waiter.message is not None:
                return waiter.message
            raise NoMessage(self._explain(wanted, timeout))

    def explanation(
        self, number: str | None = None, gateway: str | None = None, after: int = 0, timeout: float = 30.0
    ) -> str:
        """Return what `NoMessage` would say after a `wait` in vain, for callers that waited in their own way."""
        with self._lock:
            return self._explain(_describe_wanted(number, gateway, after), timeout)

    def clear(self) -> None:
        """Forget every message and rejection. Ids go on counting, so marks stay good."""
        with self._lock:
            self._messages.clear()
            self._by_number.clear()
            self._rejections.clear()
            for subscription in self._subscriptions:
                subscription.put(InboxEvent("clear", None))

    def subscribe(self, *, max_waiting: int = 1000) -> Subscription:
        """
        Return a live view: one event for each message from now on, for each refusal and for each `clear`.

        Args:
            max_waiting: Events kept for a listener that is slow; then it is told that some were lost.
        """
        subscription = Subscription(max_waiting, self._unsubscribe)
        with self._lock:
            self._subscriptions.append(subscription)
        return subscription

    def _unsubscribe(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)

    def _keep(self, message: ReceivedMessage, size: int) -> None:
        self._by_number.setdefault(message.number, deque()).append(message)
        for oldest in self._messages.append(message, size):
            of_number = self._by_number[oldest.number]
            of_number.popleft()
            if not of_number:
                del self._by_number[oldest.number]

    def _tell(self, message: ReceivedMessage) -> None:
        for waiter in [waiter for waiter in self._waiters if waiter.wanted.matches(message)]:
            self._waiters.remove(waiter)
            waiter.message = message
            waiter.arrived.set()
        for subscription in self._subscriptions:
            subscription.put(InboxEvent("message", message))

    def _list_candidates(self, wanted: _Wanted) -> Iterable[ReceivedMessage]:
        if wanted.number is not None:
            return self._by_number.get(wanted.number, ())
        return self._messages

    def _explain(self, wanted: _Wanted, timeout: float) -> str:
        lines = [f"No {wanted} came within {timeout:g} s."]
        count = len(self._messages)
        lines.append(f"The inbox holds {count} message{'' if count == 1 else 's'}{':' if count else '.'}")
        lines.extend(_write_line(message) for message in list(self._messages)[-_SHOWN:])
        if self._rejections:
            lines.append("Requests that gateways rejected or broke on purpose:")
            lines.extend(f"  {reason}" for reason in self._rejections)
        return "\n".join(lines)


def _describe_wanted(number: str | None, gateway: str | None, after: int) -> _Wanted:
    return _Wanted(None if number is None else normalise_number(number), gateway, after)


def _write_line(message: ReceivedMessage) -> str:
    return f"  #{message.id} {message.gateway} {message.number} {message.text!r}"
