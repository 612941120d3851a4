"""``smsotp store copy``: what one store held, another one holds: whoever waits for a code goes on, and nobody gets more than before."""

import re
from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.commands.store_copy import copy
from smsotp_plugin.errors import AlreadyUsed, StoreError, TooManyAttempts, WrongCode
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.stores.base import Challenge, ResendRules
from smsotp_plugin.stores.budgets import BudgetRules, Scope, Spending
from smsotp_plugin.stores.contents import StoreContents
from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind, Wanted
from smsotp_plugin.stores.guesses import Guesser, GuessRules, station_place
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.redis.connect import connect
from smsotp_plugin.stores.redis.contents import read_contents_of_redis, write_contents_to_redis
from smsotp_plugin.stores.redis.settings import RedisSettings
from smsotp_plugin.stores.schemes import copy_store, open_store, read_limits, read_trace
from smsotp_plugin.stores.settings import StoreSettings
from smsotp_plugin.stores.sqlite.settings import SqliteSettings
from tests.support.challenges import DAY, RIGHT, WINDOW, WRONG
from tests.support.parcels import SomeParcel, begin_attempt
from tests.support.redis import Redis, somebody

CLOCK = SystemClock()
RULES = GuessRules(free=1, most=5, first_wait=30, longest_wait=30, lock=DAY, known_for=DAY)
BOB = Guesser(("account",), (station_place("here"),), RULES)
COST = Spending(("u1", "n1"), money=7)
BUDGETS = BudgetRules({Scope.USER: (Quota(10, 3600, "10/h"),)}, money_per_day=10**9)


def settings(kind: str, place: Path, server: RedisServer) -> StoreSettings:
    if kind == "redis":
        return RedisSettings(url=server.url, key="k" * 32, prefix=place.name)
    return SqliteSettings(url=f"sqlite://{place}/smsotp.db")


def opened(settings: StoreSettings) -> Store:
    return open_store(settings, window=WINDOW, events_kept=DAY, clock=CLOCK, budgets=BUDGETS)


class Filled:
    """A store in which there is something of each kind, and what it was."""

    def __init__(self, settings: StoreSettings) -> None:
        store = opened(settings)
        self.pending, self.used, self.spent, self.waiting = (somebody() for _ in range(4))
        for each in (self.pending, self.used, self.spent, self.waiting):
            self.begin(store, each)
        with pytest.raises(WrongCode):
            store.answer(self.pending.state, "bob", WRONG, CLOCK.time(), BOB)
        store.answer(self.used.state, "bob", RIGHT, CLOCK.time())
        for _ in range(2):
            with pytest.raises(WrongCode):
                store.answer(self.spent.state, "bob", WRONG, CLOCK.time())
        with pytest.raises(TooManyAttempts):
            store.answer(self.spent.state, "bob", WRONG, CLOCK.time())
        for each in (self.pending, self.used, self.spent):
            store.forget_message(each.state, 0)
        store.resend(self.waiting.state, "bob", CLOCK.time(), ResendRules(2, 0), SomeParcel(self.waiting))
        begin_attempt(store, self.waiting.state, resends=1, gateway="gtx")
        self.events = [
            DeliveryEvent("ref", CLOCK.time(), EventKind.ASKED, user="bob", number_hash="h"),
            DeliveryEvent("ref", CLOCK.time(), EventKind.ATTEMPT, "gtx", "id", "accepted"),
        ]
        for event in (
            *self.events,
            DeliveryEvent("", CLOCK.time(), EventKind.RECEIPT, "gtx", "id", "delivered"),
        ):
            store.record(event)
        store.count("something refused")
        store.spend(COST)
        store.flush()
        self.standing = store.standing(BOB, self.pending.number_hash)
        self.number_spent = store.spent("u1")[0][1]
        store.close()

    @staticmethod
    def begin(store: Store, challenge: Challenge) -> None:
        store.open_challenge(challenge, SomeParcel(challenge, spending=COST))
        store.flush()


