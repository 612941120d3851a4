"""``smsotp limits``: shows what was over a limit or what somebody has spent, and lifts that; with or without a running server."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from smsotp_plugin.clock import Clock, SystemClock
from smsotp_plugin.commands.person import find_person
from smsotp_plugin.commands.terminal import open_consoles, tells_failures
from smsotp_plugin.errors import NumberError
from smsotp_plugin.log import make_printable, quote
from smsotp_plugin.login.budgets import make_rules
from smsotp_plugin.login.pumping import describe_origin
from smsotp_plugin.settings import Settings, load_settings
from smsotp_plugin.sms.kinds import cut_block
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.answers import Brake
from smsotp_plugin.stores.budgets import Count, Scope, Usage
from smsotp_plugin.stores.schemes import lift_limits, read_limits


@tells_failures
def show_limits(config: Path, whom: str, *, lift: bool) -> int:
    """
    Print what was over a limit, or what somebody has spent; lift that.

    Args:
        config: The configuration.
        whom: A User-Name in any spelling, or a telephone number; empty for all.
        lift: Whether to forget what they have spent.

    Returns:
        The exit code: 0, 1 if the store cannot be used, 2 if the configuration cannot be used.
    """
    out, err = open_consoles()
    settings = load_settings(config)
    clock = SystemClock()
    if lift and not whom:
        err.print(Text("smsotp: say what to lift: a user, a number, or the name of a brake"))
        return 1
    if whom:
        _print(out, _tell_person(settings, whom, clock, lift=lift))
    else:
        usage = read_limits(settings.store, make_rules(settings.limits), (), clock)
        told = (
            _tell_settings(settings),
            _tell_counts(usage.counts, usage.at),
            _tell_brakes(usage.brakes, usage.at),
        )
        for number, lines in enumerate(filter(None, told)):
            _print(out, ["", *lines] if number else lines)
    return 0


def _print(out: Console, lines: Sequence[str]) -> None:
    # Somebody who can write to the store must not be able to control the terminal.
    out.print(Text("\n".join(map(make_printable, lines))))


def _tell_person(settings: Settings, whom: str, clock: Clock, *, lift: bool) -> Sequence[str]:
    person = find_person(settings, whom)
    usage = read_limits(settings.store, make_rules(settings.limits), person.budgets, clock)
    brakes = [brake for brake in usage.brakes if _is_of(brake, settings, whom)]
    told = [*_tell_usage(whom, usage, person.without_code), *_tell_brakes(brakes, usage.at)]
    if lift:
        lift_limits(settings.store, (*person.budgets, *(brake.key for brake in brakes)), clock)
        told.append(f"{quote(whom)}: all of this is forgotten; a running server knows within seconds.")
        told.append("Account and number have budgets of their own: lift both if somebody is refused.")
    return told


def _is_of(brake: Brake, settings: Settings, whom: str) -> bool:
    """Tell whether a brake is meant: by its label, or by one of the numbers that it stops."""
    if brake.label.casefold() == whom.strip().casefold():
        return True
    try:
        number = parse_number(whom, settings.users.default_region)
    except NumberError:
        return False
    return brake.label == cut_block(number.e164)


def _tell_brakes(brakes: Sequence[Brake], now: float) -> list[str]:
    lines = []
    for brake in brakes:
        if now < brake.until:
            until = datetime.fromtimestamp(brake.until, UTC).astimezone()
            what = "no SMS" if brake.enforced else "would get no SMS (limits.pumping)"
            lines.append(f"{describe_origin(brake)}: {what} until {until:%Y-%m-%d %H:%M %Z}: {brake.reason}")
    return lines


def _tell_usage(whom: str, usage: Usage, without_code: Sequence[str]) -> list[str]:
    lines = [
        f"{quote(whom)}: {used} of {quota.most} {'notifications' if key in without_code else 'SMS'} "
        f"({Scope(key[0]).setting} = {quota})"
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


def _tell_counts(counts: Sequence[Count], now: float) -> list[str]:
    today = datetime.fromtimestamp(now, UTC).date()
    all_days, this_day = Counter[str](), Counter[str]()
    for count in counts:
        all_days[count.name] += count.number
        this_day[count.name] += count.number if count.day == today else 0
    if not all_days:
        return ["Nothing was over a limit in the last 32 days."]
    return [
        f"{name}: {this_day[name]} today, {number} in 32 days" for name, number in sorted(all_days.items())
    ]
