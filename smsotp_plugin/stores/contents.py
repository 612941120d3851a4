"""Everything that a store holds, in a form that every kind of store can read and write: for moving from one to another."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from smsotp_plugin.stores.answers import AnswerCount, Brake
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.budgets import Count, Spending
from smsotp_plugin.stores.delivery_log import DeliveryEvent
from smsotp_plugin.stores.guesses import Streak
from smsotp_plugin.stores.kept import KeptMessage


class ChallengeStatus(IntEnum):
    """What became of a challenge, apart from whether its time is over."""

    OPEN = 0
    USED = 1
    EXHAUSTED = 2


@dataclass(frozen=True, slots=True)
class StoredChallenge:
    """
    A challenge, with what `ChallengeStore` does not show of it.

    Attributes:
        challenge: As it is now.
        status: What became of it.
        asked: When its code was last asked for again, in Unix seconds; 0 for never.
    """

    challenge: Challenge
    status: ChallengeStatus
    asked: float


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """
    A message that waits or is under way.

    Attributes:
        message: As it is kept.
        may_have_it: The gateways that have it, or may have it.
    """

    message: KeptMessage
    may_have_it: frozenset[str]


@dataclass(frozen=True, slots=True)
class StoredStreak:
    """
    A count of wrong answers in a row.

    Attributes:
        name: The name under which it is counted.
        place: The place of the streak.
        other_name: Another name of the same account.
        streak: The count.
    """

    name: str
    place: str
    other_name: str
    streak: Streak


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """
    One of the wrong answers of the last day.

    Attributes:
        name: The name under which it is counted.
        place: The place of its streak.
        at: Unix seconds.
    """

    name: str
    place: str
    at: float


@dataclass(frozen=True, slots=True)
class Expense:
    """
    What was spent or given back at some moment.

    Attributes:
        at: Unix seconds.
        spending: What was spent; its `messages` is 0 if it lifts everything before it.
    """

    at: float
    spending: Spending


@dataclass(frozen=True, slots=True)
class StoreContents:
    """Everything, the oldest first."""

    challenges: Sequence[StoredChallenge] = ()
    messages: Sequence[StoredMessage] = ()
    events: Sequence[DeliveryEvent] = ()
    streaks: Sequence[StoredStreak] = ()
    wrong_answers: Sequence[WrongAnswer] = ()
    expenses: Sequence[Expense] = ()
    counts: Sequence[Count] = ()
    answers: Sequence[AnswerCount] = ()
    brakes: Sequence[Brake] = ()
