"""Every store keeps the promises of a store."""

import threading
from pathlib import Path

from smsotp_plugin.stores.base import ChallengeStore
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.unit.hand_clock import HandClock

from .store_contract import StoreContract


class TestSqlite(StoreContract):
    """One file."""

    def open(self, place: Path, window: float, clock: HandClock) -> ChallengeStore:
        return SqliteStore(place / "smsotp.db", window, 86400, clock)

    def die(self, store: ChallengeStore) -> None:
        assert isinstance(store, SqliteStore)
        store._wake.put(False)
        if threading.current_thread() is not store._thread:
            store._thread.join()
        store._file.close()
