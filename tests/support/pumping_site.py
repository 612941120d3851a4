"""A site where the share of codes that are answered is watched, and numbers in blocks."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.errors import Braked
from smsotp_plugin.login.pumping import PumpingWatch
from smsotp_plugin.settings.sections.limits import LimitSettings
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.clock import FakeClock, Waits
from tests.support.login_bench import request
from tests.support.traffic import DAY

GRACE = 181.0
ENFORCE = {"pumping": "enforce", "per_user": [], "per_number": []}


class Site:
    """A watch with a store and time; people come, and answer or not."""

    def __init__(self, place: Path, **limits: Any) -> None:
        self.clock = FakeClock(1_000_000.0, Waits.NOT_AT_ALL)
        self.place = place
        self.limits = LimitSettings(**({"pumping": "enforce"} | limits))
        self._count = 0
        self.open()

    def open(self) -> None:
        self.store = SqliteStore(self.place / "smsotp.db", 30.0, DAY, self.clock)
        names = CodeMaker(b"k" * 32, 6, "0123456789", bytes).names
        self.watch = PumpingWatch(self.limits, names, self.store, self.clock)
        self.watch.keep()

    def restart(self) -> None:
        self.watch.stop()
        self.store.close()
        self.open()

    def send(self, number: str = "+491701230000", *, answered: bool = False, **fields: Any) -> bool:
        """Log in; return whether an SMS was sent."""
        self._count += 1
        asked = request(**({"station": f"s{self._count}"} | fields))
        phone = parse_number(number, None)
        try:
            self.watch.check(asked, phone)
        except Braked:
            return False
        self.watch.note_sent(str(self._count), asked, phone)
        if answered:
            self.watch.note_answered(str(self._count))
        return True

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.watch.keep()


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    made: list[Site] = []

    def at(**limits: Any) -> Site:
        made.append(Site(tmp_path, **limits))
        return made[-1]

    yield at
    for site in made:
        site.store.close()


def block(number: int, prefix: str = "+49170123") -> str:
    return f"{prefix}{number:04d}"
