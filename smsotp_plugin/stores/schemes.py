"""
Finds stores by the scheme of ``[store] url``.

A further kind of store is a folder next to this module with a `StoreKind`, an entry here, and a test that binds the contract.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.stores.budgets import NO_BUDGETS, BudgetRules, Usage
from smsotp_plugin.stores.contents import StoreContents
from smsotp_plugin.stores.delivery_log import DeliveryEvent, Wanted
from smsotp_plugin.stores.kind import Store, StoreKind
from smsotp_plugin.stores.person import Erased, StoredPerson
from smsotp_plugin.stores.process_traits import NO_TRAITS, ProcessTraits
from smsotp_plugin.stores.queue import QueueView
from smsotp_plugin.stores.redis.address import SCHEMES as REDIS_SCHEMES
from smsotp_plugin.stores.redis.kind import RedisKind
from smsotp_plugin.stores.settings import StoreSettings
from smsotp_plugin.stores.sqlite.kind import SqliteKind

#: The kinds by their schemes; the first one is used if no url is set.
SCHEMES: Mapping[str, StoreKind[Any]] = {
    "sqlite": SqliteKind(),
    **dict.fromkeys(REDIS_SCHEMES, RedisKind()),
}


def find_store(url: object) -> StoreKind[Any]:
    """
    Return the kind of the store at an address.

    Args:
        url: As in ``[store] url``; None if it is not set.

    Raises:
        ConfigError: There is none of its scheme; one problem, without a place.
    """
    if url is None:
        return next(iter(SCHEMES.values()))
    scheme, colon, _ = url.partition("://") if isinstance(url, str) else ("", "", "")
    if not colon or scheme not in SCHEMES:
        known = ", ".join(f'"{known}://"' for known in SCHEMES)
        raise ConfigError([f"it must be the address of a store; it begins with one of: {known}"])
    return SCHEMES[scheme]


def open_store(  # noqa: PLR0913  (see `StoreKind`)
    settings: StoreSettings,
    *,
    window: float,
    events_kept: float,
    clock: Clock,
    budgets: BudgetRules = NO_BUDGETS,
    traits: ProcessTraits = NO_TRAITS,
) -> Store:
    """See `StoreKind.open`."""
    return find_store(settings.url).open(
        settings, window=window, events_kept=events_kept, clock=clock, budgets=budgets, traits=traits
    )


def read_trace(settings: StoreSettings, wanted: Wanted, limit: int) -> Sequence[DeliveryEvent]:
    """See `StoreKind.read_trace`."""
    return find_store(settings.url).read_trace(settings, wanted, limit)


def erase_person(settings: StoreSettings, person: StoredPerson) -> Erased:
    """See `StoreKind.erase`."""
    return find_store(settings.url).erase(settings, person)


def unlock_account(settings: StoreSettings, names: Sequence[str]) -> int:
    """See `StoreKind.unlock`."""
    return find_store(settings.url).unlock(settings, names)


def read_limits(settings: StoreSettings, rules: BudgetRules, keys: Sequence[str], clock: Clock) -> Usage:
    """See `StoreKind.read_limits`."""
    return find_store(settings.url).read_limits(settings, rules, keys, clock)


def lift_limits(settings: StoreSettings, keys: Sequence[str], clock: Clock) -> int:
    """See `StoreKind.lift_limits`."""
    return find_store(settings.url).lift_limits(settings, keys, clock)


def copy_store(
    source: StoreSettings, target: StoreSettings, *, events_kept: float, clock: Clock
) -> StoreContents:
    """
    Fill a store with everything that another one holds, while no server uses either.

    Returns:
        What has been copied.

    Raises:
        StoreError: One of them is not there, or the target holds something already.
    """
    contents = find_store(source.url).read_contents(source)
    find_store(target.url).write_contents(target, contents, events_kept=events_kept, clock=clock)
    return contents


def look_at_store(settings: StoreSettings) -> Sequence[str]:
    """See `StoreKind.look`."""
    return find_store(settings.url).look(settings)


def compare_keys(settings: StoreSettings, traits: ProcessTraits) -> None:
    """See `StoreKind.compare_keys`."""
    find_store(settings.url).compare_keys(settings, traits)


def look_around(settings: StoreSettings, traits: ProcessTraits) -> Sequence[str]:
    """See `StoreKind.look_around`."""
    return find_store(settings.url).look_around(settings, traits)


def share_clock(settings: StoreSettings, clock: Clock) -> Clock:
    """See `StoreKind.share_clock`."""
    return find_store(settings.url).share_clock(settings, clock)


def look_at_queue(settings: StoreSettings) -> QueueView:
    """See `StoreKind.look_at_queue`."""
    return find_store(settings.url).look_at_queue(settings)


def list_processes(settings: StoreSettings) -> frozenset[str]:
    """See `StoreKind.list_processes`."""
    return find_store(settings.url).list_processes(settings)
