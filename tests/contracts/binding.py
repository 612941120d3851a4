"""How the contract of stores gets at a store, and at what it promises. Time is moved by hand; threads are real."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from smsotp_plugin.stores.base import Challenge, ChallengeStore
from smsotp_plugin.stores.budgets import NO_BUDGETS, BudgetRules
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.schemes import open_store
from smsotp_plugin.stores.settings import StoreSettings
from tests.support.challenges import DAY, WINDOW, challenge
from tests.support.clock import FakeClock, Waits


class Binding:
    """What a kind of store says of itself, and the fixtures that follow from it."""

    @abstractmethod
    def settings(self, place: Path) -> StoreSettings:
        """Return the settings of a store that is empty at first; for the same place, of the same one."""

    @abstractmethod
    def keep_house(self, store: ChallengeStore, clock: FakeClock) -> None:
        """Have a store forget now what it forgets by itself sooner or later, as of the time of the clock."""

    @abstractmethod
    def die(self, store: ChallengeStore) -> None:
        """Leave a store as the death of its process does: what it has not written is lost."""

    def open(self, place: Path, window: float, clock: FakeClock, budgets: BudgetRules = NO_BUDGETS) -> Store:
        return open_store(self.settings(place), window=window, events_kept=DAY, clock=clock, budgets=budgets)

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock(1_000_000.0, Waits.NOT_AT_ALL)

    @pytest.fixture
    def new(self, clock: FakeClock) -> Callable[[], Challenge]:
        return partial(challenge, clock)

    @pytest.fixture
    def store(self, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
        store = self.open(tmp_path, WINDOW, clock)
        yield store
        store.close()

    @pytest.fixture
    def other(self, tmp_path: Path, clock: FakeClock, store: ChallengeStore) -> Iterator[Store]:
        """The same place as another process sees it."""
        del store
        other = self.open(tmp_path, WINDOW, clock)
        yield other
        other.close()
