"""A Redis that is gone, hangs, is slow or forgets: log-ins are refused quickly, and go on when it is back."""

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import Clock, Deadline, SystemClock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.base import Challenge, ResendRules
from smsotp_plugin.stores.redis.address import RedisPlace
from smsotp_plugin.stores.redis.line import Access, Line
from smsotp_plugin.stores.redis.link import LIMIT, NotAnswered
from smsotp_plugin.stores.redis.store import RedisStore
from smsotp_plugin.wire import channel
from smsotp_plugin.wire.channel import Broken
from smsotp_plugin.wire.resolve import Address, Resolver
from tests.support.challenges import RIGHT, at_once
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import SomeParcel, begin, told_by
from tests.support.redis import PATIENCE, Redis, once, open_store, somebody


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def opened() -> Iterator[Callable[..., RedisStore]]:
    """Give a function that opens a store; all are closed after the test."""
    with contextlib.ExitStack() as rest:

        def opened(server: RedisServer, clock: Clock | None = None) -> RedisStore:
            store = open_store(server.url, clock)
            rest.callback(_close, store)
            return store

        yield opened


def _close(store: RedisStore) -> None:
    with contextlib.suppress(StoreError):
        store.close()


class Peer:
    """Takes connections in the place of a Redis, counts them, and does with each what it was made for."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.taken = 0
        self._serve = serve
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._connections:
            connection.close()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.taken += 1
                self._connections.append(connection)
                threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._serve(connection)


def hang(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def drip(connection: socket.socket) -> None:
    """Answer with a text that has no end, a byte at a time."""
    connection.sendall(b"$1000000\r\n")
    waiting = threading.Event()
    while not waiting.wait(0.05):
        connection.sendall(b"x")


def drip_a_record(connection: socket.socket) -> None:
    """Answer in TLS with a record that has no end, a byte at a time."""
    connection.sendall(b"\x16\x03\x03\x40\x00")
    drip(connection)


def say(answer: bytes) -> Callable[[socket.socket], None]:
    """Return what gives this answer and closes."""

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    return serve


@pytest.mark.parametrize("url", ["redis://127.0.0.1:{}", "redis://bob:secret@127.0.0.1:{}/3"])
@pytest.mark.parametrize(
    "serve", [hang, drip, say(b""), say(b"$5\r\nOK"), say(b"HTTP/1.1 400 Bad Request\r\n")]
)
def test_a_call_is_given_up_whatever_comes(serve: Callable[[socket.socket], None], url: str) -> None:
    with Peer(serve) as peer:
        store = open_store(url.format(peer.port))
        with pytest.raises(NotAnswered):
            store.find("0" * 32, "bob")
        _close(store)


@pytest.mark.parametrize("serve", [hang, drip_a_record])
def test_a_handshake_is_given_up_whatever_comes(serve: Callable[[socket.socket], None]) -> None:
    with Peer(serve) as peer:
        store = open_store(f"rediss://127.0.0.1:{peer.port}")
        with pytest.raises(NotAnswered):
            store.find("0" * 32, "bob")
        _close(store)


def test_a_name_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def look_up(host: str, port: int) -> Sequence[Address]:
        over.wait()
        raise OSError(host, port)

    monkeypatch.setattr(channel, "RESOLVER", Resolver(look_up))
    store = open_store("redis://redis.example.com")
    with pytest.raises(NotAnswered, match="cannot be resolved: no answer in time"):
        store.find("0" * 32, "bob")
    _close(store)
    over.set()


@pytest.mark.parametrize(
    "answer",
    [
        b"-MOVED here\r\n",
        b"-ASK 1 somewhere\r\n",
        b"-LOADING \xff\r\n",
        b"-ERR max number of clients reached\r\n",
        b"$-7\r\n",
        b":99999999999999999999\r\n",
        b"%1\r\n*0\r\n+a\r\n",
        b">0\r\n",
        b">1\r\n+a\r\n" * 1000,
        b"*1\r\n-MOVED here\r\n",
    ],
)
def test_an_answer_that_is_none_is_no_answer(answer: bytes) -> None:
    with Peer(say(answer)) as peer:
        line = Line(RedisPlace("127.0.0.1", peer.port), Access())
        with pytest.raises(Broken, match=r"answers in another protocol|does not serve now: [ELM]"):
            line.ask([("GET", "a")], Deadline.after(PATIENCE, SystemClock()))
        line.close()


#: Asks with a gigabyte of memory.
_ASK = """
import resource, sys
from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.stores.redis.address import RedisPlace
from smsotp_plugin.stores.redis.line import Access, Line
from smsotp_plugin.wire.channel import Broken
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
try:
    Line(RedisPlace("127.0.0.1", int(sys.argv[1])), Access()).ask([("GET", "a")], Deadline.after(5, SystemClock()))
