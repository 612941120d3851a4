"""The ways to a Redis: over TLS, with a user, through a socket, by Sentinels when it dies, in a Cluster when a node dies."""

import contextlib
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisSentinel, RedisServer
from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.guesses import GuessRules
from smsotp_plugin.stores.redis.address import RedisPlace
from smsotp_plugin.stores.redis.line import Access, Line
from smsotp_plugin.stores.redis.link import LIMIT, REST
from smsotp_plugin.stores.redis.store import RedisStore
from tests.support.challenges import RIGHT
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import begin
from tests.support.redis import PATIENCE, Redis, once, open_store, somebody
from tests.support.redis_places import (
    clustered_redis,
    make_authority,
    make_encrypted,
    read_rights,
    watched_redis,
)

NOW = SystemClock().time


def log_in(store: RedisStore) -> str:
    """Do both legs."""
    new = begin(store, somebody())
    return store.answer(new.state, "bob", RIGHT, NOW()).state


@contextlib.contextmanager
def opened(url: str, **settings: object) -> Iterator[RedisStore]:
    store = open_store(url, **settings, limit=LIMIT)  # type: ignore[arg-type]
    yield store
    with contextlib.suppress(StoreError):
        store.close()


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return make_authority(tmp_path)


@pytest.fixture
def encrypted(tmp_path: Path, authority: Path) -> Iterator[str]:
    """Start a Redis that speaks TLS; gives its port."""
    with make_encrypted(tmp_path, authority) as server:
        yield str(server.port)


def test_tls_goes_to_the_name_that_the_certificate_holds(encrypted: str, authority: Path) -> None:
    with opened(f"rediss://localhost:{encrypted}", ca_file=str(authority)) as store:
        assert log_in(store)


@pytest.mark.parametrize(
    ("url", "has_authority", "why"),
    [
        ("rediss://127.0.0.1:{}", True, "certificate is not accepted"),
        ("rediss://localhost:{}", False, "certificate is not accepted"),
        ("redis://localhost:{}", False, "closed the connection|protocol|reset"),
    ],
)
def test_tls_goes_to_nobody_else(
    encrypted: str, authority: Path, url: str, why: str, *, has_authority: bool
) -> None:
    settings = {"ca_file": str(authority)} if has_authority else {}
    with opened(url.format(encrypted), **settings) as store, pytest.raises(StoreError, match=why):
        log_in(store)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[RedisServer]:
    """Start a Redis that lets in one user, with the rights that the documentation names."""
    with RedisServer(tmp_path / "redis") as server:
        redis = Redis(server.port)
        redis.ask("ACL", "SETUSER", "radius", *read_rights())
        redis.ask("ACL", "SETUSER", "default", "off")
        redis.close()
        yield server


def test_a_user_with_few_rights_is_enough(guarded: RedisServer) -> None:
    with opened(f"redis://radius:secret@127.0.0.1:{guarded.port}") as store:
        assert log_in(store)
        assert not store.may_wait(GuessRules(5, 20, 30.0, 3600.0, 86400.0, 86400.0))
        assert store._watched._line is not None
        store._keep_house()
        store.flush()
    with opened(f"redis://127.0.0.1:{guarded.port}", username="radius", password="secret") as store:
        assert log_in(store)


@pytest.mark.parametrize(
    ("account", "why"), [("radius:wrong@", "WRONGPASS"), ("", "NOAUTH"), (":secret@", "AUTH")]
)
def test_who_is_not_let_in_is_told_so_at_the_start_and_no_password_is_repeated(
    guarded: RedisServer, account: str, why: str
) -> None:
    with pytest.raises(StoreError, match=why) as refused:
        open_store(f"redis://{account}127.0.0.1:{guarded.port}", limit=LIMIT)

    assert "secret" not in str(refused.value)


def test_a_new_connection_says_who_we_are_and_nothing_else(tmp_path: Path) -> None:
    with RedisServer(tmp_path, options=["--requirepass", "secret"]) as server:
        line = Line(RedisPlace("127.0.0.1", server.port), Access(password="secret", database=3))
        (stats,) = line.ask([("INFO", "commandstats")], Deadline.after(PATIENCE, SystemClock()))
        line.close()

    assert set(re.findall(r"cmdstat_([^:]+)", str(stats))) == {"auth", "select"}


def test_a_user_without_a_password_is_a_user(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        redis = Redis(server.port)
        redis.ask("ACL", "SETUSER", "radius", *read_rights(), "nopass")
        redis.ask("ACL", "SETUSER", "default", "off")
        redis.close()
        with opened(f"redis://radius@127.0.0.1:{server.port}") as store:
            assert log_in(store)


def test_a_socket_of_this_machine_is_a_way(tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path, options=["--unixsocket", str(tmp_path / "redis.sock")]),
        opened(f"unix://{tmp_path}/redis.sock?db=3") as store,
    ):
        assert log_in(store)


