"""Whatever comes in the place of a Redis's answer, a call is given up in time, and nothing is taken for an answer that is none."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.stores.redis.address import RedisPlace
from smsotp_plugin.stores.redis.line import Access, Line
from smsotp_plugin.stores.redis.link import LIMIT, NotAnswered
from smsotp_plugin.wire import channel
from smsotp_plugin.wire.channel import Broken
from smsotp_plugin.wire.resolve import Address, Resolver
from tests.support.parcels import begin
from tests.support.redis import PATIENCE, open_store, somebody
from tests.support.redis_peer import Peer, close, drip, drip_a_record, hang, say, server

__all__ = ["server"]


@pytest.mark.parametrize("url", ["redis://127.0.0.1:{}", "redis://bob:secret@127.0.0.1:{}/3"])
@pytest.mark.parametrize(
    "serve", [hang, drip, say(b""), say(b"$5\r\nOK"), say(b"HTTP/1.1 400 Bad Request\r\n")]
)
def test_a_call_is_given_up_whatever_comes(serve: Callable[[socket.socket], None], url: str) -> None:
    with Peer(serve) as peer:
        store = open_store(url.format(peer.port), limit=LIMIT)
        with pytest.raises(NotAnswered):
            store.find("0" * 32, "bob")
        close(store)


@pytest.mark.parametrize("serve", [hang, drip_a_record])
def test_a_handshake_is_given_up_whatever_comes(serve: Callable[[socket.socket], None]) -> None:
    with Peer(serve) as peer:
        store = open_store(f"rediss://127.0.0.1:{peer.port}", limit=LIMIT)
        with pytest.raises(NotAnswered):
            store.find("0" * 32, "bob")
        close(store)


def test_a_name_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def look_up(host: str, port: int) -> Sequence[Address]:
        over.wait()
        raise OSError(host, port)

    monkeypatch.setattr(channel, "RESOLVER", Resolver(look_up))
    store = open_store("redis://redis.example.com", limit=LIMIT)
    with pytest.raises(NotAnswered, match="cannot be resolved: no answer in time"):
        store.find("0" * 32, "bob")
    close(store)
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
        store = open_store(f"redis+sentinel://127.0.0.1:{peer.port}/mymaster", limit=LIMIT)
        with pytest.raises(NotAnswered, match=r"it is not known where Redis is: .* does not know it"):
            store.find("0" * 32, "bob")
        close(store)


def test_a_node_that_names_only_a_port_means_its_own_host(server: RedisServer) -> None:
    with Peer(say(f"-MOVED 1 :{server.port}\r\n".encode())) as peer:
        store, new = open_store(f"redis+cluster://127.0.0.1:{peer.port}", limit=LIMIT), somebody()
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
