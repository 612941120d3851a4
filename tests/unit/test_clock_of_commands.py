"""Commands whose machine has another clock than Redis: they count by that of Redis, as servers do."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.assembly import find_names
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.login.budget_keys import Keys
from smsotp_plugin.settings import load_settings
from smsotp_plugin.stores.answers import Brake
from smsotp_plugin.stores.budgets import BudgetRules, Scope, Spending
from smsotp_plugin.stores.redis.settings import RedisSettings
from smsotp_plugin.stores.schemes import copy_store, open_store
from smsotp_plugin.stores.settings import StoreSettings
from tests.support.clock import FakeClock, Waits
from tests.support.moved_clock import MovedClock
from tests.support.redis import Redis

DAY = 86_400.0
HOURS = 3600
RULES = BudgetRules({Scope.USER: (Quota(3, HOURS, "3/h"),)})


@pytest.fixture
def config(tmp_path: Path, server: RedisServer, redis: Redis) -> Path:
    del redis
    path = tmp_path / "smsotp.toml"
    path.touch(mode=0o600)
    path.write_text(
        f'[store]\nurl = "{server.url}"\nkey = "{"k" * 32}"\n[limits]\nper_user = ["3/h"]\n'
        '[gateways.any]\nprovider = "script"\nSCRIPT = "/bin/true"\n'
    )
    return path


@pytest.mark.parametrize("hours", [-30, -2, 2, 30])
def test_what_counts_and_what_is_of_today_goes_by_the_clock_of_redis(
    tmp_path: Path, config: Path, hours: int
) -> None:
    settings, now = load_settings(config), SystemClock().time()
    clock = MovedClock(tmp_path / "clock")
    clock.move(hours * HOURS)
    brake = Brake("p1", "+4917012", now - 60, now + 600, "none of 20 were answered", enforced=True)
    over = Brake("p2", "+4917013", now - 600, now - 60, "none of 20 were answered", enforced=True)
    with closing(open_store(settings.store, window=30.0, events_kept=DAY, clock=SystemClock())) as store:
        for _ in range(2):
            store.spend_anyway(Spending(Keys(find_names(settings)).user("bob")))
        store.count("per_user refused")
        store.put_brakes([brake, over])
        store.flush()

    def limits(*words: str) -> str:
        command = [str(Path(sys.executable).parent / "smsotp"), "limits", *words, "--config", str(config)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=100, env=clock.environment
        )
        return done.stdout

    assert '"bob": 2 of 3 SMS (per_user = 3/h)' in limits("bob")
    everything = limits()
    assert "per_user refused: 1 today, 1 in 32 days" in everything
    assert "+4917012: no SMS until" in everything
    assert "+4917013" not in everything


@pytest.mark.parametrize("hours", [-2, 2])
def test_what_is_copied_counts_as_long_as_before_whatever_the_clock_of_this_machine_says(
    server: RedisServer, redis: Redis, hours: int
) -> None:
    del redis
    own = FakeClock(SystemClock().time() + hours * HOURS, Waits.NOT_AT_ALL)
    old, new = (RedisSettings(url=server.url, key="k" * 32, prefix=name) for name in ("old", "new"))

    def spent(settings: StoreSettings, *spendings: Spending) -> int:
        with closing(
            open_store(settings, window=30.0, events_kept=DAY, clock=SystemClock(), budgets=RULES)
        ) as store:
            for each in spendings:
                store.spend_anyway(each)
            store.flush()
            return store.spent("u1")[0][1]

    before = spent(old, Spending(("u1",)), Spending(("u1",)))
    copy_store(old, new, events_kept=DAY, clock=own)

    assert before == spent(new) == 2
