"""The thread that tidies the store goes on whatever the store says, and ends when it is told to."""

import threading
from typing import Any

import pytest

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.housekeeping import Housekeeper
from tests.contracts.store_contract import nothing


class ImpatientClock(SystemClock):
    """Waits a thousandth of the time."""

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        return super().wait(condition, None if timeout is None else timeout / 1000)


class Store:
    """Fails in two ways, then works."""

    def __init__(self) -> None:
        self.answers: list[Exception | None] = [StoreError("locked"), ZeroDivisionError("a bug"), None]
        self.tidied = threading.Event()

    def tidy(self, now: float) -> None:
        assert now > 0
        if self.answers and (error := self.answers.pop(0)) is not None:
            raise error
        self.tidied.set()


def test_trouble_is_logged_and_the_next_round_comes(caplog: pytest.LogCaptureFixture) -> None:
    store: Any = Store()
    housekeeper = Housekeeper(store, nothing, ImpatientClock())
    housekeeper.start()
    tidied = store.tidied.wait(10)
    housekeeper.stop()

    assert tidied
    assert "the store cannot be tidied: locked" in caplog.text
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


class ClockUnderControl(SystemClock):
    """A pause ends when the test says so."""

    def __init__(self) -> None:
        self.pauses: list[float | None] = []
        self.begun, self.over = threading.Semaphore(0), threading.Semaphore(0)
        self.hurried = False

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        self.pauses.append(timeout)
        condition.release()
        try:
            self.begun.release()
            if not self.hurried:
                self.over.acquire()
        finally:
            condition.acquire()
        return False


class CountingStore:
    """Counts the rounds."""

    def __init__(self) -> None:
        self.rounds = 0

    def tidy(self, _: float) -> None:
        self.rounds += 1


def test_a_second_passes_before_each_round() -> None:
    store, clock = CountingStore(), ClockUnderControl()
    tidied: Any = store
    housekeeper = Housekeeper(tidied, nothing, clock)
    housekeeper.start()
    rounds = []
    for _ in range(3):
        assert clock.begun.acquire(timeout=10)
        rounds.append(store.rounds)
        clock.over.release()
    assert clock.begun.acquire(timeout=10)
    clock.hurried = True
    clock.over.release()
    housekeeper.stop()

    assert rounds == [0, 1, 2]
    assert clock.pauses[:3] == [1.0, 1.0, 1.0]


def test_it_ends_at_once_when_it_is_told_to() -> None:
    store: Any = Store()
    housekeeper = Housekeeper(store, nothing, SystemClock())
    housekeeper.start()
    housekeeper.stop()

    assert "smsotp-housekeeper" not in {thread.name for thread in threading.enumerate()}


def test_what_was_not_started_can_be_stopped() -> None:
    store: Any = Store()

    Housekeeper(store, nothing, SystemClock()).stop()
