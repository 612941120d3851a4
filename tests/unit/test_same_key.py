"""Servers and workers of one Redis need the same key: whoever has another one is told so, and neither asks for codes nor takes messages."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.cli import app
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.codes.keyed import name_key
from smsotp_plugin.errors import OtherKey, UnknownChallenge
from smsotp_plugin.raddb.rehearsal import rehearse
from smsotp_plugin.stores.budgets import NO_BUDGETS
from smsotp_plugin.stores.process_traits import NO_TRAITS, ProcessTraits
from smsotp_plugin.stores.redis.store import RedisStore
from tests.support.challenges import DAY, RIGHT, WINDOW
from tests.support.clock import FakeClock, Waits
from tests.support.door import open_door
from tests.support.parcels import begin
from tests.support.programs import Running
from tests.support.redis import PATIENCE, Monitor, Redis, fill_settings, open_store, somebody

PLACE = "the key file /etc/smsotp/smsotp.key"
KEYS = "{smsotp}:keys"
#: Seconds after which nobody is believed to live who says nothing.
SILENT = 6.0


def named(*keys: str) -> ProcessTraits:
    return ProcessTraits(tuple(name_key(key.encode() * 32) for key in keys), PLACE)


OURS, OTHERS = named("k"), named("o")


def process(server: RedisServer, traits: ProcessTraits, clock: FakeClock | None = None) -> RedisStore:
    """A server or a worker at its start; with a clock, this is also that of the Redis."""
    turn = None if clock is None else clock.time
    settings = fill_settings(server.url)
    return RedisStore(settings, WINDOW, DAY, clock or SystemClock(), NO_BUDGETS, traits=traits, turn=turn)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(waits=Waits.NOT_AT_ALL)


@pytest.fixture
def other(server: RedisServer, redis: Redis) -> Iterator[RedisStore]:
    """A process with another key, which lives."""
    del redis
    settings, clock = fill_settings(server.url), FakeClock(SystemClock().time(), Waits.SHORTLY)
    with closing(RedisStore(settings, WINDOW, DAY, clock, NO_BUDGETS, traits=OTHERS)) as other:
        # Longer than it is new.
        clock.advance(SILENT)
        other.start()
        yield other


def write(directory: Path, server: RedisServer, more: str = "") -> Path:
    """The configuration of a server or worker whose key is none of the others'."""
    key = directory / "smsotp.key"
    key.write_text("k" * 32)
    path = directory / "smsotp.toml"
    path.write_text(
        f'[store]\nurl = "{server.url}"\nkey_file = "{key}"\n{more}\n'
        '[gateways.any]\nprovider = "script"\nSCRIPT = "/bin/true"\n'
    )
    for each in (key, path):
        each.chmod(0o600)
    return path


WORKERS = '[queue]\nmode = "workers"'


def is_told(text: str, server: RedisServer, directory: Path) -> bool:
    """Tell whether a text says what is wrong, where, and what is to be done."""
    said = f"the key file {directory / 'smsotp.key'} holds a different key from the servers and workers that use redis at 127.0.0.1:{server.port}"
    return said in text and "copy the key of one of them here" in text and "k" * 32 not in text


def test_whoever_has_another_key_than_those_that_live_does_not_start(
    other: RedisStore, server: RedisServer, redis: Redis
) -> None:
    for _ in range(2):
        with pytest.raises(OtherKey, match=r"/etc/smsotp/smsotp\.key holds a different key .*copy the key"):
            process(server, OURS)

    assert redis.ask("ZRANGE", KEYS, 0, -1) == [f"{other._messages.owner} {OTHERS.key_names[0]}"]


def test_whoever_shares_a_key_with_one_of_them_starts_at_each_step_of_a_change(
    server: RedisServer, redis: Redis
) -> None:
    del redis
    steps = [named("o"), named("o", "n"), named("n", "o"), named("n")]
    nodes = [process(server, steps[0]) for _ in range(3)]
    for step in steps[1:]:
        for place in range(len(nodes)):
            nodes[place].close()
            nodes[place] = process(server, step)
            for node in nodes:
                node._keep_house()
    for node in nodes:
        with pytest.raises(UnknownChallenge):
            node.find("none", "bob")
        node.close()


@pytest.mark.parametrize("traits", [OURS, OTHERS])
def test_an_older_version_which_says_nothing_of_its_key_keeps_nobody_from_starting(
    server: RedisServer, redis: Redis, traits: ProcessTraits
) -> None:
    with closing(open_store(server.url)), closing(process(server, traits)) as started:
        assert redis.ask("ZCARD", KEYS) == 1
        with closing(process(server, NO_TRAITS)):
            started._keep_house()


def test_the_keys_of_one_that_has_ended_or_died_count_no_more(
    server: RedisServer, redis: Redis, clock: FakeClock
) -> None:
    process(server, OTHERS, clock).close()
    assert redis.ask("ZCARD", KEYS) == 0
    with closing(process(server, OURS, clock)):
        clock.advance(SILENT)
        with closing(process(server, OTHERS, clock)):
            assert len(redis.ask("ZRANGE", KEYS, 0, -1)) == 1


