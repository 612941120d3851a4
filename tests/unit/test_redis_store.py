"""What only the store in Redis promises: one round trip, keys that end by themselves, files that forget."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.assembly import build_codes, find_names
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.errors import ConfigError, StoreError, WrongCode
from smsotp_plugin.login.budgets import make_rules
from smsotp_plugin.settings.sections.limits import LimitSettings
from smsotp_plugin.stores.base import ResendRules
from smsotp_plugin.stores.budgets import Spending
from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind, Wanted
from smsotp_plugin.stores.guesses import Guesser, GuessRules, station_place
from smsotp_plugin.stores.kept import Parcel
from smsotp_plugin.stores.person import StoredPerson
from smsotp_plugin.stores.redis import scripts
from smsotp_plugin.stores.redis.settings import RedisSettings
from smsotp_plugin.stores.redis.store import RedisStore
from smsotp_plugin.stores.schemes import erase_person, look_at_store, read_trace, unlock_account
from tests.support.challenges import RIGHT, WRONG
from tests.support.parcels import SomeParcel, begin, begin_attempt
from tests.support.redis import Monitor, Redis, fill_settings, once, open_store, somebody

NOW = SystemClock().time
RULES = GuessRules(5, 20, 30.0, 3600.0, 86400.0, 86400.0)
BOB = Guesser(("account",), (station_place("here"),), RULES)


@pytest.fixture
def store(server: RedisServer, redis: Redis) -> Iterator[RedisStore]:
    del redis
    store = open_store(server.url)
    # Redis is told each script once, before anything is counted.
    new = begin(store, somebody())
    with pytest.raises(WrongCode):
        store.answer(new.state, "bob", WRONG, NOW(), BOB)
    store.find(new.state, "bob")
    store.resend(new.state, "bob", NOW(), ResendRules(1, 0), SomeParcel(new))
    yield store
    store.close()


def settings(server: RedisServer) -> RedisSettings:
    return RedisSettings(url=server.url, key="k" * 32)


def test_each_leg_is_one_round_trip(store: RedisStore, server: RedisServer) -> None:
    def round_trips() -> list[str]:
        return [words[0] for words in monitor.sent()]

    store.may_wait(RULES)
    monitor = Monitor(server.port)
    assert not store.may_wait(RULES)
    new = begin(store, somebody())
    opened = round_trips()
    begin(store, somebody())
    with pytest.raises(WrongCode):
        store.answer(new.state, "bob", WRONG, NOW(), BOB)
    store.answer(new.state, "bob", RIGHT, NOW(), BOB)
    answered = round_trips()
    store.resend(begin(store, somebody()).state, "bob", NOW(), ResendRules(1, 0), SomeParcel(new))

    assert opened == ["EVALSHA"]
    assert answered == ["EVALSHA"] * 3
    assert round_trips() == ["EVALSHA"] * 2
    monitor.close()


def test_log_ins_that_come_together_are_told_together(store: RedisStore, server: RedisServer) -> None:
    told: list[list[str]] = []

    def listen(kept: Sequence[Parcel]) -> None:
        told.append([parcel.seal().state for parcel in kept])
        for state in told[-1]:
            store.record(DeliveryEvent(state, NOW(), EventKind.ASKED, user="bob", number_hash="n"))

    store.flush()
    store.listen(listen)
    # What it does at its time is done here when asked for.
    store._gatherer.stop()
    states = [begin(store, somebody()).state for _ in range(3)]
    before = list(told)
    monitor = Monitor(server.port)
    store._catch_up()

    assert (before, told) == ([], [states])
    assert monitor.scripts() == ["record"]
    monitor.close()


def test_redis_carries_out_few_commands_for_each_leg_of_somebody_new(
    server: RedisServer, redis: Redis
) -> None:
    store = RedisStore(fill_settings(server.url), 30.0, 86400.0, SystemClock(), make_rules(LimitSettings()))

    def count_commands() -> int:
        # Those of scripts, and this question.
        calls = re.findall(r"cmdstat_\S+:calls=(\d+)", redis.ask("INFO", "commandstats"))
        return sum(map(int, calls))

    spent = []
    # Redis is told each script once.
    for name in ("first", "second"):
        new = somebody()
        bob = Guesser((name,), (station_place(name),), RULES)
        before = count_commands()
        store.open_challenge(new, SomeParcel(new, spending=Spending((f"u{name}", f"n{name}"))))
        opened = count_commands()
        store.answer(new.state, "bob", RIGHT, NOW(), bob)
        spent = [opened - before - 1, count_commands() - opened - 1]
    store.close()

    # Of the first, nine keep the challenge and its message, six are for the two budgets, and one asks what time it is for these.
    assert spent == [19, 14]


def test_who_has_to_wait_is_known_at_once_and_after_a_cut_within_a_second(
    store: RedisStore, redis: Redis, server: RedisServer
) -> None:
    other = open_store(server.url)
    rules = GuessRules(1, 20, 30.0, 3600.0, 86400.0, 86400.0)
    bob = Guesser(("other account",), (station_place("here"),), rules)
    before = [store.may_wait(rules), other.may_wait(rules)]
    new = begin(store, somebody())
    with pytest.raises(WrongCode):
        store.answer(new.state, "bob", WRONG, NOW(), bob)

    def hear_of_it() -> None:
        assert store.may_wait(rules)
        assert other.may_wait(rules)

    # Redis tells it on connections of their own, which are read a moment later.
    once(hear_of_it, AssertionError)
    redis.ask("DEL", "{smsotp}:watched")
    redis.ask("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal")
    cut = [store.may_wait(rules), other.may_wait(rules)]
    other.close()

    assert (before, cut) == ([False] * 2, [False] * 2)


def test_each_script_is_a_file_that_explains_itself_and_is_loaded_at_the_start() -> None:
    files = {path.stem: path.read_text() for path in Path(scripts.__file__).parent.joinpath("lua").iterdir()}

    assert {*scripts.SCRIPTS, *("shared", "agreed", "tallies", "budgets", "messages", "keys")} == {*files}
    assert all(text.startswith("-- ") for text in files.values())
    assert all("KEYS[1]" in files[name].partition("\n\n")[0] for name in scripts.SCRIPTS)


def test_all_keys_are_in_one_slot_and_end_by_themselves(store: RedisStore, redis: Redis) -> None:
    new = begin(store, somebody())
    begin_attempt(store, new.state, "gtx")
    store.answer(new.state, "bob", RIGHT, NOW(), BOB)
    for kind in (EventKind.ASKED, EventKind.RECEIPT):
        store.record(
            DeliveryEvent("ref" if kind is EventKind.ASKED else "", NOW(), kind, "g", "i", "", "bob", "", "h")
        )
    store.count("something")
    store.flush()
    keys = redis.ask("KEYS", "*")

    assert all(key.startswith("{smsotp}:") for key in keys)
    assert len({key.split(":")[1] for key in keys}) >= 10
    endless = {key.split(":")[1] for key in keys if redis.ask("PTTL", key) == -1}
    assert endless <= {"version", "watched", "guesses"}


def test_erasing_somebody_empties_the_files_of_redis(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis", durable=True, options=["--save", "3600 1000"]) as server:
        store = open_store(server.url)
        new = begin(store, somebody())
        store.record(DeliveryEvent("ref", NOW(), EventKind.ASKED, user="bob"))
        store.flush()

        def files() -> bytes:
            return b"".join(
                path.read_bytes()
                for path in (tmp_path / "redis").rglob("*")
                if path.suffix in {".aof", ".rdb"}
            )

        before = files()
        assert erase_person(settings(server), StoredPerson(user="bob", shown=("bob",)))
        after = files()
        store.close()

    assert new.state.encode() in before
    assert new.state.encode() not in after


def test_a_redis_whose_files_cannot_be_written_anew_is_told_of(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis", durable=True) as server:
        store, redis = open_store(server.url), Redis(server.port)
        begin(store, somebody())
        redis.ask("ACL", "SETUSER", "default", "-bgrewriteaof")
        redis.close()
        with pytest.raises(
            StoreError, match="everything is erased, but the files of Redis may still hold it"
        ):
            erase_person(settings(server), StoredPerson(user="bob"))
        store.close()


def test_commands_work_beside_a_server(store: RedisStore, server: RedisServer) -> None:
    store.record(event := DeliveryEvent("ref", NOW(), EventKind.ASKED, user="bob"))
    store.flush()
    look_at_store(settings(server))

    assert read_trace(settings(server), Wanted(user="bob"), 5) == [event]
    assert unlock_account(settings(server), ["account"]) == 1
    assert unlock_account(settings(server), ["account"]) == 0


def test_a_command_says_itself_that_redis_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gone = RedisSettings(url=f"unix://{tmp_path}/none.sock", key="k" * 32)
    for call in (
        lambda: read_trace(gone, Wanted(user="bob"), 5),
        lambda: erase_person(gone, StoredPerson(user="bob")),
        lambda: unlock_account(gone, ["account"]),
        lambda: look_at_store(gone),
    ):
        with pytest.raises(StoreError, match="no connection to Redis at"):
            call()

    assert caplog.messages == []


def test_a_look_changes_nothing(server: RedisServer, redis: Redis) -> None:
    look_at_store(settings(server))

    assert read_trace(settings(server), Wanted(user="bob"), 5) == []
    assert redis.ask("DBSIZE") == 0


def test_a_key_that_other_servers_need_too_is_not_made(tmp_path: Path) -> None:
    from smsotp_plugin.settings import load_settings

    file = tmp_path / "smsotp.toml"
    file.write_text(
        f"[store]\nurl = 'redis://localhost'\nkey_file = '{tmp_path}/smsotp.key'\n"
        "[gateways.a]\nprovider = 'http'\nURL = 'https://a.example'\nRETURN_SUCCESS = 'OK'\n"
        "[gateways.a.options]\nto = '{phone}'\ntext = '{otp}'\n"
    )
    with pytest.raises(ConfigError, match="copy it to each of them"):
        build_codes(load_settings(file))
    with pytest.raises(StoreError, match="copy the one that the servers have"):
        find_names(load_settings(file))
    assert not (tmp_path / "smsotp.key").exists()
    (tmp_path / "smsotp.key").write_text("")
    with pytest.raises(ConfigError, match="put back the one that was there, or write a new one"):
        build_codes(load_settings(file))
    (tmp_path / "smsotp.key").write_text("k" * 32)
    build_codes(load_settings(file))


def test_tries_that_redis_has_lost_are_not_given_again(store: RedisStore, redis: Redis) -> None:
    new = begin(store, somebody())
    key = f"{{smsotp}}:challenge:{new.state}"
    dump = redis.ask("HGETALL", key)
    with pytest.raises(WrongCode):
        store.answer(new.state, "bob", WRONG, NOW())
    redis.ask("HSET", key, *dump)

    with pytest.raises(StoreError, match="more tries in the store"):
        store.answer(new.state, "bob", RIGHT, NOW())


def test_what_a_server_leaves_is_found_though_redis_has_lost_that_it_lives(
    server: RedisServer, redis: Redis
) -> None:
    dead = open_store(server.url)
    redis.ask("FLUSHALL")
    new = begin(dead, somebody())
    # Its time is over, where it stands there at all.
    redis.ask(
        "ZADD", "{smsotp}:owners", "XX", "1", redis.ask("HGET", f"{{smsotp}}:message:{new.state}:0", "owner")
    )
    other = open_store(server.url)
    left = other.take_over(NOW())
    for store in (other, dead):
        store.close()

    assert [each.message.state for each in left] == [new.state]


@pytest.mark.parametrize(("name", "value"), [("tries_left", "many"), ("resends", "")])
def test_what_somebody_else_has_written_there_is_refused_in_a_sentence(
    store: RedisStore, redis: Redis, name: str, value: str
) -> None:
    new = begin(store, somebody())
    redis.ask("HSET", f"{{smsotp}}:challenge:{new.state}", name, value)

    with pytest.raises(StoreError, match="smsotp has not written there"):
        store.open_challenge(new, SomeParcel(new))


def test_a_store_that_is_closed_speaks_to_nobody_any_more(store: RedisStore, redis: Redis) -> None:
    new = begin(store, somebody())
    store.close()
    before = redis.ask("INFO", "stats")
    for late in (lambda: store.find(new.state, "bob"), lambda: store.may_wait(RULES)):
        with pytest.raises(StoreError, match="the store is closed"):
            late()

    assert connections(redis.ask("INFO", "stats")) == connections(before)


def connections(stats: str) -> str:
    """Return how many connections a Redis says that it has ever had."""
    return stats.partition("total_connections_received:")[2].partition("\r")[0]
