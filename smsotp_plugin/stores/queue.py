"""
What a store promises if its messages wait for workers: processes that have the gateways, on any machine.

The change that keeps a message puts it on the queue. A process that takes it owns it, as if it had kept it: when that process
dies, another one takes the message over. So a message is always in exactly one of three states: waiting, owned or ended.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smsotp_plugin.stores.kept import KeptMessage, LeftMessage

#: How the `KeptMessage.state` of a message without a challenge (a notification) begins.
NO_CHALLENGE = "-"
#: Seconds after which a worker that says nothing is believed to be dead; it says something once a second.
WORKER_LIFE = 3.0


@dataclass(frozen=True, slots=True)
class GatewayReport:
    """
    How one worker sees one gateway.

    Attributes:
        condition: As in `Condition`.
        seconds: Seconds until it is back or is looked at again; 0 if it serves.
        may_hope: Whether one message may be tried although the gateway counts as dead.
    """

    condition: str
    seconds: float = 0.0
    may_hope: bool = False


@dataclass(frozen=True, slots=True)
class QueueView:
    """
    What is known of the queue at one moment.

    Attributes:
        waiting: How many messages no worker has taken.
        workers: What each living worker says about its gateways.
    """

    waiting: int
    workers: tuple[Mapping[str, GatewayReport], ...]


class MessageQueue(ABC):
    """
    Messages that wait for workers, and what workers say about their gateways.

    Raises:
        StoreError: From every method but `post`, when the store does not answer or answers with an error.
    """

    @abstractmethod
    def take(self, most: int) -> Sequence[LeftMessage]:
        """
        Wait a moment for messages and take some; each is taken by one process.

        They belong to this process's store from now on, until it forgets them.

        Args:
            most: How many, at least 1.
        """

    @abstractmethod
    def take_lost(self) -> Sequence[LeftMessage]:
        """Take messages that were handed to a process that never confirmed them."""

    @abstractmethod
    def post(self, message: KeptMessage, holders: Sequence[str] = ()) -> None:
        """
        Have a message that belongs to no challenge put on the queue soon, unless it may not wait there; returns at once.

        Args:
            message: Its `state` begins with `NO_CHALLENGE` and belongs to nothing else.
            holders: See `Parcel.holders`.
        """

    @abstractmethod
    def report(self, gateways: Mapping[str, GatewayReport]) -> None:
        """Say how this process sees its gateways; this is believed for `WORKER_LIFE`."""

    @abstractmethod
    def leave(self) -> None:
        """Say that this process takes no more messages."""

    @abstractmethod
    def look(self) -> QueueView:
        """Return what is known of the queue and its workers."""