def test_a_replica_is_no_place_to_write_to(tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path / "first") as first,
        RedisServer(tmp_path / "second", options=["--replicaof", "127.0.0.1", str(first.port)]) as second,
        opened(second.url) as store,
        pytest.raises(StoreError, match="read only replica"),
    ):
        log_in(store)


def test_what_another_version_has_written_is_left_alone(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        redis = Redis(server.port)
        redis.ask("SET", "{smsotp}:version", 2)
        redis.close()
        with pytest.raises(StoreError, match="another smsotp-plugin has written"):
            open_store(server.url, limit=LIMIT)


def test_sentinels_say_who_has_taken_the_place_of_a_redis_that_died(tmp_path: Path) -> None:
    clock = FakeClock(waits=Waits.NOT_AT_ALL)
    with watched_redis(tmp_path) as watched, opened(watched.url, clock=clock) as store:
        before = begin(store, somebody())
        watched.fail_over()

        assert once(lambda: store.answer(before.state, "bob", RIGHT, NOW()), clock=clock) == before
        assert log_in(store)


def test_a_sentinel_that_goes_on_naming_a_dead_redis_is_not_the_only_one_that_is_asked(
    tmp_path: Path,
) -> None:
    clock = FakeClock(waits=Waits.NOT_AT_ALL)
    with contextlib.ExitStack() as running:
        dead, alive = (running.enter_context(RedisServer(tmp_path / name)) for name in ("dead", "alive"))
        sentinels = [
            running.enter_context(RedisSentinel(tmp_path / f"sentinel-{each.directory.name}", each, quorum=2))
            for each in (dead, alive)
        ]
        dead.kill()
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels)
        store = running.enter_context(opened(f"redis+sentinel://{hosts}/mymaster", clock=clock))
        clock.advance(REST)

        assert log_in(store)


def test_a_name_that_no_sentinel_knows_is_told(tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path / "first") as first,
        RedisSentinel(tmp_path / "sentinel", first) as sentinel,
        opened(f"redis+sentinel://127.0.0.1:{sentinel.port}/other") as store,
        pytest.raises(StoreError, match="does not know it"),
    ):
        log_in(store)


@pytest.mark.parametrize("password", ["", "wrong", "right"])
def test_sentinels_have_a_password_of_their_own(tmp_path: Path, password: str) -> None:
    with (
        RedisServer(tmp_path / "first") as first,
        RedisSentinel(tmp_path / "sentinel", first) as sentinel,
    ):
        redis = Redis(sentinel.port)
        redis.ask("ACL", "SETUSER", "default", ">right")
        redis.close()
        settings = {"sentinel_password": password} if password else {}
        with opened(f"redis+sentinel://127.0.0.1:{sentinel.port}/mymaster", **settings) as store:
            if password == "right":
                assert log_in(store)
                return
            with pytest.raises(StoreError, match=r"does not let us in: (NOAUTH|WRONGPASS)"):
                log_in(store)


def test_a_cluster_is_asked_who_has_our_slot_and_again_when_that_node_dies(tmp_path: Path) -> None:
    clock = FakeClock(waits=Waits.NOT_AT_ALL)
    with clustered_redis(tmp_path) as nodes:
        for node in (*nodes.others, nodes.owner):
            redis = Redis(node.port)
            redis.ask("ACL", "SETUSER", "radius", *read_rights())
            redis.close()
        with opened(nodes.url, clock=clock, username="radius", password="secret") as store:
            assert log_in(store)
            before = begin(store, somebody())
            nodes.fail_over()

            assert once(lambda: store.answer(before.state, "bob", RIGHT, NOW()), clock=clock) == before
            assert log_in(store)
            assert store.take_over(NOW()) == []
            store.flush()


def test_while_a_cluster_moves_our_slot_log_ins_are_refused_and_then_nothing_is_lost(tmp_path: Path) -> None:
    clock = FakeClock(waits=Waits.NOT_AT_ALL)
    with clustered_redis(tmp_path) as nodes, opened(nodes.url, clock=clock) as store:
        waiting = begin(store, somebody())
        heir = nodes.others[0]
        with closing(Redis(nodes.owner.port)) as old, closing(Redis(heir.port)) as new:
            slot, old_id, new_id = (
                old.ask("CLUSTER", "KEYSLOT", "{smsotp}"),
                old.ask("CLUSTER", "MYID"),
                new.ask("CLUSTER", "MYID"),
            )

            def begin_another() -> Challenge:
                return begin(store, somebody())

            def answer() -> Challenge:
                return store.answer(waiting.state, "bob", RIGHT, NOW())

            def move(keys: str) -> None:
                for key in old.ask("KEYS", keys):
                    old.ask("MIGRATE", "127.0.0.1", heir.port, key, 0, int(PATIENCE * 1000))

            new.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", old_id)
            old.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", new_id)
            move("*:challenge:*")
            for call in (begin_another, answer):
                with pytest.raises(StoreError):
                    call()
                clock.advance(REST)
            move("*")
            for node in (new, old):
                node.ask("CLUSTER", "SETSLOT", slot, "NODE", new_id)

        assert once(answer, clock=clock) == waiting
        assert log_in(store)
