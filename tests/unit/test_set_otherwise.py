"""Processes at one Redis whose settings or clocks differ: whoever comes later is told so in its log, and beforehand by both checks."""

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.assembly import build_store
from smsotp_plugin.cli import app
from smsotp_plugin.clock import Clock, SystemClock
from smsotp_plugin.raddb.rehearsal import rehearse
from smsotp_plugin.settings import load_settings
from smsotp_plugin.settings.alike import find_traits
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.redis.link import REST
from smsotp_plugin.stores.schemes import share_clock
from tests.support.clock import FakeClock, Waits
from tests.support.moved_clock import MovedClock
from tests.support.redis import Redis

LONGER = "[otp]\nlength = 8\n"
WORKERS = '[queue]\nmode = "workers"\n'


def write(directory: Path, server: RedisServer, more: str = "", name: str = "smsotp.toml") -> Path:
    path = directory / name
    path.write_text(
        f'[store]\nurl = "{server.url}"\nkey = "{"k" * 32}"\n{more}\n'
        '[gateways.any]\nprovider = "script"\nSCRIPT = "/bin/true"\n'
    )
    path.chmod(0o600)
    return path


def start(config: Path, clock: Clock | None = None) -> Store:
    """Open the store as a server does at its start."""
    settings = load_settings(config)
    shared = share_clock(settings.store, clock or SystemClock())
    return build_store(settings, shared, find_traits(settings))


def check(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Return the exit code, and what is said to be wrong."""
    code = app(["check", "--config", str(path)], standalone_mode=False)
    return code, [
        line for line in capsys.readouterr().err.splitlines() if "another server" in line or "clock" in line
    ]


@pytest.fixture
def other(redis: Redis, server: RedisServer, tmp_path: Path) -> Iterator[Store]:
    """A server that lives."""
    del redis
    with closing(start(write(tmp_path, server, name="other.toml"))) as store:
        yield store


def test_whoever_starts_with_other_settings_is_told_which(
    other: Store, server: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    del other
    more = f'{LONGER}[limits]\nper_user = ["3/h"]\n'
    with closing(start(write(tmp_path, server, more))) as store:
        for _ in range(3):
            store._keep_house()  # type: ignore[attr-defined]  # what it does once a second
    (said,) = caplog.messages

    assert said.startswith(
        f"[otp], [limits]: another server or worker that uses redis at 127.0.0.1:{server.port} has different settings there"
    )


def test_whoever_has_the_same_or_comes_alone_is_told_nothing(
    other: Store, server: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = write(tmp_path, server)
    start(config).close()
    other.close()
    start(write(tmp_path, server, LONGER)).close()

    assert caplog.messages == []


def test_whoever_died_before_the_clock_of_redis_was_set_back_differs_in_nothing(
    other: Store, server: RedisServer, redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (said,) = redis.ask("ZRANGE", "{smsotp}:keys", 0, -1)
    other.close()
    redis.ask("ZADD", "{smsotp}:keys", SystemClock().time() + 3600, said)
    start(write(tmp_path, server, LONGER)).close()

    assert caplog.messages == []


def test_a_version_that_tells_no_settings_differs_in_none(
    redis: Redis, server: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    del redis
    settings = load_settings(write(tmp_path, server))
    traits = replace(find_traits(settings), settings=())
    with closing(build_store(settings, SystemClock(), traits)):
        start(write(tmp_path, server, LONGER)).close()

    assert caplog.messages == []


def test_whoever_started_without_redis_is_told_when_it_answers(
    other: Store, server: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, redis: Redis
) -> None:
    del other
    redis.ask("CONFIG", "SET", "min-replicas-to-write", 1)
    clock = FakeClock(SystemClock().time(), Waits.NOT_AT_ALL)
    with closing(start(write(tmp_path, server, LONGER), clock)) as store:
        redis.ask("CONFIG", "SET", "min-replicas-to-write", 0)
        assert not any("another server" in line for line in caplog.messages)
        clock.advance(REST)
        store._keep_house()  # type: ignore[attr-defined]  # what it does once a second

    assert len([line for line in caplog.messages if line.startswith("[otp]: another server")]) == 1


@pytest.mark.parametrize("word", ["", "a =otp", "a =otp:1:2", "a =", "a " * 10_000])
def test_what_somebody_else_has_written_there_keeps_nobody_from_starting(
    redis: Redis, server: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, word: str
) -> None:
    redis.ask("ZADD", "{smsotp}:keys", SystemClock().time() + 60, word)
    start(write(tmp_path, server)).close()

    said = ("the settings of others are not compared", "does not know the key in front")
    assert all(any(each in line for each in said) for line in caplog.messages)


@pytest.mark.parametrize("key", ["n", "k"])
def test_a_key_that_stands_in_front_before_all_know_it_is_told(
    other: Store, server: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    del other
    file = tmp_path / "smsotp.key"
    file.write_text("".join(f"{each * 32}\n" for each in dict.fromkeys((key, "k", "n"))))
    file.chmod(0o600)
    config = write(tmp_path, server)
    config.write_text(config.read_text().replace(f'key = "{"k" * 32}"', f'key_file = "{file}"'))
    start(config).close()

    assert ["does not know the key in front here" in line for line in caplog.messages] == [True] * (
        key == "n"
    )


@pytest.mark.parametrize("more", ["", WORKERS], ids=["process", "workers"])
@pytest.mark.parametrize("differs", [True, False])
def test_both_checks_tell_of_other_settings(
    other: Store,
    server: RedisServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    more: str,
    differs: bool,
) -> None:
    del other
    config = write(tmp_path, server, more + LONGER * differs)
    code, told = check(config, capsys)
    warnings = [line for line in rehearse(tmp_path / "radiusd.conf", config).warnings if "another" in line]
    named = ["otp"] * differs + ["queue"] * bool(more)

    assert code == 0
    for lines in (told, warnings):
        assert len(lines) == bool(named)
        for line in lines:
            assert ", ".join(f"[{name}]" for name in named) in line


@pytest.mark.parametrize("by", [-3600, -30, 0, 30, 3600])
def test_a_clock_that_differs_is_told_at_the_start_and_by_both_checks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], by: int
) -> None:
    caplog.set_level(logging.WARNING)
    moved = MovedClock(tmp_path / "clock")
    moved.move(by)
    with RedisServer(tmp_path / "redis", run_by=moved.run_by) as server:
        config = write(tmp_path, server)
        start(config).close()
        code, told = check(config, capsys)
        warnings = [line for line in rehearse(tmp_path / "radiusd.conf", config).warnings if "clock" in line]

    assert code == 0
    side = "ahead of" if by > 0 else "behind"
    sentence = f"the clock of redis at 127.0.0.1:{server.port} is {abs(by)} s {side} that of this machine"
    for lines in (caplog.messages, told, warnings):
        assert [sentence in line for line in lines] == [True] * bool(by)
