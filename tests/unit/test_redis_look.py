"""What commands say of a Redis that cannot be used, before a server is started with it; what it answers is printed and not obeyed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.commands.erase import erase
from smsotp_plugin.commands.limits import show_limits
from smsotp_plugin.commands.store_copy import copy
from smsotp_plugin.commands.trace import trace
from smsotp_plugin.commands.unlock import unlock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.redis.line import Reply, ReplyError
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.look import look_at_redis
from smsotp_plugin.stores.redis.settings import RedisSettings
from smsotp_plugin.stores.schemes import look_at_store
from tests.support.redis import Redis
from tests.support.redis_places import read_rights

COMMANDS: list[Callable[[Path], int]] = [
    lambda config: show_limits(config, "", lift=False),
    lambda config: show_limits(config, "bob", lift=True),
    lambda config: trace(config, "bob", 5),
    lambda config: unlock(config, "bob"),
    lambda config: erase(config, "bob"),
    lambda config: copy(config, config),
]


@contextmanager
def user_with(redis: Redis, server: RedisServer, rights: list[str]) -> Iterator[RedisSettings]:
    """A user of this Redis with some rights, for as long as it is looked at."""
    redis.ask("ACL", "SETUSER", "some", "reset", "on", ">secret", *rights)
    try:
        yield RedisSettings(url=server.url, key="k" * 32, username="some", password="secret")
    finally:
        redis.ask("ACL", "DELUSER", "some")


class Answers:
    """Stands for the way to a Redis that answers this to the look."""

    def __init__(self, hello: Reply, info: Reply = b"") -> None:
        self._replies = [hello, None, 0, info]

    def key(self, name: str) -> str:
        return name

    def command(self, name: str, *words: object) -> Command:
        del words
        return Command((name,))

    def run_all(self, commands: list[Command]) -> list[Reply]:
        assert len(commands) == len(self._replies)
        return self._replies


def look(hello: Reply, info: Reply = b"") -> list[str]:
    return list(look_at_redis(Answers(hello, info)))  # type: ignore[arg-type]  # as much of it as is used


def test_the_rights_of_the_page_are_enough_for_a_look(redis: Redis, server: RedisServer) -> None:
    with user_with(
        redis, server, [right for right in read_rights() if right not in {"on", ">secret"}]
    ) as some:
        assert look_at_store(some) == ()


@pytest.mark.parametrize("missing", ["+@read", "+@write", "+@scripting", "+time", "~{smsotp}:*"])
def test_a_right_that_log_ins_need_is_missed_before_the_start(
    redis: Redis, server: RedisServer, missing: str
) -> None:
    rights = [right for right in read_rights() if right not in {"on", ">secret", missing}]
    with (
        user_with(redis, server, rights) as some,
        pytest.raises(StoreError, match=r"cannot be used: (NOPERM|ERR)") as told,
    ):
        look_at_store(some)

    assert "secret" not in str(told.value)


def test_a_replica_is_told_before_the_start(redis: Redis, server: RedisServer) -> None:
    redis.ask("REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(StoreError, match="cannot be used: READONLY"):
            look_at_store(RedisSettings(url=server.url, key="k" * 32))
    finally:
        redis.ask("REPLICAOF", "NO", "ONE")


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_redis_that_forgets_when_it_is_full_is_warned_of(
    redis: Redis, server: RedisServer, policy: str
) -> None:
    some = RedisSettings(url=server.url, key="k" * 32)
    redis.ask("CONFIG", "SET", "maxmemory-policy", policy)
    try:
        unlimited = look_at_store(some)
        redis.ask("CONFIG", "SET", "maxmemory", "1gb")
        (warning,) = look_at_store(some)
        redis.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        kept = look_at_store(some)
    finally:
        redis.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        redis.ask("CONFIG", "SET", "maxmemory", "0")

    assert list(unlimited) == list(kept) == []
    assert f"maxmemory-policy {policy}" in warning


@pytest.mark.parametrize(
    ("hello", "version"),
    [
        ([b"server", b"redis", b"version", b"6.0.16", b"proto", 2], "6.0.16"),
        (ReplyError("unknown command `HELLO`, with args beginning with: `2`, "), "before 6.0"),
        ([b"server", b"redis", b"version", b"new", b"proto", 2], "new"),
    ],
)
def test_a_redis_that_lacks_commands_of_the_scripts_is_too_old(hello: Reply, version: str) -> None:
    with pytest.raises(StoreError, match=rf"too old \(version {version}\): 6\.2 or later is needed"):
        look(hello)


@pytest.mark.parametrize("version", [b"6.2.0", b"7.0.15", b"8.1.1", b"10.0.0"])
def test_a_redis_that_has_them_can_be_used(version: bytes) -> None:
    assert look([b"server", b"valkey", b"version", version, b"proto", 2]) == []


@pytest.mark.parametrize("hello", [[b"server"], [b"version"], b"OK", [1, 2, 3]])
def test_an_answer_that_is_none_is_refused_in_a_sentence(hello: Reply) -> None:
    with pytest.raises(StoreError, match="something that smsotp has not written there"):
        look(hello)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_terminal_obeys_nothing_that_a_store_answers(
    redis: Redis,
    server: RedisServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: Callable[[Path], int],
) -> None:
    config = tmp_path / "smsotp.toml"
    config.write_text(
        f'[store]\nurl = "{server.url}"\nkey = "{"k" * 32}"\n[gateways.any]\nprovider = "script"\nSCRIPT = "/bin/true"\n'
    )
    redis.ask("SET", "{smsotp}:version", "\x1b]0;evil\x07\x9b31m")

    assert command(config) == 1
    told = capsys.readouterr().err
    assert r"\x1b]0;evil\x07" in told
    assert told.removesuffix("\n").isprintable()