except Broken as exc:
    print(exc)
"""


def test_an_answer_of_billions_of_words_is_none() -> None:
    with Peer(say(b"*2000000000\r\n")) as peer:
        asked = subprocess.run(
            [sys.executable, "-c", _ASK, str(peer.port)], capture_output=True, text=True, check=False
        )

    assert asked.stdout == f"Redis at 127.0.0.1:{peer.port} answers in another protocol\n", asked.stderr


@pytest.mark.parametrize(
    "answer", [b"+OK\r\n", b"*2\r\n:1\r\n:2\r\n", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", b"*-1\r\n"]
)
def test_a_sentinel_that_names_no_place_does_not_know_it(answer: bytes) -> None:
    with Peer(say(answer)) as peer:
        store = open_store(f"redis+sentinel://127.0.0.1:{peer.port}/mymaster")
        with pytest.raises(NotAnswered, match=r"it is not known where Redis is: .* does not know it"):
            store.find("0" * 32, "bob")
        _close(store)


def test_a_node_that_names_only_a_port_means_its_own_host(server: RedisServer) -> None:
    with Peer(say(f"-MOVED 1 :{server.port}\r\n".encode())) as peer:
        store, new = open_store(f"redis+cluster://127.0.0.1:{peer.port}"), somebody()
        assert begin(store, new) == new
        store.close()


def test_what_is_said_unasked_is_noticed_also_in_one_piece_with_an_answer() -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"+OK\r\n>2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n")
        hang(connection)

    with Peer(serve) as peer:
        line = Line(RedisPlace("127.0.0.1", peer.port), Access())
        assert line.ask([("GET", "a")], Deadline.after(PATIENCE, SystemClock())) == [b"OK"]
        assert not line.is_quiet()
        line.close()


def test_no_more_than_half_a_second_is_waited() -> None:
    assert LIMIT < 0.5


def test_who_comes_after_a_failure_is_refused_at_once_and_one_a_second_tries() -> None:
    clock = FakeClock(waits=Waits.NOT_AT_ALL)
    with Peer(hang) as peer:
        store = open_store(peer.url, clock)
        assert peer.taken == 1
        for taken in (1, 2, 3):
            ended = at_once_raising(lambda: store.find("0" * 32, "bob"))
            assert (ended, peer.taken) == ({"NotAnswered"}, taken)
            clock.advance(1.0)
        store._gatherer.stop()


def at_once_raising(call: Callable[[], object]) -> set[str]:
    """Return the names of what a call raises in many threads."""
    raised: set[str] = set()

    def run() -> None:
        try:
            call()
        except StoreError as exc:
            raised.add(type(exc).__name__)

    at_once(run)
    return raised


def test_log_ins_go_on_when_a_redis_is_back_with_a_few_connections(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    store = opened(server, clock := FakeClock(waits=Waits.NOT_AT_ALL))
    begin(store, somebody())
    server.kill()
    with pytest.raises(NotAnswered):
        begin(store, somebody())
    server.start()
    once(lambda: begin(store, somebody()), clock=clock)
    at_once(lambda: begin(store, somebody()))

    redis = Redis(server.port)
    clients = redis.ask("INFO", "clients")
    redis.close()
    assert int(clients.partition("connected_clients:")[2].split()[0]) <= 60


def test_a_start_waits_for_no_redis_and_uses_it_when_it_comes(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    server.kill()
    store = opened(server, clock := FakeClock(waits=Waits.NOT_AT_ALL))
    with pytest.raises(NotAnswered):
        store.find_same("l", SystemClock().time())
    server.start()

    new = somebody()
    assert once(lambda: begin(store, new), clock=clock) == new


def test_a_connection_that_redis_closed_is_replaced_and_nobody_notices(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    store, redis = opened(server), Redis(server.port)
    for _ in range(20):
        begin(store, somebody())
        assert redis.ask("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal") >= 1
    redis.close()


def test_a_redis_that_has_forgotten_the_scripts_is_told_them(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    store, redis = opened(server), Redis(server.port)
    new = begin(store, somebody())
    redis.ask("SCRIPT", "FLUSH")
    redis.close()

    assert store.answer(new.state, "bob", RIGHT, SystemClock().time()) == new


def test_what_redis_refuses_is_an_error_that_repeats_nothing(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    store, redis = opened(server), Redis(server.port)
    redis.ask("CONFIG", "SET", "maxmemory", "1")
    redis.close()
    new = somebody()

    with pytest.raises(StoreError, match=r"^Redis refuses: .*maxmemory") as refused:
        begin(store, new)
    assert new.state not in str(refused.value)


class Proxy(Peer):
    """Stands between a store and a Redis; may keep the answers to itself."""

    def __init__(self, port: int) -> None:
        super().__init__(self._forward)
        self._port = port
        self.is_silent = False

    def _forward(self, connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._port)) as redis:
            while asked := connection.recv(65536):
                redis.sendall(asked)
                answer = redis.recv(65536)
                if not self.is_silent:
                    connection.sendall(answer)


def test_a_challenge_whose_keeping_was_in_doubt_gets_its_sms_when_redis_answers(server: RedisServer) -> None:
    with Proxy(server.port) as proxy:
        store = open_store(proxy.url, clock := FakeClock(waits=Waits.NOT_AT_ALL))
        begin(store, somebody(clock))
        store.flush()
        told = told_by(store)
        new = somebody(clock)
        proxy.is_silent = True
        with pytest.raises(NotAnswered):
            begin(store, new)
        proxy.is_silent = False
        assert told == []
        once(store.flush, clock=clock)

        assert told == [new.state]
        assert begin(store, replace(new, state="f" * 32)) == new
        assert told == [new.state]
        store.close()


@pytest.fixture
def behind(server: RedisServer) -> Iterator[tuple[Proxy, RedisStore, FakeClock]]:
    """Open a store behind a proxy."""
    with Proxy(server.port) as proxy:
        store = open_store(proxy.url, clock := FakeClock(SystemClock().time(), Waits.NOT_AT_ALL))
        yield proxy, store, clock
        proxy.is_silent = False
        _close(store)


def test_a_message_whose_taking_was_in_doubt_is_found_by_the_worker_and_handed_out_once(
    server: RedisServer, behind: tuple[Proxy, RedisStore, FakeClock]
) -> None:
    proxy, store, clock = behind
    node, redis = open_store(server.url), Redis(server.port)
    node.open_queue(10)
    queue = store.open_queue(10)
    begin(node, somebody())
    # The first time, it makes the group; then Redis gets to know the script.
    for _ in range(2):
        queue.take(1)
    promised = [begin(node, somebody()) for _ in range(3)]
    words = ("XREADGROUP", "GROUP", "workers", store._messages.owner, "COUNT", 2)
    ((_, entries),) = redis.ask(*words, "STREAMS", "{smsotp}:queue", ">")
    proxy.is_silent = True
    with pytest.raises(NotAnswered):
        store._messages.take_from_queue(
            "workers", [word for number, (_, name) in entries for word in (number, name)]
        )
    proxy.is_silent = False
    found = once(queue.take_lost, clock=clock)
    again = [queue.take_lost() for _ in range(4)]
    rest = queue.take(5)
    node.close()
    redis.close()

    assert [each.message.state for each in found] == [each.state for each in promised[:2]]
    assert again == [[]] * 4
    assert [each.message.state for each in rest] == [promised[2].state]


@pytest.mark.parametrize("is_asked_again", [False, True])
def test_a_further_sms_that_was_kept_in_doubt_is_sent_once(
    behind: tuple[Proxy, RedisStore, FakeClock], *, is_asked_again: bool
) -> None:
    proxy, store, clock = behind
    # Redis gets to know the script.
    other = begin(store, somebody(clock))
    store.resend(other.state, "bob", clock.time(), ResendRules(3, 0), SomeParcel(other))
    new = begin(store, somebody(clock))

    def ask(resends: int = 0) -> Challenge:
        parcel = SomeParcel(replace(new, resends=resends))
        return store.resend(new.state, "bob", clock.time(), ResendRules(3, 0), parcel)

    proxy.is_silent = True
    with pytest.raises(NotAnswered):
        ask()
    proxy.is_silent = False
    if is_asked_again:
        once(lambda: ask(resends=1), clock=clock)
    found = [each for _ in range(4) for each in once(lambda: store.take_over(clock.time()), clock=clock)]

    assert [(each.message.state, each.message.resends) for each in found] == [(new.state, 1)]
    assert found[0].is_needed is not is_asked_again


def test_a_further_sms_that_was_not_kept_and_is_asked_for_again_is_sent_once(
    behind: tuple[Proxy, RedisStore, FakeClock],
) -> None:
    _, store, clock = behind
    new = begin(store, somebody(clock))
    # As if Redis had never received it.
    store._messages._unsure._names[f"{new.state}:1"] = 3
    store.resend(new.state, "bob", clock.time(), ResendRules(3, 0), SomeParcel(new))

    assert store.take_over(clock.time()) == []


def test_what_was_taken_over_in_doubt_is_found_and_nothing_else_is(
    server: RedisServer, behind: tuple[Proxy, RedisStore, FakeClock]
) -> None:
    proxy, store, clock = behind
    dead, redis = open_store(server.url), Redis(server.port)
    own = begin(store, somebody())
    left = [begin(dead, somebody()) for _ in range(2)]
    earlier = leave(dead, redis)
    known = store.take_over(clock.time())
    late = open_store(server.url)
    lost = [begin(late, somebody()) for _ in range(2)]
    leave(late, redis)
    proxy.is_silent = True
    with pytest.raises(NotAnswered):
        store.take_over(clock.time())
    proxy.is_silent = False
    found = once(lambda: store.take_over(clock.time()), clock=clock)
    again = [store.take_over(clock.time()) for _ in range(4)]
    redis.close()

    assert earlier
    assert {each.message.state for each in known} == {each.state for each in left}
    assert {each.message.state for each in found} == {each.state for each in lost}
    assert own.state not in {each.message.state for each in found}
    assert again == [[]] * 4


def leave(store: RedisStore, redis: Redis) -> int:
    """Make some seconds pass since a store said that it lives."""
    store._gatherer.stop()
    store._link.close()
    return int(redis.ask("ZADD", "{smsotp}:owners", "XX", "CH", 1, store._messages.owner))


def test_a_challenge_that_was_not_kept_gets_none(server: RedisServer) -> None:
    store = open_store(server.url)
    told = told_by(store)
    store._doubts.add(new := somebody(), SomeParcel(new))
    store.flush()
    store.close()

    assert told == []


def test_a_server_that_was_taken_for_dead_sends_nothing_that_another_one_has_taken_over(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    cut_off, other = opened(server), opened(server)
    new = begin(cut_off, somebody())
    cut_off._scripts.ask("ZADD", 1, cut_off._messages.owner, key="owners")
    taken = other.take_over(SystemClock().time())
    with pytest.raises(StoreError, match="taken this one for dead"):
        cut_off.begin_attempt(new.state, 0, "gtx")
    cut_off.mark_undelivered(new.state, 0, "not sent")
    cut_off.forget_message(new.state, 0)
    cut_off.flush()
    other.begin_attempt(new.state, 0, "gtx")

    assert [each.message.state for each in taken] == [new.state]
    assert other.find(new.state, "bob").undelivered == ""
    assert other._scripts.ask("EXISTS", key=f"message:{new.state}:0") == 1


def test_nobody_is_taken_for_dead_because_redis_was_away(
    server: RedisServer, opened: Callable[..., RedisStore]
) -> None:
    one, other = opened(server), opened(server)
    begin(one, somebody())
    for store in (one, other):
        # As after a minute in which nobody could say that it lives.
        one._scripts.ask("ZADD", 2, store._messages.owner, key="owners")

    assert other.take_over(SystemClock().time()) == []
    assert one.take_over(SystemClock().time()) == []
