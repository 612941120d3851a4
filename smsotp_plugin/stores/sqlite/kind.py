"""The store in one SQLite file, as the configuration names it."""

from collections.abc import Sequence
from typing import cast

from smsotp_plugin.clock import Clock, SystemClock
from smsotp_plugin.stores.budgets import BudgetRules, Usage
from smsotp_plugin.stores.contents import StoreContents
from smsotp_plugin.stores.delivery_log import DeliveryEvent, Wanted
from smsotp_plugin.stores.kind import Store, StoreKind
from smsotp_plugin.stores.patient import PatientStore
from smsotp_plugin.stores.person import Erased, StoredPerson
from smsotp_plugin.stores.process_traits import ProcessTraits
from smsotp_plugin.stores.sqlite.contents import read_contents_of_file, write_contents_to_file
from smsotp_plugin.stores.sqlite.erase import erase_from_file
from smsotp_plugin.stores.sqlite.guesses import unlock_in_file
from smsotp_plugin.stores.sqlite.limits import lift_limits_in_file, read_limits_in_file
from smsotp_plugin.stores.sqlite.look import look_at_store
from smsotp_plugin.stores.sqlite.settings import SqliteSettings
from smsotp_plugin.stores.sqlite.store import SqliteStore
from smsotp_plugin.stores.sqlite.trace import trace_file
from smsotp_plugin.stores.sqlite.writing import STUCK_AFTER


class SqliteKind(StoreKind[SqliteSettings]):
    """One file, used by the processes of one machine."""

    Settings = SqliteSettings

    def open(  # noqa: PLR0913  (see `StoreKind`)
        self,
        settings: SqliteSettings,
        *,
        window: float,
        events_kept: float,
        clock: Clock,
        budgets: BudgetRules,
        traits: ProcessTraits,
    ) -> Store:
        del traits
        store = SqliteStore(settings.database, window, events_kept, clock, budgets)
        try:
            return cast("Store", PatientStore(store, store.opens_at_once, store.take_back, STUCK_AFTER))
        except BaseException:
            store.close()
            raise

    def read_trace(self, settings: SqliteSettings, wanted: Wanted, limit: int) -> Sequence[DeliveryEvent]:
        return trace_file(settings.database, wanted, limit)

    def erase(self, settings: SqliteSettings, person: StoredPerson) -> Erased:
        return erase_from_file(settings.database, person, SystemClock())

    def unlock(self, settings: SqliteSettings, names: Sequence[str]) -> int:
        return unlock_in_file(settings.database, names)

    def read_limits(
        self, settings: SqliteSettings, rules: BudgetRules, keys: Sequence[str], clock: Clock
    ) -> Usage:
        return read_limits_in_file(settings.database, rules, keys, clock)

    def lift_limits(self, settings: SqliteSettings, keys: Sequence[str], clock: Clock) -> int:
        return lift_limits_in_file(settings.database, keys, clock)

    def read_contents(self, settings: SqliteSettings) -> StoreContents:
        return read_contents_of_file(settings.database)

    def write_contents(
        self, settings: SqliteSettings, contents: StoreContents, *, events_kept: float, clock: Clock
    ) -> None:
        del events_kept
        write_contents_to_file(settings.database, contents, clock)

    def look(self, settings: SqliteSettings) -> Sequence[str]:
        look_at_store(settings.database)
        return ()