def test_what_redis_holds_of_a_key_is_a_name_that_ends(other: RedisStore, redis: Redis) -> None:
    (kept,) = redis.ask("ZRANGE", KEYS, 0, -1)

    assert kept == f"{other._messages.owner} {OTHERS.key_names[0]}"
    assert 0 < redis.ask("PTTL", KEYS) <= 86400_000
    assert len({name_key(b"k" * 32), name_key(b"o" * 32), "k" * 16, (b"k" * 8).hex()}) == 4


def test_saying_it_costs_no_further_command(server: RedisServer, redis: Redis) -> None:
    del redis
    with closing(open_store(server.url)) as silent, closing(process(server, OURS)) as telling:
        said = []
        for store in (silent, telling):
            store._keep_house()
            monitor = Monitor(server.port)
            store._keep_house()
            said.append(monitor.scripts())
            monitor.close()

    assert said == [["take_over", "steady"]] * 2


@pytest.mark.parametrize("is_first", [True, False], ids=["before the others", "after them"])
def test_a_server_that_started_without_redis_finds_it_out_when_redis_answers(
    server: RedisServer,
    redis: Redis,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    *,
    is_first: bool,
) -> None:
    with ExitStack() as opened:
        ours = opened.enter_context(closing(process(server, OURS, clock)))
        clock.advance(SILENT)
        ours._keep_house()
        redis.ask("CONFIG", "SET", "min-replicas-to-write", 1)
        late = opened.enter_context(closing(process(server, OTHERS, clock)))
        clock.advance(SILENT)
        redis.ask("CONFIG", "SET", "min-replicas-to-write", 0)
        for store in (late, ours) if is_first else (ours, late):
            store._keep_house()
        for _ in range(3):
            clock.advance(1.0)
            late._keep_house()
            ours._keep_house()

        with pytest.raises(OtherKey):
            late.find("none", "bob")
        with pytest.raises(UnknownChallenge):
            ours.find("none", "bob")
    told = [record.levelname for record in caplog.records if "a different key" in record.getMessage()]
    assert told == ["ERROR"]


@pytest.mark.parametrize("in_mode_workers", [True, False])
def test_it_asks_for_no_code_and_takes_no_message_before_it_knows(
    other: RedisStore, server: RedisServer, redis: Redis, clock: FakeClock, *, in_mode_workers: bool
) -> None:
    begin(other, somebody())
    redis.ask("CONFIG", "SET", "min-replicas-to-write", 1)
    settings = fill_settings(server.url)
    with closing(RedisStore(settings, WINDOW, DAY, clock, NO_BUDGETS, traits=OURS)) as late:
        queue = late.open_queue(10)
        clock.advance(SILENT)
        redis.ask("CONFIG", "SET", "min-replicas-to-write", 0)
        other._keep_house()
        calls = (
            [lambda: queue.report({}), lambda: queue.take(1)]
            if in_mode_workers
            else [lambda: begin(late, somebody()), lambda: late.answer("none", "bob", RIGHT, clock.time())]
        )
        for call in calls:
            with pytest.raises(OtherKey):
                call()


def test_freeradius_refuses_to_start(
    other: RedisStore, server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del other
    config = write(tmp_path, server)
    with open_door(tmp_path, monkeypatch, config.read_text()) as world:
        assert world.door.instantiate({}) == -1
        assert is_told(world.log, server, tmp_path)


@pytest.mark.parametrize("mode", [WORKERS, ""], ids=["workers", "process"])
@pytest.mark.parametrize("lives", [True, False])
def test_both_checks_tell_of_it_before_the_start(
    other: RedisStore,
    server: RedisServer,
    redis: Redis,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    lives: bool,
    mode: str,
) -> None:
    if not lives:
        other.close()
    config = write(tmp_path, server, mode)
    code = app(["check", "--config", str(config)], standalone_mode=False)
    told = capsys.readouterr().err
    rehearsal = rehearse(tmp_path / "radiusd.conf", config)
    problems = rehearsal.problems

    assert code == (2 if lives else 0)
    assert is_told(told, server, tmp_path) == lives
    assert not any("in front" in text for text in (told, *rehearsal.warnings)), "advice for a change of keys"
    assert [is_told(problem, server, tmp_path) for problem in problems] == [True] * lives
    assert redis.ask("ZCARD", KEYS) == lives


def smsotp_worker(config: Path) -> list[str]:
    return [str(Path(sys.executable).parent / "smsotp"), "worker", "--config", str(config)]


def test_a_worker_refuses_to_start(other: RedisStore, server: RedisServer, tmp_path: Path) -> None:
    del other
    done = subprocess.run(
        smsotp_worker(write(tmp_path, server, WORKERS)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 1
    assert is_told(done.stderr, server, tmp_path)
    assert "takes messages" not in done.stderr


def test_a_worker_that_started_without_redis_ends_when_redis_answers(
    other: RedisStore, server: RedisServer, redis: Redis, tmp_path: Path
) -> None:
    del other
    config = write(tmp_path, server, WORKERS)
    redis.ask("CONFIG", "SET", "min-replicas-to-write", 1)
    worker = Running(smsotp_worker(config), tmp_path / "worker.log")
    worker.wait_for("the worker takes messages")
    redis.ask("CONFIG", "SET", "min-replicas-to-write", 0)
    code = worker.wait(PATIENCE)

    assert code == 1
    assert is_told(worker.log, server, tmp_path)
