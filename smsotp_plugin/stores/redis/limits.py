"""What a command asks about the budgets in Redis and changes in them, whether or not servers are running."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from smsotp_plugin.clock import Clock
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.stores.budgets import BudgetRules, Count, Usage
from smsotp_plugin.stores.redis.answers import lift_brakes, list_brakes
from smsotp_plugin.stores.redis.budgets import Spender
from smsotp_plugin.stores.redis.foreign import read_moment, reads_replies
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.scripts import Scripts, check
from smsotp_plugin.stores.redis.steady import SteadyClock, ask_time

_DAY = 86400
#: Days that counters are kept; see count.lua.
_DAYS_KEPT = 33


@reads_replies
def read_limits_in_redis(scripts: Scripts, rules: BudgetRules, keys: Sequence[str], clock: Clock) -> Usage:
    """See `StoreKind.read_limits`."""
    # By the same clock as the servers, or what they have spent would seem older or newer than it does to them.
    now, steady = ask_time(scripts), SteadyClock(scripts, clock)
    steady.agree()
    spender = Spender(rules, scripts, clock, steady)
    today = int(now // _DAY)
    days = range(today - _DAYS_KEPT, today + 2)
    replies = scripts.run_all([Command(("HGETALL", scripts.key(f"counts:{day}"))) for day in days])
    counts: list[Count] = []
    for day, reply in zip(days, replies, strict=True):
        row = [word.decode() for word in cast("list[bytes]", check(reply))]
        moment = datetime.fromtimestamp(day * _DAY, UTC).date()
        counts += sorted(
            (Count(moment, name, int(number)) for name, number in zip(row[::2], row[1::2], strict=True)),
            key=lambda count: count.name,
        )
    spent = {key: read_spent(scripts, spender, key) for key in keys}
    return Usage(
        now,
        counts,
        {key: each for key, each in spent.items() if any(used for _, used in each)},
        list_brakes(scripts),
    )


@reads_replies
def read_spent(scripts: Scripts, spender: Spender, key: str) -> list[tuple[Quota, int]]:
    """See `BudgetStore.spent`."""
    moments = cast("list[bytes]", scripts.ask("LRANGE", 0, -1, key=f"spent:{key}"))
    return [
        (quota, spender.count([read_moment(moment) for moment in moments], quota))
        for quota in spender.quotas_of(key)
    ]


@reads_replies
def lift_limits_in_redis(scripts: Scripts, keys: Sequence[str]) -> int:
    """See `StoreKind.lift_limits`."""
    for reply in scripts.run_all([Command(("DEL", scripts.key(f"spent:{key}"))) for key in keys]):
        check(reply)
    return lift_brakes(scripts, keys)
