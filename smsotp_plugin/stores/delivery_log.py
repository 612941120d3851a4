"""The life of each message as it is written down: what was asked, tried, answered. It holds no code and no whole number."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """What can happen to a challenge or a notification."""

    REJECTED = "rejected"
    """A log-in was refused before any SMS; `detail` says why."""
    ASKED = "asked"
    """A log-in was promised a code, or a notification was asked for; `detail` names the route."""
    RESENT = "resent"
    """The user asked for the code again."""
    ATTEMPT = "attempt"
    """One gateway had its turn; `detail` begins with the outcome."""
    ENDED = "ended"
    """No gateway took the message and nothing more is tried; `detail` says how it ended."""
    DROPPED = "dropped"
    """A message that a dead process left is not sent; `detail` says why."""
    RECEIPT = "receipt"
    """A delivery receipt: what the network said later."""
    ANSWERED = "answered"
    """An answer to the challenge was judged; `detail` says how."""


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """
    One line of a message's life.

    Attributes:
        reference: That of the message; empty for a delivery receipt, which belongs to its message by gateway and `gateway_id`.
        at: Unix seconds.
        kind: What happened.
        gateway: The gateway's name, if one is concerned.
        gateway_id: The gateway's own id of the message.
        detail: In words.
        user: User-Name; only in `REJECTED` and `ASKED`.
        number: Masked; only in `ASKED`, and in `REJECTED` if it is known.
        number_hash: Fingerprint of the number, to search by; set wherever `number` is.
    """

    reference: str
    at: float
    kind: EventKind
    gateway: str = ""
    gateway_id: str = ""
    detail: str = ""
    user: str = ""
    number: str = ""
    number_hash: str = ""


def describe(event: DeliveryEvent) -> str:
    """Describe an event without saying whose message it is, in the same words for the log and ``smsotp trace``."""
    told = f", its id {event.gateway_id}" if event.gateway_id else ""
    match event.kind:
        case EventKind.ATTEMPT if event.detail == "accepted":
            return f"gateway {event.gateway} took it{told}"
        case EventKind.ATTEMPT | EventKind.RECEIPT:
            return f"gateway {event.gateway}: {event.detail}{told}"
        case EventKind.ENDED if event.detail == "not needed":
            return "nothing more is tried: the log-in is over, or a later message has taken its place"
        case EventKind.ENDED:
            return f"no gateway took it ({event.detail})"
        case _:
            return event.detail


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose messages are looked for: by user, by fingerprint of the number, or by reference."""

    user: str = ""
    number_hash: str = ""
    reference: str = ""


class DeliveryRecorder(ABC):
    """Writes those lines; `StoreKind.read_trace` reads them."""

    @abstractmethod
    def record(self, event: DeliveryEvent) -> None:
        """Note an event; returns at once, keeps nobody waiting, raises nothing."""
