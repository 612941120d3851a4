"""
What a store promises about shares of answers: counts by hour, and the brakes that follow from them.

They only have to be roughly right: what was counted within the last minute may be lost with its process.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class AnswerCount:
    """
    How many codes were answered in one hour, and how many never.

    Attributes:
        key: See `Spending`.
        hour: Hours since 1970.
        answered: How many, or how many more.
        unanswered: The same.
    """

    key: str
    hour: int
    answered: int
    unanswered: int


class Fate(StrEnum):
    """What became of an SMS with a code."""

    ANSWERED = "answered"
    UNSENT = "unsent"
    """No gateway took it."""


@dataclass(frozen=True, slots=True)
class Brake:
    """
    For a while, no SMS are sent to a block of numbers or a country, or for a station.

    Attributes:
        key: What it stops.
        label: The same for people to read: the first digits of the numbers, the country, or the station.
        since: Unix seconds.
        until: The same.
        reason: In words.
        enforced: Whether SMS are refused; otherwise it is only reported that they would be.
    """

    key: str
    label: str
    since: float
    until: float
    reason: str
    enforced: bool


class AnswerStore(ABC):
    """
    Keeps the counts and the brakes.

    Raises:
        StoreError: From every method, when the store does not answer or answers with an error.
    """

    @abstractmethod
    def add_answers(self, counts: Sequence[AnswerCount]) -> None:
        """Add to what is counted."""

    @abstractmethod
    def load_answers(self, since: int) -> Sequence[AnswerCount]:
        """Return what was counted from an hour on, and forget what was counted before it."""

    def tell_fate(self, state: str, fate: Fate) -> None:  # noqa: B027  (a store of one machine has nobody to tell)
        """
        Soon tell all processes that use the store what became of an SMS that this one did not send; returns at once, raises nothing.

        Args:
            state: Of its challenge.
            fate: What became of it.
        """

    def hear_fates(self) -> Sequence[tuple[str, Fate]]:
        """Return what was told since the last call, by this process too, as State and fate; some may have been lost."""
        return ()

    @abstractmethod
    def put_brakes(self, brakes: Sequence[Brake]) -> None:
        """Keep brakes; a brake replaces an earlier one with the same key."""

    @abstractmethod
    def list_brakes(self) -> Sequence[Brake]:
        """Return the brakes that are kept; those that are over are removed sooner or later."""
