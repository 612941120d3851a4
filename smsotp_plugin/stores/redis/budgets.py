"""Budgets in Redis: what each change asks, and what is remembered here of the answers."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import OverBudget
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.stores.budgets import BudgetRules, Scope, Spending
from smsotp_plugin.stores.redis.foreign import read_moment
from smsotp_plugin.stores.redis.line import Reply, Word
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.scripts import Scripts
from smsotp_plugin.stores.redis.steady import SteadyClock

_DAY = 86400.0
_MILLION = 1_000_000
#: Seconds for which a budget is remembered here as spent; another node may have lifted it since.
_KNOWN_FOR = 2.0
#: How many budgets are remembered; all are forgotten together.
_MOST_KNOWN = 10_000


class Spender:
    """
    Spends through one store.

    Args:
        rules: The budgets.
        scripts: Runs changes.
        clock: Time.
        steady: What this process takes for the agreed time.
    """

    def __init__(self, rules: BudgetRules, scripts: Scripts, clock: Clock, steady: SteadyClock) -> None:
        self._rules = rules
        self._scripts = scripts
        self._clock = clock
        self._steady = steady
        self._quotas = {
            scope.value: tuple(sorted(quotas, key=lambda quota: quota.seconds))
            for scope, quotas in rules.quotas.items()
            if quotas
        }
        self._limits = self._write_limits()
        self._quota_words = {
            letter: (len(quotas), *(word for quota in quotas for word in (quota.most, quota.seconds)))
            for letter, quotas in self._quotas.items()
        }
        self._lock = threading.Lock()
        #: By key, until when it is believed.
        self._known: dict[str, tuple[float, Callable[[], OverBudget]]] = {}

    def words(self, spending: Spending) -> list[Word | float]:
        """Return what a script that spends is told; see `read_spending` in budgets.lua."""
        if not spending.keys and not spending.money:
            return []
        now = self._steady.now() if self._steady.is_told else ""
        words = [now, spending.messages, *self._limits, spending.money]
        for key in spending.keys:
            words += (key, *self._quota_words.get(key[0], (0,)))
        return words

    def read(self, reply: Reply) -> OverBudget | None:
        """Remember which budget an SMS would exceed, as a script says, and return that."""
        if not isinstance(reply, list) or len(reply) != 3:
            return None
        key, number, wait = cast("tuple[bytes, int, bytes]", reply)
        seconds = read_moment(wait)
        explain = partial(self._explain, key.decode(), number, seconds)
        over = explain()
        with self._lock:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            until = self._clock.monotonic() + min(_KNOWN_FOR, seconds)
            self._known[key.decode()] = until, explain
        return over

    def find_over(self, spending: Spending) -> OverBudget | None:
        """See `BudgetStore.over_budget`."""
        now = self._clock.monotonic()
        with self._lock:
            if not self._known:
                return None
            for key in (*spending.keys, *([""] if spending.money else [])):
                until, explain = self._known.get(key, (now, None))
                if explain is not None and now < until:
                    return explain()
        return None

    def forget(self, keys: Sequence[str]) -> None:
        """Forget what is known of some keys."""
        with self._lock:
            for key in keys:
                self._known.pop(key, None)

    def command(self, spending: Spending) -> Command:
        """Return the command that spends something whatever the budgets say."""
        keys = [f"spent:{next(iter(spending.keys), '')}"]
        return self._scripts.command("spend", keys, 1, *self.words(spending))

    def quotas_of(self, key: str) -> Sequence[Quota]:
        """Return the quotas of a key, the one of the shortest time first."""
        return self._quotas.get(key[0], ())

    def count(self, moments: Sequence[float], quota: Quota) -> int:
        """Return how much of a quota is spent."""
        now = self._steady.now()
        return min(quota.most, sum(moment > now - quota.seconds for moment in moments))

    def _write_limits(self) -> tuple[Word | float, ...]:
        """Return what all spendings have in common: after how many seconds nothing counts, whether budgets are enforced, and money."""
        longest = max([_DAY, *(float(quota.seconds) for each in self._quotas.values() for quota in each)])
        cap = self._rules.money_per_day
        return longest, int(self._rules.enforced), "" if cap is None else cap

    def _explain(self, key: str, number: int, wait: float) -> OverBudget:
        if not key:
            return OverBudget(
                "money_per_day", f"{(self._rules.money_per_day or 0) / _MILLION:g}", "", wait, _DAY
            )
        quota = self._quotas[key[0]][number - 1]
        return OverBudget(Scope(key[0]).setting, quota.written, key, wait, quota.seconds)
