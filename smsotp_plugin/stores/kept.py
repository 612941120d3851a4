"""
What a store promises about messages: a message whose code somebody was asked for survives the process that was to send it.

A message is kept in the same change as its challenge, and removed when its outcome is final. It belongs to the store that
keeps it for as long as the process that opened this store lives; then to the one other store that takes it over.
Before a gateway can have a message, the store notes that this gateway may have it, so that a process that takes the message
over knows where it may have been sent. The store cannot read the message.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from smsotp_plugin.errors import QueueFull
from smsotp_plugin.grammar import agree
from smsotp_plugin.stores.budgets import Spending


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """
    One message, sealed. Its challenge and `resends` name it.

    Attributes:
        state: Of its challenge.
        site: The virtual server of the log-in.
        expires: Unix seconds after which it is worthless.
        sealed: See `MessageSealer`.
        resends: How often the code of its challenge had been sent before.
    """

    state: str
    site: str
    expires: float
    sealed: bytes = field(repr=False)
    resends: int = 0


class Parcel(Protocol):
    """
    A message that is to be sent once it is certain to survive.

    A store keeps its message, spends what it costs, counts it for its holders if it waits for workers, and looks at nothing but
    what is declared here.
    """

    @property
    def spending(self) -> Spending:
        """What its message costs."""

    @property
    def resends(self) -> int:
        """How often the code of its challenge had been sent again before, as far as is known."""

    @property
    def holders(self) -> tuple[str, ...]:
        """Whose share of the queue it takes, as ``KIND:DIGITS``; KIND is ``user``, ``number``, ``station`` or ``client``."""

    def seal(self) -> KeptMessage:
        """
        Return its message as it is kept; takes microseconds and raises nothing.

        Called at most once, by the thread that writes, so that no log-in need wait for it.
        """


#: Told in batches which parcels survive the death of this process from now on, so that they may be sent. Each parcel is the
#: object that was handed in, and is reported once. Called from any thread, with no lock held: it may call every method of the
#: store. It raises nothing.
KeptListener = Callable[[Sequence[Parcel]], None]


def ignore_kept(parcels: Sequence[Parcel]) -> None:
    """Send nothing: nobody listens yet."""
    del parcels


class InsideListener:
    """Knows which threads are inside the listener: they must not wait for what it does."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    @property
    def is_here(self) -> bool:
        """Whether the present thread is."""
        return getattr(self._of_thread, "is_inside", False)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Note that the present thread calls the listener; it may call the store there, which calls the listener again."""
        outer = self.is_here
        self._of_thread.is_inside = True
        try:
            yield
        finally:
            self._of_thread.is_inside = outer


@dataclass(frozen=True, slots=True)
class LeftMessage:
    """
    A message whose process no longer lives.

    Attributes:
        message: As it was kept.
        is_needed: Whether its code can still let anybody in, and no later message of the same log-in has taken its place.
        may_have_it: The gateways that have it, or may have it.
        deaths: How many processes died while they had it, as far as the store knows.
        holders: See `Parcel.holders`; none if it did not wait for workers.
    """

    message: KeptMessage
    is_needed: bool
    may_have_it: frozenset[str]
    deaths: int = field(default=0, compare=False)
    holders: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One message at one gateway.

    Attributes:
        state: Of its challenge.
        resends: How often the code of its challenge had been sent before.
        gateway: Its name.
    """

    state: str
    resends: int
    gateway: str


class MessageStore(ABC):
    """Keeps messages until their end. See `ChallengeStore` for how they get into it."""

    @abstractmethod
    def begin_attempts(self, attempts: Sequence[Attempt]) -> Sequence[Exception | None]:
        """
        Note, in one step for all of them, that gateways may have messages from now on.

        Returns:
            For each attempt, None if it is noted and survives the death of this process; else why the gateway must not get the message:
            NotNeeded if another process has let the log-in end or given it a later message, so that no gateway must get this one, and
            StoreError if it could not be noted.

        Raises:
            StoreError: None of them could be noted.
        """

    @abstractmethod
    def end_attempt(self, state: str, resends: int, gateway: str) -> None:
        """Note soon that a gateway certainly does not have a message; returns at once, raises nothing."""

    @abstractmethod
    def forget_message(self, state: str, resends: int) -> None:
        """Remove a message soon: its outcome is final. Returns at once, raises nothing."""

    @abstractmethod
    def take_over(self, now: float) -> Sequence[LeftMessage]:
        """
        Take over what belongs to processes that no longer live; at most one store ever gets each message from one of them.

        Args:
            now: Unix seconds.

        Returns:
            The messages, which belong to this store from now on; those that end first come first.

        Raises:
            StoreError: The store does not answer or answers with an error.
        """


def explain_share(kind: str, held: int) -> QueueFull:
    """
    Return why another message has no room, although the queue has some.

    Args:
        kind: What holds its share of the queue already: ``user``, ``number``, ``station`` or ``client``.
        held: How many messages.
    """
    return QueueFull(
        f"{held} {agree(held, 'message')} for this {kind} "
        f"{agree(held, 'is on its way', 'are on their way')} already, its share of dispatch.queue"
    )
