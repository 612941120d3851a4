"""Traffic as it passes the watch for pumping, much faster than it happens."""

import heapq
from collections.abc import Iterable
from pathlib import Path

from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.errors import Braked
from smsotp_plugin.login.pumping import PumpingWatch
from smsotp_plugin.settings.sections.limits import LimitMode, LimitSettings
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.clock import FakeClock, Waits
from tests.support.traffic import DAY, Turn

#: Seconds between two checks of the watch; in a server, one second.
_LOOK = 30.0


class Replay:
    """
    A watch that brakes, with a store.

    Args:
        place: For the store.
    """

    def __init__(self, place: Path) -> None:
        self.clock = FakeClock(1_000_000.0, Waits.NOT_AT_ALL)
        self.store = SqliteStore(place / "smsotp.db", 30.0, DAY, self.clock)
        names = CodeMaker(b"k" * 32, 6, "0123456789", bytes).names
        self.watch = PumpingWatch(LimitSettings(pumping=LimitMode.ENFORCE), names, self.store, self.clock)
        self.log_ins = self.braked = 0
        self._begin = self.clock.time()
        self._look_at = 0.0
        self._answers: list[tuple[float, str]] = []

    def run(self, turns: Iterable[Turn]) -> None:
        """Replay log-ins and their answers."""
        for turn in turns:
            self._pass(turn.at)
            self.log_ins += 1
            request, number = turn.who.request(turn.station), parse_number(turn.who.number, None)
            state = str(self.log_ins)
            try:
                self.watch.check(request, number)
            except Braked:
                self.braked += 1
                continue
            self.watch.note_sent(state, request, number)
            if turn.answered is not None:
                heapq.heappush(self._answers, (turn.at + turn.answered, state))

    def close(self) -> None:
        self.store.close()

    def _pass(self, until: float) -> None:
        while self._answers and self._answers[0][0] <= until:
            at, state = heapq.heappop(self._answers)
            self.advance(at)
            self.watch.note_answered(state)
        self.advance(until)

    def advance(self, to: float) -> None:
        """Move time to a moment, given in seconds from the beginning."""
        self.clock.advance(max(0.0, self._begin + to - self.clock.time()))
        if to >= self._look_at:
            self._look_at = to + _LOOK
            self.watch.keep()
