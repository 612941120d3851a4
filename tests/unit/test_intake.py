"""A worker that cannot take messages looks again after a pause, and not all the time."""

from collections.abc import Sequence
from typing import Any

import pytest

from smsotp_plugin.dispatch.intake import Intake
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.kept import LeftMessage
from smsotp_plugin.stores.queue import QueueView
from tests.support.clock import FakeClock
from tests.support.sending import Gateway, Sending, no_thread_is_left

__all__ = ["no_thread_is_left"]

#: Seconds, and a little more.
PAUSE = 0.21
#: The thread that takes messages, and the one that reports once a second.
THREADS = 2


class NoTakeover:
    """Takes over nothing."""

    def hand_over(self, left: Sequence[LeftMessage]) -> None:
        assert not left

    def take_over(self) -> None:
        pass


class Queue:
    """Counts how often it is asked for messages, and gives none."""

    def __init__(self, problem: Exception | None) -> None:
        self.asked = self.left = 0
        self._problem = problem

    def look(self) -> QueueView:
        return QueueView(0, ())

    def report(self, gateways: object) -> None:
        pass

    def take(self, most: int) -> Sequence[LeftMessage]:
        del most
        self.asked += 1
        if self._problem is not None:
            raise self._problem
        return ()

    def take_lost(self) -> Sequence[LeftMessage]:
        return ()

    def leave(self) -> None:
        self.left += 1


def make_intake(clock: FakeClock, queue: Any, allowed: int = 10) -> Intake:
    takeover: Any = NoTakeover()
    return Intake(
        queue=queue,
        takeover=takeover,
        dispatcher=Sending(clock, Gateway("first", clock), queue=allowed).dispatcher,
        gateways=[],
        give_up=lambda _: None,
        clock=clock,
    )


@pytest.mark.parametrize(
    ("problem", "allowed", "asked"),
    [
        (StoreError("no answer"), 10, 4),
        (RuntimeError("a mistake"), 10, 4),
        (None, 0, 0),
    ],
    ids=["no answer", "a mistake", "no room"],
)
def test_between_two_looks_there_is_a_pause(problem: Exception | None, allowed: int, asked: int) -> None:
    clock, queue = FakeClock(), Queue(problem)
    intake = make_intake(clock, queue, allowed)
    intake.start()
    for _ in range(3):
        clock.wait_for_sleepers(THREADS)
        clock.advance(PAUSE)
    clock.wait_for_sleepers(THREADS)
    seen = queue.asked
    intake.stop()

    assert seen == asked


def test_a_worker_that_was_not_started_can_be_stopped() -> None:
    queue = Queue(None)
    make_intake(FakeClock(), queue).stop()

    assert queue.left == 1
