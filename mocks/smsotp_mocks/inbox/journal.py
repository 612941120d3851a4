"""What reached a mock gateway, whether it was taken, and if not, why."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from smsotp_mocks.inbox.bounded import Bounded

_LONGEST_ANSWER = 1000  # characters
Verdict = Literal["accepted", "rejected", "fault"]


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One request, mail transaction or PDU that asked for something.

    Attributes:
        received: Unix seconds.
        verdict: ``accepted``; ``rejected`` by the gateway's own rules; or ``fault``: broken on purpose.
        reason: Why it was rejected, or which fault struck; empty when accepted.
        wire: In the words of the protocol. Only JSON types.
        answer: What the client was told where it was rejected, cut to a few lines.
    """

    received: float
    gateway: str
    verdict: Verdict
    reason: str
    wire: Mapping[str, Any]
    answer: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "answer", self.answer[:_LONGEST_ANSWER])

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as JSON types."""
        return asdict(self)


class Journal:
    """The newest entries of one gateway, oldest first; safe to use from any thread."""

    def __init__(self, most: int = 2000, most_bytes: int = 16 * 1024 * 1024) -> None:
        self._lock = threading.Lock()
        self._entries: Bounded[Entry] = Bounded(most, most_bytes)

    def add(self, entry: Entry) -> None:
        """Keep an entry; the oldest ones give way."""
        with self._lock:
            self._entries.append(entry, len(repr(entry.wire)))

    def entries(self) -> tuple[Entry, ...]:
        """Return what is kept."""
        with self._lock:
            return tuple(self._entries)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
