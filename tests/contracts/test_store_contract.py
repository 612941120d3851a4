"""Every store keeps the promises of a store."""

import threading
from pathlib import Path
from typing import cast

from smsotp_plugin.stores.base import ChallengeStore
from smsotp_plugin.stores.patient import PatientStore
from smsotp_plugin.stores.schemes import SCHEMES
from smsotp_plugin.stores.settings import StoreSettings
from smsotp_plugin.stores.sqlite.settings import SqliteSettings
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.clock import FakeClock

from .store_contract import StoreContract


class TestSqlite(StoreContract):
    """One file."""

    def settings(self, place: Path) -> StoreSettings:
        return SqliteSettings(url=f"sqlite://{place}/smsotp.db")

    def keep_house(self, store: ChallengeStore, clock: FakeClock) -> None:
        inside(store).tidy(clock.time())

    def die(self, store: ChallengeStore) -> None:
        inner = inside(store)
        cast("PatientStore", store)._patience.close()
        inner._wake.put(False)
        if threading.current_thread() is not inner._thread:
            inner._thread.join()
        inner._file.close()


def inside(store: object) -> SqliteStore:
    """Return the store that does the work, without the patience around it."""
    assert isinstance(store, PatientStore)
    assert isinstance(store._store, SqliteStore)
    return store._store


def test_every_store_that_can_be_configured_is_held_to_the_contract() -> None:
    bound = {binding.__name__.removeprefix("Test") for binding in StoreContract.__subclasses__()}

    assert {type(kind).__name__.removesuffix("Kind") for kind in SCHEMES.values()} == bound
