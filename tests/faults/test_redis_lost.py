"""What is lost when a Redis dies, all of them do, or one is cut off: that, and nothing else; see docs/cluster.md."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import Clock, SystemClock
from smsotp_plugin.errors import StoreError, UnknownChallenge, WrongCode
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.budgets import NO_BUDGETS
from smsotp_plugin.stores.redis.link import LIMIT
from smsotp_plugin.stores.redis.settings import RedisSettings
from smsotp_plugin.stores.redis.store import RedisStore
from tests.e2e.disks import ext4, mounted
from tests.support.challenges import DAY, RIGHT, WINDOW, WRONG, name_outcome
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import begin, begin_attempt
from tests.support.redis import PATIENCE, Redis, once, open_store, somebody
from tests.support.redis_peer import Proxy
from tests.support.redis_places import COPIED, wait_for_copy

NOW = SystemClock().time
#: How an answer ends whose challenge is lost.
LOST = "UnknownChallenge"


class Cable(Proxy):
    """A way to a Redis that can be cut without either side hearing of it, and laid to another one."""

    _is_cut = False

    def cut(self) -> None:
        self._is_cut = True

    def ask(self, piece: bytes) -> bytes:
        return b"" if self._is_cut else piece

    def answer(self, piece: bytes) -> bytes:
        return self.ask(piece)


class Opened:
    """Opens stores whose waits end at once, and closes them."""

    def __init__(self) -> None:
        self.rest = contextlib.ExitStack()
        self.clock = FakeClock(NOW(), Waits.NOT_AT_ALL)

    def __call__(self, url: str) -> RedisStore:
        store = open_store(url, self.clock, limit=LIMIT)
        self.rest.callback(_close, store)
        return store

    def once(self, call: Callable[[], Challenge]) -> Challenge:
        """Do what a store refuses for as long as it leaves its Redis alone."""
        return once(call, clock=self.clock)


def _close(store: RedisStore) -> None:
    with contextlib.suppress(StoreError):
        store.close()


@pytest.fixture
def opened() -> Iterator[Opened]:
    opened = Opened()
    with opened.rest:
        yield opened


class Replicated:
    """
    A Redis, another one that copies from it over a cable, and a way for servers to the first one.

    Args:
        directory: For both.
        running: Ends them.
        options: Further ones of the first one.
    """

    def __init__(self, directory: Path, running: contextlib.ExitStack, options: list[str]) -> None:
        self.first = running.enter_context(RedisServer(directory / "first", options=options))
        self.between = running.enter_context(Cable(self.first.port))
        self.way = running.enter_context(Cable(self.first.port))
        follow = ["--replicaof", "127.0.0.1", str(self.between.port)]
        self.second = running.enter_context(RedisServer(directory / "second", options=follow))
        self.second.wait_for_log(COPIED, timeout=PATIENCE)

    def promote(self) -> None:
        """Do what Sentinels do: the second one is the first one now, and servers find it."""
        redis = Redis(self.second.port)
        assert redis.ask("REPLICAOF", "NO", "ONE") == "OK"
        redis.close()
        self.way.leads_to = self.second.port


def answer(store: RedisStore, challenge: Challenge) -> Challenge:
    return store.answer(challenge.state, "bob", RIGHT, NOW())


def judge(store: RedisStore, *challenges: Challenge) -> list[str]:
    """Return how a right answer to each ends."""
    return [name_outcome(partial(answer, store, each)) for each in challenges]


def test_when_the_first_redis_dies_what_its_replica_had_not_is_lost(tmp_path: Path, opened: Opened) -> None:
    with contextlib.ExitStack() as running:
        redis = Replicated(tmp_path, running, [])
        saw_them, other = opened(redis.way.url), opened(redis.way.url)
        copied, used, tried = (begin(other, somebody()) for _ in range(3))
        wait_for_copy(redis.first)
        redis.between.cut()
        late = begin(other, somebody())
        answer(saw_them, used)
        with pytest.raises(WrongCode):
            saw_them.answer(tried.state, "bob", WRONG, NOW())
        redis.first.kill()
        redis.promote()
        new = opened.once(lambda: begin(other, somebody()))

        assert judge(other, copied, late, new) == ["accepted", LOST, "accepted"]
        opened.once(lambda: saw_them.find(copied.state, "bob"))
        for each in (used, tried):
            with pytest.raises(StoreError, match="Redis has lost the last changes"):
                answer(saw_them, each)
        # The other one cannot know of them.
        assert other.find(tried.state, "bob") == tried
        assert judge(other, used, tried) == ["accepted", "accepted"]


def test_an_sms_whose_end_is_lost_may_come_again(tmp_path: Path, opened: Opened) -> None:
    with contextlib.ExitStack() as running:
        redis = Replicated(tmp_path, running, [])
        node, worker, heir = (opened(redis.way.url) for _ in range(3))
        node.open_queue(10)
        queues = [worker.open_queue(10), heir.open_queue(10)]
        queues[0].take(1)
        new = begin(node, somebody())
        wait_for_copy(redis.first)
        redis.between.cut()
        (sent,) = queues[0].take(1)
        begin_attempt(worker, new.state, "mock")
        worker.forget_message(new.state, 0)
        worker.flush()
        redis.first.kill()
        redis.promote()
        (again,) = once(lambda: queues[1].take(1), clock=opened.clock)

    assert (again.message, again.is_needed, again.may_have_it) == (sent.message, True, frozenset())


@pytest.mark.parametrize("is_bounded", [True, False])
def test_a_first_redis_that_is_cut_off_loses_what_it_takes_and_takes_no_more_where_it_must_have_a_replica(
    tmp_path: Path, opened: Opened, *, is_bounded: bool
) -> None:
    # As on the page. A replica is heard of once a second, or later where the machine is busy.
    bound = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "5"] if is_bounded else []
    with contextlib.ExitStack() as running:
        redis = Replicated(tmp_path, running, bound)
        on_its_side = opened(redis.way.url)
        # The replica may not have been heard of yet.
        copied = opened.once(lambda: begin(on_its_side, somebody()))
        wait_for_copy(redis.first)
        redis.between.cut()
        taken = [begin(on_its_side, somebody())]

        def take_until_refused() -> None:
            asked = running.enter_context(contextlib.closing(Redis(redis.first.port)))
            while True:
                taken.append(begin(on_its_side, somebody()))
                # A tenth of a second in which nothing is heard of.
                asked.ask("XREAD", "BLOCK", 100, "STREAMS", "nothing", "$")

        if is_bounded:
            with pytest.raises(StoreError, match="NOREPLICAS"):
                take_until_refused()
            with pytest.raises(StoreError):
                answer(on_its_side, copied)
        redis.promote()
        elsewhere = opened(redis.second.url)
        if not is_bounded:
            # It goes on, whoever has its place.
            taken.append(begin(on_its_side, somebody()))

        assert {*judge(elsewhere, *taken)} == {LOST}
        assert judge(elsewhere, copied) == ["accepted"]


@pytest.mark.parametrize(("is_worker", "life"), [(False, 5.0), (True, 3.0)])
def test_whoever_says_nothing_for_some_seconds_has_its_messages_taken_over_and_not_before(
    tmp_path: Path, *, is_worker: bool, life: float
) -> None:
    with RedisServer(tmp_path) as server:
        clock = FakeClock(NOW(), Waits.NOT_AT_ALL)
        stores = dead, heir = [_open_by(clock, server.url) for _ in range(2)]
        if is_worker:
            for store in stores:
                # The first time, it makes the group.
                store.open_queue(10).take(1)
        new = begin(dead, somebody())
        if is_worker:
            dead.open_queue(10).take(1)
        for store in stores:
            store._keep_house()
        taken = _take_before_and_after(heir, clock, life)
        for store in stores:
            store.close()

    assert taken == ([], [new.state])


@pytest.mark.parametrize("back", [60.0, 200.0])
def test_whoever_died_before_the_clock_of_redis_was_set_back_is_believed_no_longer_than_others(
    tmp_path: Path, back: float
) -> None:
    with RedisServer(tmp_path) as server:
        clock = FakeClock(NOW(), Waits.NOT_AT_ALL)
        stores = dead, heir = [_open_by(clock, server.url) for _ in range(2)]
        new = begin(dead, somebody())
        for store in stores:
            store._keep_house()
        clock.set_by(-back)
        heir._keep_house()
        taken = _take_before_and_after(heir, clock, 5.0)
        for store in stores:
            store.close()

    assert taken == ([], [new.state])


def _take_before_and_after(heir: RedisStore, clock: FakeClock, life: float) -> tuple[list[str], list[str]]:
    """Return which messages can be taken over just before somebody is no longer believed to live, and just after."""
    taken = []
    for seconds in (life - 0.1, 0.2):
        clock.advance(seconds)
        taken.append([each.message.state for each in heir.take_over(clock.time())])
    before, after = taken
    return before, after


def _open_by(clock: Clock, url: str) -> RedisStore:
    """Open a store that has the time of Redis from a test's clock."""
    settings = RedisSettings.model_validate({"url": url, "key": "k" * 32})
    return RedisStore(settings, WINDOW, DAY, clock, NO_BUDGETS, turn=clock.time)


