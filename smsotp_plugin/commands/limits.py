"""``smsotp limits``: what was over a limit, what somebody has spent, and its lifting; beside a running server or without one."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from smsotp_plugin.clock import Clock, SystemClock
from smsotp_plugin.commands.check import print_problems
from smsotp_plugin.commands.person import find_person
from smsotp_plugin.errors import ConfigError, StoreError
from smsotp_plugin.log import quote
from smsotp_plugin.login.budgets import make_rules
from smsotp_plugin.settings import Settings, load_settings
from smsotp_plugin.stores.budgets import Count, Scope, Usage
from smsotp_plugin.stores.schemes import lift_limits, read_limits


def show_limits(config: Path, whom: str, *, lift: bool) -> int:
    """
    Print what was over a limit, or what somebody has spent; lift that.

    Args:
        config: The configuration.
        whom: A User-Name in any spelling, or a telephone number; empty for all.
        lift: Whether it is to be forgotten what they have spent.

    Returns:
        The exit code: 0, 1 where the store cannot be used, 2 where the configuration cannot be used.
    """
    out, err = (Console(stderr=stderr, soft_wrap=True, highlight=False) for stderr in (False, True))
    try:
        settings = load_settings(config)
        clock = SystemClock()
        if whom:
            out.print(Text("\n".join(_tell_person(settings, whom, clock, lift=lift))))
        else:
            usage = read_limits(settings.store, make_rules(settings.limits), (), clock)
            out.print(Text("\n".join([*_tell_settings(settings), *_tell_counts(usage.counts, clock)])))
    except ConfigError as exc:
        print_problems(err, exc.problems)
        return 2
    except StoreError as exc:
        err.print(Text(f"smsotp: {exc}"))
        return 1
    return 0


def _tell_person(settings: Settings, whom: str, clock: Clock, *, lift: bool) -> Sequence[str]:
    keys = find_person(settings, whom).budgets
    told = _tell_usage(whom, read_limits(settings.store, make_rules(settings.limits), keys, clock))
    if lift:
        lift_limits(settings.store, keys, clock)
        told.append(f"{quote(whom)}: all of this is forgotten; a running server knows within seconds.")
    return told


def _tell_usage(whom: str, usage: Usage) -> list[str]:
    lines = [
        f"{quote(whom)}: {used} of {quota.most} SMS ({Scope(key[0]).setting} = {quota})"
        for key, spent in usage.spent.items()
        for quota, used in spent
    ]
    return lines or [f"{quote(whom)}: no SMS counts at present"]


def _tell_settings(settings: Settings) -> list[str]:
    limits = settings.limits
    set_limits = {scope.setting: getattr(limits, scope.setting) for scope in Scope}
    lines = [f"{name} = {', '.join(map(str, quotas))}" for name, quotas in set_limits.items() if quotas]
    if limits.money_per_day is not None:
        lines.append(f"money_per_day = {limits.money_per_day}")
    return [f"mode = {limits.mode}", *lines]


def _tell_counts(counts: Sequence[Count], clock: Clock) -> list[str]:
    today = datetime.fromtimestamp(clock.time(), UTC).date()
    all_days, this_day = Counter[str](), Counter[str]()
    for count in counts:
        all_days[count.name] += count.number
        this_day[count.name] += count.number if count.day == today else 0
    if not all_days:
        return ["Nothing was over a limit in the last 32 days."]
    return [
        "",
        *(
            f"{name}: {this_day[name]} today, {number} in 32 days"
            for name, number in sorted(all_days.items())
        ),
    ]
