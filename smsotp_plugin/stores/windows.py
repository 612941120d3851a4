"""
What was spent within the last hours, in memory: exact sliding windows that decide in a microsecond.

It holds, for each key, the moments of its last SMS, as many as its largest quota looks at: nothing else is needed to see
whether one more is too many. Moments are monotonic seconds, so that nobody gets more SMS by setting the clock.
"""

import threading
from array import array
from bisect import insort
from collections import deque

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import OverBudget
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.stores.budgets import BudgetRules, Scope, Spending

#: Up to this many moments are kept in a tuple, which is small and which Python's garbage collector ignores.
_FEW = 64
_DAY = 86400.0
_MILLION = 1_000_000

Moments = tuple[float, ...] | array  # type: ignore[type-arg]  # not generic at run time before Python 3.12


class Windows:
    """
    The budgets of one process. Safe under threads.

    Args:
        rules: The budgets.
        clock: Time.
    """

    def __init__(self, rules: BudgetRules, clock: Clock) -> None:
        self.rules = rules
        self._clock = clock
        self._lock = threading.Lock()
        #: By the letters of the scopes, the shortest time first.
        self._quotas = {
            scope.value: tuple(sorted(quotas, key=lambda quota: quota.seconds))
            for scope, quotas in rules.quotas.items()
            if quotas
        }
        self._most = {letter: max(quota.most for quota in quotas) for letter, quotas in self._quotas.items()}
        #: Seconds after which nothing counts any more.
        self.longest = max(
            [_DAY, *(float(quota.seconds) for quotas in self._quotas.values() for quota in quotas)]
        )
        #: What the newer one lacks may be in the older one; each is filled for as long as anything counts.
        self._newer: dict[str, Moments] = {}
        self._older: dict[str, Moments] = {}
        self._turn = clock.monotonic() + self.longest
        self._money: deque[tuple[float, int]] = deque()
        self._money_spent = 0

    def find_over(self, spending: Spending) -> OverBudget | None:
        """Tell which budget one more SMS would exceed."""
        now = self._clock.monotonic()
        with self._lock:
            return self._find_over(spending, now)

    def spend(self, spending: Spending) -> None:
        """
        Note one SMS, unless it is over budget.

        Raises:
            OverBudget: It is, and budgets are enforced.
        """
        now = self._clock.monotonic()
        with self._lock:
            over = self._find_over(spending, now) if self.rules.enforced else None
            if over is not None:
                raise over
            self._add(spending, now, now)

    def add(self, spending: Spending, age: float = 0.0) -> None:
        """Note what was spent, or given back, some seconds ago."""
        now = self._clock.monotonic()
        with self._lock:
            self._add(spending, now - age, now)

    def forget(self, keys: tuple[str, ...]) -> None:
        """Forget what was spent for some keys."""
        with self._lock:
            for key in keys:
                self._newer.pop(key, None)
                self._older.pop(key, None)

    def spent(self, key: str) -> list[tuple[Quota, int]]:
        """Return the quotas of a key, and how much of each is spent."""
        now = self._clock.monotonic()
        with self._lock:
            moments = self._find(key)
        return [
            (quota, min(quota.most, sum(moment > now - quota.seconds for moment in moments)))
            for quota in self._quotas.get(key[0], ())
        ]

    def _find(self, key: str) -> Moments:
        found = self._newer.get(key)
        return self._older.get(key, ()) if found is None else found

    def _find_over(self, spending: Spending, now: float) -> OverBudget | None:
        for key in spending.keys:
            quotas = self._quotas.get(key[0])
            if quotas is None:
                continue
            moments = self._find(key)
            if not moments:
                continue
            for quota in quotas:
                if len(moments) >= quota.most and moments[-quota.most] > now - quota.seconds:
                    wait = moments[-quota.most] + quota.seconds - now
                    return OverBudget(Scope(key[0]).setting, quota.written, key, wait, quota.seconds)
        return self._find_over_money(spending.money, now)

    def _find_over_money(self, money: int, now: float) -> OverBudget | None:
        cap = self.rules.money_per_day
        if cap is None:
            return None
        while self._money and self._money[0][0] <= now - _DAY:
            self._money_spent -= self._money.popleft()[1]
        if self._money_spent + money <= cap:
            return None
        wait = self._money[0][0] + _DAY - now if self._money else _DAY
        return OverBudget("money_per_day", f"{cap / _MILLION:g}", "", wait, _DAY)

    def _add(self, spending: Spending, moment: float, now: float) -> None:
        if now >= self._turn:
            self._older = self._newer if now < self._turn + self.longest else {}
            self._newer = {}
            self._turn = now + self.longest
        for key in spending.keys:
            most = self._most.get(key[0])
            if most is not None:
                self._newer[key] = _change(self._find(key), moment, spending.messages, most)
        if spending.money and self.rules.money_per_day is not None:
            amount = spending.money * spending.messages
            self._money.append((moment, amount))
            self._money_spent += amount


def _change(moments: Moments, moment: float, messages: int, most: int) -> Moments:
    """Return the moments with one more per message, or without the last ones if `messages` is below 0; at least the newest `most`."""
    if messages < 0:
        return moments[:messages]
    if most > _FEW:
        many = moments if isinstance(moments, array) else array("d", moments)
        for _ in range(messages):
            insort(many, moment)
        if len(many) > 2 * most:
            del many[:-most]
        return many
    more = (*moments, *(moment,) * messages)
    return (more if not moments or moments[-1] <= moment else tuple(sorted(more)))[-most:]
