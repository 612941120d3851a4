"""What an SMPP session tells the one who drives it: `session` makes these, `link` acts on them."""

from dataclasses import dataclass

from smsotp_plugin.wire.smpp.deliver_sm import DeliverSm


@dataclass(frozen=True, slots=True)
class Bound:
    """The SMSC has accepted the bind."""


@dataclass(frozen=True, slots=True)
class BindRefused:
    """The SMSC has not accepted the bind; `SessionEnded` follows."""

    status: int


@dataclass(frozen=True, slots=True)
class Answered:
    """
    A request of ours has its answer.

    Attributes:
        sequence: As returned by `submit` or `enquire`.
        status: Command status; 0 is success.
        message_id: The SMSC's id of a message that it took, else empty.
    """

    sequence: int
    status: int
    message_id: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """
    The SMSC brings a message or a receipt and waits for `acknowledge`.

    Attributes:
        command: deliver_sm or data_sm.
        sequence: For the answer.
        delivery: What it says.
    """

    command: int
    sequence: int
    delivery: DeliverSm


@dataclass(frozen=True, slots=True)
class UnreadableDelivery:
    """
    The SMSC brought something that cannot be read; it was refused.

    Attributes:
        reason: Fit for the log.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """
    A request of ours that will have no answer.

    Attributes:
        sequence: As returned by `submit` or `enquire`.
        written: Whether all of its bytes had gone out: then the SMSC may have it.
    """

    sequence: int
    written: bool


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """
    The session is over; the connection is to be closed.

    Attributes:
        reason: Fit for the log.
        lost: All requests that were waiting for an answer.
    """

    reason: str
    lost: tuple[Lost, ...] = ()


Event = Bound | BindRefused | Answered | Delivered | UnreadableDelivery | SessionEnded