@pytest.mark.parametrize("to", ["sqlite", "redis"])
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_whoever_waits_goes_on_in_the_other_store(
    tmp_path: Path, server: RedisServer, kind: str, to: str
) -> None:
    places = [tmp_path / f"{kind}-{to}-{name}" for name in ("old", "new")]
    for place in places:
        place.mkdir()
    old, new = settings(kind, places[0], server), settings(to, places[1], server)
    before = Filled(old)
    copied = copy_store(old, new, events_kept=DAY, clock=CLOCK)
    store = opened(new)
    left = store.take_over(CLOCK.time())

    assert [len(each) for each in (copied.challenges, copied.messages, copied.events)] == [4, 2, 3]
    assert store.find_same(before.pending.login, CLOCK.time()) == store.find(before.pending.state, "bob")
    with pytest.raises(WrongCode) as wrong:
        store.answer(before.pending.state, "bob", WRONG, CLOCK.time())
    assert wrong.value.tries_left == 1
    assert store.answer(before.pending.state, "bob", RIGHT, CLOCK.time()).seal == before.pending.seal
    with pytest.raises(AlreadyUsed):
        store.answer(before.used.state, "bob", RIGHT, CLOCK.time())
    with pytest.raises(TooManyAttempts):
        store.answer(before.spent.state, "bob", RIGHT, CLOCK.time())
    assert {(each.message.resends, each.is_needed, each.may_have_it) for each in left} == {
        (0, False, frozenset()),
        (1, True, frozenset({"gtx"})),
    }
    assert [event.kind for event in read_trace(new, Wanted(user="bob"), 5)] == ["asked", "attempt", "receipt"]
    assert store.may_wait(RULES)
    standing = store.standing(BOB, before.pending.number_hash)
    assert standing.in_a_row == before.standing.in_a_row == 1
    assert abs(standing.challenge_from - before.standing.challenge_from) < 1
    assert store.spent("u1")[0][1] == before.number_spent == 5
    assert [(each.name, each.number) for each in read_limits(new, BUDGETS, [], CLOCK).counts] == [
        ("something refused", 1)
    ]
    store.close()


@pytest.mark.parametrize(("kind", "to"), [("sqlite", "redis"), ("redis", "sqlite"), ("redis", "redis")])
def test_sms_stay_as_old_as_they_are_where_the_clock_of_redis_was_set(
    tmp_path: Path, server: RedisServer, redis: Redis, kind: str, to: str
) -> None:
    places = [tmp_path / f"set-{kind}-{to}-{name}" for name in ("old", "new")]
    # By how much the time by which they count is ahead of the clock of each Redis.
    for place, ahead in zip(places, (-7200, 7200), strict=True):
        redis.ask("SET", f"{{{place.name}}}:steady", f"1 {ahead:.6f} 0")
        place.mkdir()
    before, after = settings(kind, places[0], server), settings(to, places[1], server)
    store = opened(before)
    store.spend(COST)
    store.close()
    copy_store(before, after, events_kept=DAY, clock=CLOCK)
    store = opened(after)
    spent = store.spent("u1")[0][1]
    store.close()

    assert spent == 1


@pytest.mark.parametrize("to", ["sqlite", "redis"])
def test_a_store_that_holds_something_is_not_filled(tmp_path: Path, server: RedisServer, to: str) -> None:
    (tmp_path / "old").mkdir()
    target = tmp_path / f"not-empty-{to}"
    target.mkdir()
    old, new = settings("sqlite", tmp_path / "old", server), settings(to, target, server)
    Filled(old)
    copy_store(old, new, events_kept=DAY, clock=CLOCK)

    with pytest.raises(StoreError, match="holds something"):
        copy_store(old, new, events_kept=DAY, clock=CLOCK)


def write(path: Path, store: str) -> Path:
    path.write_text(
        f"[store]\n{store}\n[gateways.a]\nprovider = 'http'\nURL = 'https://a.example'\nRETURN_SUCCESS = 'OK'\n"
        "[gateways.a.options]\nto = '{phone}'\ntext = '{otp}'\n"
    )
    return path


def test_the_command_copies_and_says_how_much(
    tmp_path: Path, server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old").mkdir()
    Filled(settings("sqlite", tmp_path / "old", server))
    key = f"key = '{'k' * 32}'"
    old = write(tmp_path / "old.toml", f"url = 'sqlite://{tmp_path}/old/smsotp.db'\n{key}")
    new = write(tmp_path / "new.toml", f"url = '{server.url}'\nprefix = 'command'\n{key}")
    other = write(tmp_path / "other.toml", f"url = '{server.url}'\nkey = '{'x' * 32}'")

    assert copy(old, other) == 2
    assert "store.key" in capsys.readouterr().err
    assert copy(old, new) == 0
    assert "copied: 4 log-ins, 2 SMS that wait, 3 lines of the delivery log" in capsys.readouterr().out
    assert copy(old, new) == 1
    assert "holds something" in capsys.readouterr().err
    assert copy(write(tmp_path / "none.toml", f"url = 'sqlite://{tmp_path}/none.db'\n{key}"), new) == 1


def test_the_delivery_log_is_written_many_lines_at_a_time_and_stays_in_its_order(
    tmp_path: Path, server: RedisServer, redis: Redis
) -> None:
    place = settings("redis", tmp_path / "many-lines", server)
    assert isinstance(place, RedisSettings)
    link, scripts = connect(place, CLOCK, limit=20.0)
    lines = [
        DeliveryEvent("r" if number % 2 else "", CLOCK.time() - 500 + number, EventKind.RECEIPT, "gtx", "id")
        for number in range(450)
    ]
    redis.ask("CONFIG", "RESETSTAT")
    write_contents_to_redis(scripts, StoreContents(events=lines), DAY)
    asked = redis.ask("INFO", "commandstats")
    found = read_contents_of_redis(scripts).events
    link.close()

    assert found == lines
    assert sum(map(int, re.findall(r"cmdstat_eval(?:sha)?:calls=(\d+)", asked))) < 20
