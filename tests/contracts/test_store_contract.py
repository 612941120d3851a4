"""Every store keeps the promises of a store."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast
from zlib import crc32

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.stores.base import ChallengeStore
from smsotp_plugin.stores.budgets import NO_BUDGETS, BudgetRules
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.patient import PatientStore
from smsotp_plugin.stores.redis.settings import RedisSettings
from smsotp_plugin.stores.redis.store import RedisStore
from smsotp_plugin.stores.schemes import SCHEMES
from smsotp_plugin.stores.settings import StoreSettings
from smsotp_plugin.stores.sqlite.settings import SqliteSettings
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import DAY
from tests.support.clock import FakeClock
from tests.support.redis import PATIENCE, Redis, RedisClock, join_cluster

from .guess_steps import RULES
from .store_contract import StoreContract


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    # A Cluster of one node: it refuses a change that touches keys of several slots.
    with RedisServer(tmp_path_factory.mktemp("redis"), options=join_cluster()) as server:
        redis = Redis(server.port)
        redis.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        redis.close()
        server.wait_for_log("Cluster state changed: ok", timeout=PATIENCE)
        TestRedis.url = server.url
        yield server


class TestRedis(StoreContract):
    """A Redis of its own, whose clock the tests move with all others."""

    url: str

    @pytest.fixture
    def clock(self, server: RedisServer) -> Iterator[FakeClock]:
        clock = RedisClock(server.port)
        clock.ask("FLUSHALL")
        yield clock
        clock.close()

    def settings(self, place: Path) -> RedisSettings:
        return RedisSettings(url=self.url, key="k" * 32, prefix=f"{crc32(str(place).encode()):x}")

    def open(self, place: Path, window: float, clock: FakeClock, budgets: BudgetRules = NO_BUDGETS) -> Store:
        return RedisStore(self.settings(place), window, DAY, clock, budgets, turn=clock.time, limit=20.0)

    def keep_house(self, store: ChallengeStore, clock: FakeClock) -> None:
        del clock
        assert isinstance(store, RedisStore)
        store._keep_house()
        store.flush()

    def die(self, store: ChallengeStore) -> None:
        assert isinstance(store, RedisStore)
        store._gatherer.stop()
        # As some seconds later: nobody says any more that it lives.
        store._scripts.ask("ZADD", 1, store._messages.owner, key="owners")
        store._watched.close()
        store._link.close()


class TestSqlite(StoreContract):
    """One file."""

    def settings(self, place: Path) -> StoreSettings:
        return SqliteSettings(url=f"sqlite://{place}/smsotp.db")

    def keep_house(self, store: ChallengeStore, clock: FakeClock) -> None:
        inside(store).tidy(clock.time())

    def die(self, store: ChallengeStore) -> None:
        inner = inside(store)
        cast("PatientStore", store)._patience.close()
        inner._gatherer.stop()
        inner._file.close()


class TestSqliteInAQuietHour(TestSqlite):
    """The same, where nobody has to wait at first: right answers are accepted before their consequences are written."""

    def open(self, place: Path, window: float, clock: FakeClock, budgets: BudgetRules = NO_BUDGETS) -> Store:
        store = super().open(place, window, clock, budgets)
        store.may_wait(RULES)
        return store


def inside(store: object) -> SqliteStore:
    """Return the store that does the work, without the patience around it."""
    assert isinstance(store, PatientStore)
    assert isinstance(store._store, SqliteStore)
    return store._store


def test_every_store_that_can_be_configured_is_held_to_the_contract() -> None:
    bound = {binding.__name__.removeprefix("Test") for binding in StoreContract.__subclasses__()}

    assert {type(kind).__name__.removesuffix("Kind") for kind in SCHEMES.values()} == bound
