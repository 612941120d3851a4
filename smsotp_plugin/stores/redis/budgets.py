"""Budgets in Redis: what is asked with each change, and what is known here of the answers."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import cast

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import OverBudget
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.stores.budgets import BudgetRules, Scope, Spending
from smsotp_plugin.stores.redis.foreign import read_moment
from smsotp_plugin.stores.redis.line import Reply
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.scripts import Scripts
from smsotp_plugin.stores.redis.steady import SteadyClock

_DAY = 86400.0
_MILLION = 1_000_000
#: Seconds for which a budget that is spent is known here; another node may have lifted it since.
_KNOWN_FOR = 2.0
#: Budgets that are known; all are forgotten together.
_MOST_KNOWN = 10_000


class Spender:
    """
    What is spent through one store.

    Args:
        rules: The budgets.
        scripts: Runs changes.
        clock: Time.
        steady: What moments are of.
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
        self._words = self._write_rules()
        self._lock = threading.Lock()
        #: By key, until when it is believed.
        self._known: dict[str, tuple[float, Callable[[], OverBudget]]] = {}

    def words(self, spending: Spending) -> tuple[str, str, float]:
        """Return what a script is told that spends: rules, spending and moment."""
        rules = self._words if spending.keys or spending.money else ""
        return rules, json.dumps(asdict(spending)) if rules else "", self._steady.now()

    def read(self, reply: Reply) -> OverBudget | None:
        """Remember which budget would be exceeded by an SMS, as a script says, and return that."""
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
        """Believe nothing of some keys any more."""
        with self._lock:
            for key in keys:
                self._known.pop(key, None)

    def command(self, spending: Spending) -> Command:
        """Return what spends something whatever the budgets say."""
        keys = [f"spent:{next(iter(spending.keys), '')}"]
        return self._scripts.command("spend", keys, *self.words(spending), 1)

    def quotas_of(self, key: str) -> Sequence[Quota]:
        """Return the quotas of a key, the one of the shortest time first."""
        return self._quotas.get(key[0], ())

    def count(self, moments: Sequence[float], quota: Quota) -> int:
        """Return how much of a quota is spent."""
        now = self._steady.now()
        return min(quota.most, sum(moment > now - quota.seconds for moment in moments))

    def _write_rules(self) -> str:
        pairs = {
            letter: [(quota.most, quota.seconds) for quota in quotas]
            for letter, quotas in self._quotas.items()
        }
        cap = self._rules.money_per_day
        return json.dumps(
            {
                "quotas": pairs,
                "most": {letter: max(most for most, _ in each) for letter, each in pairs.items()},
                "enforced": self._rules.enforced,
                "longest": max([_DAY, *(seconds for each in pairs.values() for _, seconds in each)]),
                **({} if cap is None else {"cap": cap}),
            }
        )

    def _explain(self, key: str, number: int, wait: float) -> OverBudget:
        if not key:
            return OverBudget(
                "money_per_day", f"{(self._rules.money_per_day or 0) / _MILLION:g}", "", wait, _DAY
            )
        quota = self._quotas[key[0]][number - 1]
        return OverBudget(Scope(key[0]).setting, quota.written, key, wait, quota.seconds)
