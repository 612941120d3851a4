"""Every store keeps the promises of a store."""

from pathlib import Path

from smsotp_plugin.stores.base import ChallengeStore
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.unit.hand_clock import HandClock

from .store_contract import StoreContract


class TestSqlite(StoreContract):
    """One file."""

    def open(self, place: Path, window: float, clock: HandClock) -> ChallengeStore:
        return SqliteStore(place / "smsotp.db", window, 86400, clock)
