"""
What an SMS costs, whose budgets pay for it, who has had enough of them, and which numbers get none.

The store decides; this module asks it, and logs one line for each budget and its span of time, however many SMS are refused.
"""

import logging
from decimal import Decimal
from functools import lru_cache

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import Fingerprints
from smsotp_plugin.errors import NumberError, OverBudget
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.log import quote
from smsotp_plugin.login.budget_keys import Keys
from smsotp_plugin.login.pumping import PumpingWatch
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.news import News
from smsotp_plugin.settings.sections.limits import LimitMode, LimitSettings
from smsotp_plugin.sms.kinds import cut_block, find_country, find_kind
from smsotp_plugin.sms.phone import PhoneNumber
from smsotp_plugin.sms.segments import plan_segments
from smsotp_plugin.stores.budgets import BudgetRules, BudgetStore, Scope, Spending
from smsotp_plugin.stores.windows import Windows

log = logging.getLogger("smsotp.limits")

_MILLION = 1_000_000
_DAY = 86400.0
#: How many SMS that no gateway took are given back to an account or a number.
_GIVEN_BACK = BudgetRules({scope: (Quota(10, int(_DAY), "10/d"),) for scope in (Scope.USER, Scope.NUMBER)})


def make_rules(limits: LimitSettings) -> BudgetRules:
    """Return what the store decides by."""
    quotas = {scope: getattr(limits, scope.setting) for scope in Scope}
    money = limits.money_per_day
    return BudgetRules(
        quotas={scope: each for scope, each in quotas.items() if each},
        money_per_day=None if money is None else _to_millionths(money),
        enforced=limits.mode is LimitMode.ENFORCE,
    )


class Budgets:
    """
    The budgets, as the flow sees them.

    Args:
        limits: The section ``[limits]``.
        names: Makes fingerprints.
        store: Counts and decides.
        clock: Time.
        pumping: Watches which SMS are answered.

    Attributes:
        pumping: The same.
    """

    def __init__(
        self,
        limits: LimitSettings,
        names: Fingerprints,
        store: BudgetStore,
        clock: Clock,
        *,
        pumping: PumpingWatch,
    ) -> None:
        self.pumping = pumping
        self._limits = limits
        self._enforced = limits.mode is LimitMode.ENFORCE
        self._never = frozenset(limits.never)
        self._countries = frozenset(limits.countries)
        self._prices = {prefix: _to_millionths(price) for prefix, price in limits.prices.items()}
        self._prefix_lengths = sorted({len(prefix) for prefix in self._prices}, reverse=True)
        self._limited = [scope for scope in Scope if getattr(limits, scope.setting)]
        self._names = names
        self._keys = Keys(names)
        self._store = store
        self._given_back = Windows(_GIVEN_BACK, clock)
        self._news = News(clock)

    def check_number(self, number: PhoneNumber) -> None:
        """
        Check whether a number gets SMS at all.

        Raises:
            NumberError: It is of a kind or a country that gets none, and limits are enforced.
        """
        kind = find_kind(number.e164, self._never) if self._never else None
        if kind is not None:
            self._refuse_number(number, "never", f"{kind} numbers get no SMS (limits.never)")
        if self._countries and find_country(number.e164, number.region) not in self._countries:
            country = find_country(number.e164, number.region)
            self._refuse_number(number, "countries", f"numbers of {country} get no SMS (limits.countries)")

    def calculate(self, request: LoginRequest, number: PhoneNumber, text: str, purpose: str = "") -> Spending:
        """
        Return what an SMS costs.

        Args:
            request: Who asks for it.
            number: Where it goes.
            text: What it says.
            purpose: Names budgets of account and number that are separate from those for codes: one for SMS without a code, so
                that they never keep anybody from getting one, and one for each place from which right codes came. Empty: those
                for codes.
        """
        keys: list[str] = []
        for scope in self._limited:
            match scope:
                case Scope.USER | Scope.NUMBER if purpose:
                    named = self._keys.with_purpose(purpose, request.user, number)
                    keys += [key for key in named if key[0] == scope]
                case Scope.USER:
                    keys += self._keys.user(request.user)
                case Scope.NUMBER:
                    keys += self._keys.number(number)
                case _:
                    keys += self._keys.other(scope, _find_subject(scope, request, number))
        return Spending(tuple(keys), self._price(number, text))

    def check(
        self, request: LoginRequest, number: PhoneNumber, spending: Spending, *, at_known_place: bool = False
    ) -> None:
        """
        Look whether one more SMS is within the budgets, before anything is done for it.

        Raises:
            OverBudget: It is not, and budgets are enforced.
        """
        over = self._store.over_budget(spending)
        if over is not None:
            if self._enforced:
                raise over
            self._store.count(f"{over.setting} recorded")
            if self._is_news(over):
                log.warning("user %s would be refused (limits.mode): %s", self._describe(request), over)
        if not at_known_place:
            self.pumping.check(request, number)

    def is_news(self, over: OverBudget) -> bool:
        """Count that somebody is refused, and tell whether to log it: once within the span of the budget."""
        self._store.count(f"{over.setting} refused")
        return self._is_news(over)

    def spend(self, spending: Spending) -> None:
        """
        Spend what an SMS without a challenge costs.

        Raises:
            OverBudget: It is over budget, and budgets are enforced.
            StoreError: It cannot be decided.
        """
        self._store.spend(spending)

    def adjust(self, keys: tuple[str, ...], money: int, messages: int) -> None:
        """
        Note that more SMS have been sent than were counted, or fewer.

        SMS that were not sent are given back to account and number only a few times a day: otherwise somebody with a stolen password
        could have the gateways asked without end for a number that none of them takes.
        """
        if messages < 0:
            try:
                self._given_back.spend(Spending(keys))
            except OverBudget:
                return
        self._store.spend_anyway(Spending(keys, money, messages))

    def _price(self, number: PhoneNumber, text: str) -> int:
        for length in self._prefix_lengths:
            price = self._prices.get(number.e164[:length])
            if price is not None:
                return price * _count_segments(text)
        return 0

    def _refuse_number(self, number: PhoneNumber, setting: str, why: str) -> None:
        if self._enforced:
            self._store.count(f"{setting} refused")
            raise NumberError(why)
        self._store.count(f"{setting} recorded")
        if self._news.is_news(setting, number.e164, seconds=_DAY):
            log.warning("number %s would be refused (limits.mode): %s", number.masked, why)

    def _is_news(self, over: OverBudget) -> bool:
        return self._news.is_news(over.setting, over.written, over.key, seconds=over.window)

    def _describe(self, request: LoginRequest) -> str:
        user = quote(self._names.mask_user(request.user))
        return f"{user}, client {quote(request.client)}, station {quote(request.station)}"


def _find_subject(scope: Scope, request: LoginRequest, number: PhoneNumber) -> str:
    """Return what is counted in a scope; empty if the request has nothing of the kind."""
    match scope:
        case Scope.STATION:
            return request.station.strip().casefold()
        case Scope.CLIENT:
            return request.client
        case Scope.PREFIX:
            return cut_block(number.e164)
        case Scope.COUNTRY:
            return find_country(number.e164, number.region)
        case _:
            return scope.name


@lru_cache(maxsize=256)
def _count_segments(text: str) -> int:
    return plan_segments(text).count


def _to_millionths(amount: Decimal) -> int:
    return int(amount * _MILLION)