def test_a_full_redis_takes_no_log_in_and_no_answer_and_keeps_what_it_has(
    tmp_path: Path, opened: Opened
) -> None:
    with RedisServer(tmp_path, options=["--maxmemory-policy", "noeviction"]) as server:
        store, redis = opened(server.url), Redis(server.port)
        waiting, late = begin(store, somebody()), somebody()
        redis.ask("CONFIG", "SET", "maxmemory", "1")
        for call in (partial(begin, store, late), partial(answer, store, waiting)):
            with pytest.raises(StoreError, match=r"^Redis refuses: .*maxmemory"):
                call()
        redis.ask("CONFIG", "SET", "maxmemory", "0")
        redis.close()

        assert answer(store, waiting) == waiting
        with pytest.raises(UnknownChallenge):
            store.find(late.state, "bob")


@pytest.mark.parametrize("keeps", [True, False])
def test_a_redis_that_is_killed_and_started_again_has_all_or_nothing(
    tmp_path: Path, opened: Opened, *, keeps: bool
) -> None:
    with RedisServer(tmp_path, durable=keeps) as server:
        store = opened(server.url)
        used = begin(store, somebody())
        answer(store, used)
        waiting = begin(store, somebody())
        server.kill()
        server.start()
        other = opened(server.url)
        opened.once(lambda: begin(store, somebody()))

        assert judge(other, used, waiting) == (["AlreadyUsed", "accepted"] if keeps else [LOST, LOST])
        assert judge(store, begin(store, somebody())) == ["accepted"]


