"""What every store promises about budgets, written once. `StoreContract` binds it."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from smsotp_plugin.errors import OverBudget, ResendRefused
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.budgets import BudgetRules, Scope, Spending
from smsotp_plugin.stores.kind import Store
from tests.contracts.binding import Binding
from tests.support.challenges import DAY, RESENDS, RIGHT, THREADS, WINDOW, challenge
from tests.support.clock import FakeClock
from tests.support.parcels import SomeParcel, told_by

HOUR = 3600.0
BOB, ANNA = Spending(("u0b", "n0b"), money=100), Spending(("u0a", "n0a"), money=100)
RULES = BudgetRules(
    {
        Scope.USER: (Quota(3, 600, "3/10m"), Quota(5, 86400, "5/d")),
        Scope.TOTAL: (Quota(200, 86400, "200/d"),),
    }
)
MONEY = BudgetRules(money_per_day=250)


def log_in(store: Store, clock: FakeClock, spending: Spending = BOB, login: str = "") -> Challenge:
    """Open a challenge that costs something."""
    new = challenge(clock, login=login)
    return store.open_challenge(new, SomeParcel(new, spending=spending))


def how_it_ended(call: Callable[[], object]) -> str:
    try:
        call()
    except OverBudget as exc:
        return f"{exc.setting} {exc.written}"
    return "sent"


def at_once(*calls: Callable[[], object]) -> Counter[str]:
    """Return how calls ended that begin together, in a thread each."""
    together = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> str:
        together.wait()
        return how_it_ended(call)

    with ThreadPoolExecutor(len(calls)) as pool:
        return Counter(pool.map(run, calls))


class BudgetContract(Binding):
    """The promises about budgets."""

    @pytest.fixture
    def limited(self, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
        yield from self.opened(tmp_path, clock, RULES)

    @pytest.fixture
    def other_limited(self, tmp_path: Path, clock: FakeClock, limited: Store) -> Iterator[Store]:
        del limited
        yield from self.opened(tmp_path, clock, RULES)

    def opened(self, place: Path, clock: FakeClock, rules: BudgetRules) -> Iterator[Store]:
        store = self.open(place, WINDOW, clock, rules)
        yield store
        store.close()

    def test_as_many_as_are_allowed_are_opened_and_no_more(self, limited: Store, clock: FakeClock) -> None:
        ended = [how_it_ended(lambda: log_in(limited, clock)) for _ in range(5)]

        assert ended == ["sent"] * 3 + ["per_user 3/10m"] * 2

    def test_of_what_is_refused_nothing_is_kept_and_nobody_is_told(
        self, limited: Store, clock: FakeClock
    ) -> None:
        told = told_by(limited)
        kept = [log_in(limited, clock).state for _ in range(3)]
        refused = challenge(clock, login="f" * 32)
        with pytest.raises(OverBudget):
            limited.open_challenge(refused, SomeParcel(refused, spending=BOB))
        limited.flush()

        assert told == kept
        assert limited.find_same(refused.login, clock.time()) is None

    def test_the_same_first_leg_again_costs_nothing(self, limited: Store, clock: FakeClock) -> None:
        first = log_in(limited, clock, login="1" * 32)
        for _ in range(2):
            log_in(limited, clock)
        again = [log_in(limited, clock, login="1" * 32).state for _ in range(10)]

        assert set(again) == {first.state}

    def test_each_window_slides(self, limited: Store, clock: FakeClock) -> None:
        ended = []
        for _ in range(12):
            ended.append(how_it_ended(lambda: log_in(limited, clock)))
            clock.advance(200)

        # Two of the last ten minutes and five of the day: the fourth comes when the first is ten minutes old.
        assert ended == ["sent"] * 5 + ["per_user 5/d"] * 7

    def test_what_is_as_old_as_the_window_counts_no_more(self, limited: Store, clock: FakeClock) -> None:
        for _ in range(3):
            log_in(limited, clock)
        clock.advance(599.5)
        early = how_it_ended(lambda: log_in(limited, clock))
        clock.advance(0.5)
        late = how_it_ended(lambda: log_in(limited, clock))

        assert (early, late) == ("per_user 3/10m", "sent")

    def test_one_budget_that_is_spent_keeps_nobody_else_out(self, limited: Store, clock: FakeClock) -> None:
        for _ in range(3):
            log_in(limited, clock)

        assert how_it_ended(lambda: log_in(limited, clock)) == "per_user 3/10m"
        assert how_it_ended(lambda: log_in(limited, clock, ANNA)) == "sent"

    @pytest.mark.parametrize("hours", [0, 12, 23, 36])
    def test_what_somebody_has_spent_is_remembered_for_its_time_however_many_others_come(
        self, limited: Store, clock: FakeClock, hours: int
    ) -> None:
        log_in(limited, clock, ANNA)
        clock.advance(hours * HOUR)
        for _ in range(5):
            log_in(limited, clock)
            clock.advance(300)
        ended = []
        for number in range(25):
            for other in ("a", "b"):
                log_in(limited, clock, Spending((f"u{number:02}{other}",)))
            ended.append(how_it_ended(lambda: log_in(limited, clock)))
            clock.advance(HOUR)

        assert ended == ["per_user 5/d"] * 24 + ["sent"]

    def test_whoever_is_refused_is_told_for_how_long(self, limited: Store, clock: FakeClock) -> None:
        for _ in range(3):
            log_in(limited, clock)
            clock.advance(10)
        with pytest.raises(OverBudget) as refused:
            log_in(limited, clock)

        assert refused.value.wait == 570
        assert limited.over_budget(BOB) is not None
        assert limited.over_budget(ANNA) is None

    def test_a_refusal_costs_nothing(self, limited: Store, clock: FakeClock) -> None:
        for _ in range(30):
            how_it_ended(lambda: log_in(limited, clock))
        clock.advance(601)

        assert how_it_ended(lambda: log_in(limited, clock)) == "sent"

    def test_another_sms_for_the_same_challenge_costs_as_much(self, limited: Store, clock: FakeClock) -> None:
        first = log_in(limited, clock)
        clock.advance(31)
        for _ in range(2):
            log_in(limited, clock)

        def resend() -> object:
            return limited.resend(first.state, "bob", clock.time(), RESENDS, SomeParcel(first, spending=BOB))

        assert how_it_ended(resend) == "per_user 3/10m"
        assert limited.find(first.state, "bob").resends == 0
        clock.advance(570)
        with pytest.raises(Exception, match=r"no longer valid"):
            resend()

    def test_a_resend_that_is_refused_costs_nothing(self, limited: Store, clock: FakeClock) -> None:
        first = log_in(limited, clock)
        for _ in range(5):
            with pytest.raises(ResendRefused):
                limited.resend(first.state, "bob", clock.time(), RESENDS, SomeParcel(first, spending=BOB))

        assert limited.spent(BOB.keys[0])[0] == (RULES.quotas[Scope.USER][0], 1)

    def test_many_threads_get_exactly_what_is_allowed(self, limited: Store, clock: FakeClock) -> None:
        ended = at_once(*[lambda: log_in(limited, clock)] * THREADS)

        assert ended == {"sent": 3, "per_user 3/10m": THREADS - 3}

    def test_two_processes_together_get_exactly_what_is_allowed(
        self, limited: Store, other_limited: Store, clock: FakeClock
    ) -> None:
        both = [lambda: log_in(limited, clock), lambda: log_in(other_limited, clock)]
        ended = at_once(*both * (THREADS // 2))

        assert ended == {"sent": 3, "per_user 3/10m": THREADS - 3}

    def test_what_a_process_spent_that_is_gone_counts(
        self, tmp_path: Path, limited: Store, clock: FakeClock
    ) -> None:
        with ExitStack() as rest:
            other = self.open(tmp_path, WINDOW, clock, RULES)
            rest.callback(other.close)
            for _ in range(2):
                log_in(other, clock)
        self.keep_house(limited, clock)
        ended = [how_it_ended(lambda: log_in(limited, clock)) for _ in range(2)]

        assert ended == ["sent", "per_user 3/10m"]

    def test_what_was_spent_survives_the_process(self, tmp_path: Path, clock: FakeClock) -> None:
        before = self.open(tmp_path, WINDOW, clock, RULES)
        for _ in range(3):
            log_in(before, clock)
        before.flush()
        self.die(before)
        clock.advance(300)
        after = self.open(tmp_path, WINDOW, clock, RULES)
        refused = how_it_ended(lambda: log_in(after, clock))
        clock.advance(300)
        later = how_it_ended(lambda: log_in(after, clock))
        after.close()

        assert (refused, later) == ("per_user 3/10m", "sent")

    @pytest.mark.parametrize("jump", [-HOUR, HOUR, -DAY, DAY])
    def test_nobody_gets_more_by_a_clock_that_is_set(
        self, limited: Store, clock: FakeClock, jump: float
    ) -> None:
        for _ in range(3):
            log_in(limited, clock)
        clock.set_by(jump)
        refused = [how_it_ended(lambda: log_in(limited, clock)) for _ in range(2)]
        clock.advance(600)

        assert refused == ["per_user 3/10m"] * 2
        assert how_it_ended(lambda: log_in(limited, clock)) == "sent"

    def test_a_clock_that_is_set_back_during_a_restart_keeps_nobody_out_for_longer_than_the_window(
        self, tmp_path: Path, clock: FakeClock
    ) -> None:
        before = self.open(tmp_path, WINDOW, clock, RULES)
        for _ in range(3):
            log_in(before, clock)
        before.close()
        clock.set_by(-HOUR)
        after = self.open(tmp_path, WINDOW, clock, RULES)
        refused = how_it_ended(lambda: log_in(after, clock))
        clock.advance(600)
        later = how_it_ended(lambda: log_in(after, clock))
        after.close()

        assert (refused, later) == ("per_user 3/10m", "sent")

    @pytest.mark.parametrize("jump", [-HOUR, HOUR, -10 * DAY, 10 * DAY])
    def test_a_server_that_starts_after_a_clock_was_set_counts_as_the_others_do(
        self, tmp_path: Path, limited: Store, clock: FakeClock, jump: float
    ) -> None:
        clock.set_by(jump)
        self.keep_house(limited, clock)
        later = self.open(tmp_path, WINDOW, clock, RULES)
        ended = []
        for _ in range(3):
            for store in (limited, later):
                ended.append(how_it_ended(partial(log_in, store, clock)))
                clock.advance(10)
        later.close()

        assert ended == ["sent"] * 3 + ["per_user 3/10m"] * 3

    @pytest.mark.parametrize("jump", [-HOUR, -10 * DAY])
    def test_a_clock_that_is_set_back_during_a_restart_holds_no_money_back_for_longer_than_a_day(
        self, tmp_path: Path, clock: FakeClock, jump: float
    ) -> None:
        before = self.open(tmp_path, WINDOW, clock, MONEY)
        for _ in range(2):
            log_in(before, clock)
        before.close()
        clock.set_by(jump)
        after = self.open(tmp_path, WINDOW, clock, MONEY)
        refused = how_it_ended(lambda: log_in(after, clock))
        clock.advance(DAY)
        later = how_it_ended(lambda: log_in(after, clock))
        after.close()

        assert (refused, later) == ("money_per_day 0.00025", "sent")

    def test_what_turned_out_not_to_be_sent_is_given_back(self, limited: Store, clock: FakeClock) -> None:
        for _ in range(3):
            log_in(limited, clock)
        limited.spend_anyway(Spending(BOB.keys, BOB.money, messages=-1))
        ended = [how_it_ended(lambda: log_in(limited, clock)) for _ in range(2)]

        assert ended == ["sent", "per_user 3/10m"]

    def test_what_was_sent_in_any_case_counts(self, tmp_path: Path, limited: Store, clock: FakeClock) -> None:
        log_in(limited, clock)
        limited.spend_anyway(Spending(BOB.keys, BOB.money, messages=2))
        limited.flush()
        self.die(limited)
        after = self.open(tmp_path, WINDOW, clock, RULES)

        assert how_it_ended(lambda: log_in(after, clock)) == "per_user 3/10m"
        after.close()

    def test_what_was_sent_in_any_case_counts_although_nothing_else_was_to_be_written(
        self, tmp_path: Path, limited: Store, clock: FakeClock
    ) -> None:
        limited.flush()
        limited.spend_anyway(Spending(BOB.keys, BOB.money, messages=3))
        limited.flush()
        self.die(limited)
        after = self.open(tmp_path, WINDOW, clock, RULES)

        assert how_it_ended(lambda: log_in(after, clock)) == "per_user 3/10m"
        after.close()

    def test_an_sms_without_a_challenge_is_decided_in_the_same_way(
        self, limited: Store, clock: FakeClock
    ) -> None:
        ended = at_once(*[lambda: limited.spend(BOB)] * THREADS)

        assert ended == {"sent": 3, "per_user 3/10m": THREADS - 3}
        assert how_it_ended(lambda: log_in(limited, clock)) == "per_user 3/10m"

    def test_what_is_lifted_is_forgotten_here_and_elsewhere(
        self, limited: Store, other_limited: Store, clock: FakeClock
    ) -> None:
        for _ in range(3):
            log_in(limited, clock)
        other_limited.lift(BOB.keys)
        here = how_it_ended(lambda: log_in(limited, clock))
        there = how_it_ended(lambda: log_in(other_limited, clock))

        assert (here, there) == ("sent", "sent")

    def test_no_more_money_is_spent_than_is_allowed(self, tmp_path: Path, clock: FakeClock) -> None:
        store = self.open(tmp_path, WINDOW, clock, MONEY)
        ended = [how_it_ended(lambda: log_in(store, clock)) for _ in range(3)]
        clock.advance(DAY)
        tomorrow = [how_it_ended(lambda: log_in(store, clock)) for _ in range(3)]
        store.close()

        assert ended == tomorrow == ["sent", "sent", "money_per_day 0.00025"]

    def test_whoever_is_refused_for_money_is_told_for_how_long(
        self, tmp_path: Path, clock: FakeClock
    ) -> None:
        store = self.open(tmp_path, WINDOW, clock, MONEY)
        waits = []
        for spending in (Spending(ANNA.keys, money=251), BOB, BOB, BOB):
            try:
                log_in(store, clock, spending)
            except OverBudget as exc:
                waits.append(exc.wait)
            clock.advance(10)
        store.close()

        assert waits == pytest.approx([DAY, DAY - 20], abs=0.001)

    def test_several_sms_at_once_cost_that_many_times_the_money(
        self, tmp_path: Path, clock: FakeClock
    ) -> None:
        store = self.open(tmp_path, WINDOW, clock, MONEY)
        store.spend_anyway(Spending(BOB.keys, money=60, messages=3))
        refused = how_it_ended(lambda: log_in(store, clock))
        store.spend_anyway(Spending(BOB.keys, money=60, messages=-2))
        later = how_it_ended(lambda: log_in(store, clock))
        store.close()

        assert (refused, later) == ("money_per_day 0.00025", "sent")

    def test_where_nothing_is_enforced_everything_is_opened_and_counted(
        self, tmp_path: Path, clock: FakeClock
    ) -> None:
        store = self.open(tmp_path, WINDOW, clock, BudgetRules(RULES.quotas, enforced=False))
        ended = [how_it_ended(lambda: log_in(store, clock)) for _ in range(6)]
        over = store.over_budget(BOB)
        store.close()

        assert ended == ["sent"] * 6
        assert over is not None

    def test_an_answer_is_judged_as_ever(self, limited: Store, clock: FakeClock) -> None:
        opened = [log_in(limited, clock) for _ in range(3)]
        how_it_ended(lambda: log_in(limited, clock))

        assert limited.answer(opened[0].state, "bob", RIGHT, clock.time()).state == opened[0].state
