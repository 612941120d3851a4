"""What an inbox holds, the messages, and what it reports, the events."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """
    One SMS as it would have reached a phone.

    Attributes:
        id: Counts from 1 in the order of arrival; never used again, not even after `Inbox.clear`.
        gateway: The name of the mock that took it.
        protocol: ``http``, ``sipgate``, ``smtp`` or ``smpp``.
        number: For search: ``+`` and digits where the number was international.
        written_number: As the request had it.
        text: Joined from all parts, decoded.
        code: The one-time code found in the text, or an empty string.
        received: Unix seconds.
        segments: SMS that a network would need (or that were submitted, where the client splits).
        wire: How it came, in the words of the protocol. Only JSON types.
    """

    id: int
    gateway: str
    protocol: str
    number: str
    written_number: str
    text: str
    code: str
    received: float
    segments: int
    wire: Mapping[str, Any] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return the message as JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """
    Something that happened to the inbox.

    Attributes:
        kind: ``message``: one came. ``refused``: a gateway did not take a request. ``clear``: the inbox was
            emptied. ``lost``: the listener was too slow and should read the whole inbox again.
        message: For `message` only.
    """

    kind: Literal["message", "refused", "clear", "lost"]
    message: ReceivedMessage | None