@contextlib.contextmanager
def on_a_disk(directory: Path, policy: str) -> Iterator[tuple[RedisServer, Path]]:
    """Start a Redis with a disk of its own; gives also the file that holds what has been written on that."""
    disk = directory / "disk"
    with ext4(disk), RedisServer(disk / "redis", durable=True, options=["--appendfsync", policy]) as server:
        yield server, disk.with_suffix(".image")


@contextlib.contextmanager
def after_power_failed(image: Path) -> Iterator[RedisServer]:
    """Start a Redis with what had been written on a disk when this was copied from it."""
    with (
        mounted(image.with_suffix(""), "-o", "loop", str(image)) as disk,
        RedisServer(disk / "redis", durable=True) as server,
    ):
        yield server


def test_when_the_power_fails_a_redis_that_always_writes_has_all_that_it_has_answered(
    tmp_path: Path, opened: Opened
) -> None:
    with on_a_disk(tmp_path, "always") as (server, disk):
        store = opened(server.url)
        waiting, used = begin(store, somebody()), begin(store, somebody())
        answer(store, used)
        image = Path(shutil.copy(disk, tmp_path / "copy.image"))
    with after_power_failed(image) as server:
        after = opened(server.url)

        assert judge(after, waiting, used) == ["accepted", "AlreadyUsed"]


def test_when_the_power_fails_a_redis_that_writes_every_second_has_lost_what_was_not_written(
    tmp_path: Path, opened: Opened
) -> None:
    with on_a_disk(tmp_path, "everysec") as (server, disk):
        store = opened(server.url)

        def fail_before_all_is_written() -> tuple[Challenge, Challenge, Path]:
            used = begin(store, somebody())
            once(lambda: _is_written(disk, used), AssertionError)
            written = disk.read_bytes().count(used.state.encode())
            answer(store, used)
            late = begin(store, somebody())
            server.freeze()
            image = Path(shutil.copy(disk, tmp_path / "copy.image"))
            server.thaw()
            held = image.read_bytes()
            assert held.count(used.state.encode()) == written
            assert late.state.encode() not in held
            return used, late, image

        used, late, image = once(fail_before_all_is_written, AssertionError)
    with after_power_failed(image) as server:
        after = opened(server.url)

        # The code was used, but nothing tells of that any more.
        assert judge(after, used, late) == ["accepted", LOST]


def _is_written(disk: Path, challenge: Challenge) -> None:
    assert challenge.state.encode() in disk.read_bytes()
