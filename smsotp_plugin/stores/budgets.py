"""
What a store promises about budgets: how many SMS somebody gets within some time, however many ask at once.

The call that opens a challenge or asks for its code again says what that costs, and the store decides in the same change. A
store knows no names: it keeps budgets for digits that the flow has made from them.

Spans of time do not depend on changes of the wall clock: what was spent while this process runs has its true age, and what was
spent before is as old as the clocks say, or new if it seems to be in the future.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from smsotp_plugin.errors import OverBudget
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.stores.answers import Brake


class Scope(StrEnum):
    """What a budget is kept for. Each key of a spending begins with the letter of its scope."""

    USER = "u"
    NUMBER = "n"
    STATION = "s"
    CLIENT = "c"
    PREFIX = "p"
    COUNTRY = "l"
    TOTAL = "t"

    @property
    def setting(self) -> str:
        """The setting that limits it."""
        return "total" if self is Scope.TOTAL else f"per_{self.name.lower()}"


@dataclass(frozen=True, slots=True)
class Spending:
    """
    What one SMS costs, and whose budgets it counts for.

    Attributes:
        keys: The letter of a `Scope` and hexadecimal digits.
        money: Millionths of the currency.
        messages: How many SMS; below 0 for SMS that were counted but not sent.
    """

    keys: tuple[str, ...]
    money: int = 0
    messages: int = 1


@dataclass(frozen=True, slots=True)
class BudgetRules:
    """
    The budgets.

    Attributes:
        quotas: Those of each scope that is limited.
        money_per_day: Millionths of the currency within 24 hours; None for no limit.
        enforced: Whether SMS over budget are refused.
    """

    quotas: Mapping[Scope, tuple[Quota, ...]] = field(default_factory=dict)
    money_per_day: int | None = None
    enforced: bool = True


NO_BUDGETS = BudgetRules()


@dataclass(frozen=True, slots=True)
class Count:
    """
    By how much a counter went up on one day.

    Attributes:
        day: In UTC.
        name: As `BudgetStore.count` was told.
        number: At least 1.
    """

    day: date
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Usage:
    """
    What a command can learn of the budgets.

    Attributes:
        at: The moment of all of this, in Unix seconds, by the clock that the servers go by.
        counts: The oldest day first.
        spent: For each key for which anything counts: its quotas, and how many SMS count for each.
        brakes: The earliest first.
    """

    at: float
    counts: Sequence[Count]
    spent: Mapping[str, Sequence[tuple[Quota, int]]]
    brakes: Sequence[Brake]


class BudgetStore(ABC):
    """Keeps what was spent. See `ChallengeStore` for what is decided with a challenge."""

    @abstractmethod
    def over_budget(self, spending: Spending) -> OverBudget | None:
        """
        Tell which budget one more SMS would exceed, as far as this process knows; no I/O.

        This only looks: another SMS may come first. The binding decision is made in the change that the SMS belongs to.
        """

    @abstractmethod
    def spend(self, spending: Spending) -> None:
        """
        Decide about an SMS without a challenge, and note it.

        Raises:
            OverBudget: It is over budget, and budgets are enforced; nothing is noted.
            StoreError: It cannot be decided.
        """

    @abstractmethod
    def spend_anyway(self, spending: Spending) -> None:
        """Note soon what has been spent, or given back, whatever the budgets say; returns at once, raises nothing."""

    @abstractmethod
    def lift(self, keys: tuple[str, ...]) -> None:
        """
        Forget what has been spent for some keys, in all processes within seconds.

        Raises:
            StoreError: That cannot be noted.
        """

    @abstractmethod
    def spent(self, key: str) -> list[tuple[Quota, int]]:
        """Return the quotas of a key, and how many SMS count for each at this moment."""

    @abstractmethod
    def count(self, what: str) -> None:
        """Add one to a counter, which survives this process; returns at once, raises nothing."""
