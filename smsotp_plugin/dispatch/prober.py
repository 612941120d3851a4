"""Looks after gateways that count as dead: each is probed again and again until it is alive."""

import logging
from collections.abc import Callable

from smsotp_plugin.clock import Clock
from smsotp_plugin.dispatch.delivery import Delivery
from smsotp_plugin.dispatch.lane import Lane
from smsotp_plugin.dispatch.timer import Timer
from smsotp_plugin.errors import DeliveryError

log = logging.getLogger("smsotp.dispatch")


class Prober:
    """
    Plans probes and acts on what they find.

    Args:
        timer: Calls when a pause is over.
        clock: Time.
        give_back: Called with each message that waited for a gateway when it was found to be dead.
    """

    def __init__(self, timer: Timer, clock: Clock, give_back: Callable[[Lane, Delivery], None]) -> None:
        self._timer = timer
        self._clock = clock
        self._give_back = give_back
        #: All lanes; filled by the dispatcher, whose lanes need the prober.
        self.lanes: list[Lane] = []

    def note_opened(self, lane: Lane) -> None:
        """Keep messages away from a gateway that has just been found to be dead."""
        log.error("%s", _explain_closed(lane))
        self._plan(lane)
        for waiting in lane.drain():
            self._give_back(lane, waiting)
        # If this was the last gateway alive, another may be back already.
        for other in self.lanes:
            if other is not lane:
                self.hurry(other)

    def hurry(self, lane: Lane) -> None:
        """Probe a dead gateway out of turn, unless that has been done often enough."""
        if lane.breaker.may_hurry(self._clock.monotonic()):
            lane.probe(hurried=True)

    def note_probe(self, lane: Lane, problem: DeliveryError | None, *, hurried: bool) -> None:
        """Note what a probe found; None: the gateway is alive."""
        was_open = lane.breaker.is_open
        try:
            self._act(lane, problem, was_open=was_open, hurried=hurried)
        finally:
            # Whatever went wrong above, a dead gateway has exactly one next probe.
            if was_open and not hurried and lane.breaker.is_open and not lane.breaker.is_barred:
                self._plan(lane)

    def _act(self, lane: Lane, problem: DeliveryError | None, *, was_open: bool, hurried: bool) -> None:
        changed = lane.breaker.note_probe(problem, self._clock.monotonic(), hurried=hurried)
        if changed and problem is None:
            log.info("gateway %s answers again: it is on trial", lane.name)
        elif changed:
            log.warning("gateway %s: a probe failed: %s", lane.name, problem)
            self.note_opened(lane)
        elif was_open and not hurried and problem is not None:
            log.warning("gateway %s is still dead: %s", lane.name, problem)

    def _plan(self, lane: Lane) -> None:
        """Have a dead gateway probed when its pause is over; `note_probe` plans the one after that."""
        breaker = lane.breaker
        opening, now = breaker.openings, self._clock.monotonic()

        def probe() -> None:
            if breaker.is_open and breaker.openings == opening:
                lane.probe()

        # At once if the account is refused: this shows whether a probe notices that.
        self._timer.call_at(now if breaker.is_barred else breaker.health(now).until, probe)


def _explain_closed(lane: Lane) -> str:
    if lane.breaker.is_barred:
        return (
            f"gateway {lane.name} refuses the account: nothing is sent there until one message, tried every few "
            "minutes, goes through"
        )
    return f"gateway {lane.name} fails again and again: nothing is sent there until a probe succeeds"
