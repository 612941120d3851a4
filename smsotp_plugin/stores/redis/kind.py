"""The store in Redis, as the configuration names it. Modules that need redis-py are imported where they are used."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, cast

from smsotp_plugin.clock import Clock, SystemClock
from smsotp_plugin.stores.budgets import BudgetRules, Usage
from smsotp_plugin.stores.contents import StoreContents
from smsotp_plugin.stores.delivery_log import DeliveryEvent, Wanted
from smsotp_plugin.stores.kind import Store, StoreKind
from smsotp_plugin.stores.person import Erased, StoredPerson
from smsotp_plugin.stores.process_traits import ProcessTraits
from smsotp_plugin.stores.queue import QueueView
from smsotp_plugin.stores.redis.foreign import reads_replies
from smsotp_plugin.stores.redis.settings import RedisSettings
from smsotp_plugin.stores.redis.shared_clock import SharedClock

if TYPE_CHECKING:
    from smsotp_plugin.stores.redis.scripts import Scripts

#: Seconds that each call of a command may take: no log-in waits for it.
_PATIENCE = 10.0


@contextmanager
def _open_beside(
    settings: RedisSettings, clock: Clock, *, changes_nothing: bool = False
) -> Iterator["Scripts"]:
    """Open the way to a Redis for a command, which itself says what is wrong."""
    from smsotp_plugin.stores.redis.connect import connect  # noqa: PLC0415  (needs redis-py)

    link, scripts = connect(settings, clock, changes_nothing=changes_nothing, limit=_PATIENCE, tells=False)
    with closing(link):
        yield scripts


class RedisKind(StoreKind[RedisSettings]):
    """A Redis (or Valkey), used by any number of servers."""

    Settings = RedisSettings

    def open(  # noqa: PLR0913  (see `StoreKind`)
        self,
        settings: RedisSettings,
        *,
        window: float,
        events_kept: float,
        clock: Clock,
        budgets: BudgetRules,
        traits: ProcessTraits,
    ) -> Store:
        from smsotp_plugin.stores.redis.store import RedisStore  # noqa: PLC0415  (needs redis-py)

        return RedisStore(settings, window, events_kept, clock, budgets, traits=traits)

    def share_clock(self, settings: RedisSettings, clock: Clock) -> Clock:
        return SharedClock(clock, settings.place)

    def read_trace(self, settings: RedisSettings, wanted: Wanted, limit: int) -> Sequence[DeliveryEvent]:
        from smsotp_plugin.stores.redis.trace import read_events  # noqa: PLC0415  (needs redis-py)

        with _open_beside(settings, SystemClock(), changes_nothing=True) as scripts:
            return read_events(scripts, wanted, limit)

    def erase(self, settings: RedisSettings, person: StoredPerson) -> Erased:
        from smsotp_plugin.stores.redis.erase import erase_from_redis  # noqa: PLC0415  (needs redis-py)

        clock = SystemClock()
        with _open_beside(settings, clock) as scripts:
            return erase_from_redis(scripts, person, clock)

    @reads_replies
    def unlock(self, settings: RedisSettings, names: Sequence[str]) -> int:
        with _open_beside(settings, SystemClock()) as scripts:
            return int(str(scripts.run("unlock", ["watched"], *names)))

    def read_limits(
        self, settings: RedisSettings, rules: BudgetRules, keys: Sequence[str], clock: Clock
    ) -> Usage:
        from smsotp_plugin.stores.redis.limits import read_limits_in_redis  # noqa: PLC0415  (needs redis-py)

        with _open_beside(settings, clock, changes_nothing=True) as scripts:
            return read_limits_in_redis(scripts, rules, keys, clock)

    def lift_limits(self, settings: RedisSettings, keys: Sequence[str], clock: Clock) -> int:
        from smsotp_plugin.stores.redis.limits import lift_limits_in_redis  # noqa: PLC0415  (needs redis-py)

        with _open_beside(settings, clock) as scripts:
            return lift_limits_in_redis(scripts, keys)

    def read_contents(self, settings: RedisSettings) -> StoreContents:
        from smsotp_plugin.stores.redis.contents import read_contents_of_redis  # noqa: PLC0415  (needs redis-py)

        with _open_beside(settings, SystemClock(), changes_nothing=True) as scripts:
            return read_contents_of_redis(scripts)

    def write_contents(
        self, settings: RedisSettings, contents: StoreContents, *, events_kept: float, clock: Clock
    ) -> None:
        from smsotp_plugin.stores.redis.contents import write_contents_to_redis  # noqa: PLC0415  (needs redis-py)

        with _open_beside(settings, clock) as scripts:
            write_contents_to_redis(scripts, contents, events_kept)

    def look(self, settings: RedisSettings) -> Sequence[str]:
        from smsotp_plugin.stores.redis.look import look_at_redis  # noqa: PLC0415  (needs redis-py)

        with _open_beside(settings, SystemClock(), changes_nothing=True) as scripts:
            return look_at_redis(scripts)

    def compare_keys(self, settings: RedisSettings, traits: ProcessTraits) -> None:
        from smsotp_plugin.stores.redis.look import compare_keys_in_redis  # noqa: PLC0415  (needs redis-py)

        with _open_beside(settings, SystemClock(), changes_nothing=True) as scripts:
            compare_keys_in_redis(scripts, traits, settings.place)

    def look_around(self, settings: RedisSettings, traits: ProcessTraits) -> Sequence[str]:
        from smsotp_plugin.stores.redis.others import compare_clocks, find_differences  # noqa: PLC0415  (needs redis-py)

        clock = SystemClock()
        with _open_beside(settings, clock, changes_nothing=True) as scripts:
            return [
                *compare_clocks(scripts, clock, settings.place),
                *find_differences(scripts, traits, settings.place),
            ]

    def look_at_queue(self, settings: RedisSettings) -> QueueView:
        from smsotp_plugin.stores.redis.queue import read_view  # noqa: PLC0415  (needs hiredis)

        with _open_beside(settings, SystemClock(), changes_nothing=True) as scripts:
            return read_view(scripts)

    @reads_replies
    def list_processes(self, settings: RedisSettings) -> frozenset[str]:
        with _open_beside(settings, SystemClock(), changes_nothing=True) as scripts:
            found = cast("list[bytes]", scripts.ask("ZRANGE", 0, -1, key="owners"))
        return frozenset(owner.decode() for owner in found)
