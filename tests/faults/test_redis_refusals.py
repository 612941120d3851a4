"""
What a server refuses within a script is understood, in whatever words Redis 6.2, 7.0, 7.2 and Valkey 8 say it.

A proxy before a Redis says them, and a Sentinel names the proxy until another server has its place.
"""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.errors import StoreError
from tests.support.parcels import begin
from tests.support.redis import open_store, somebody
from tests.support.redis_peer import Peer, Proxy, close, server

__all__ = ["server"]

#: Where Redis 6.2 says that it was: if the script ended by it, and if it went on.
ENDED = f"ERR Error running script (call to f_{'0a' * 20}): @user_script:71: "
WENT_ON = "@user_script: 64: "
#: The same of later ones, behind.
LATER = f" script: f_{'0a' * 20}, on @user_script:64."
REPLICA = "READONLY You can't write against a read only replica."
STALE = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
DOWN = "cript attempted to execute a write command while the cluster is down and readonly"
ELSEWHERE = "cript attempted to access a non local key in a cluster node"


class Moved:
    """
    A store whose Redis refuses, and a Sentinel that names another way to it.

    Args:
        server: The Redis.
    """

    def __init__(self, server: RedisServer) -> None:
        self._running = contextlib.ExitStack()
        self._first = self._running.enter_context(Proxy(server.port))
        self._named = self._first.port
        self._second = server.port
        sentinel = self._running.enter_context(Peer(self._name))
        self.store = open_store(f"redis+sentinel://127.0.0.1:{sentinel.port}/mymaster")
        self._running.callback(close, self.store)

    def refuse(self, words: str) -> None:
        """Refuse everything in these words, and name another server from now on."""
        self._named = self._second
        self._first.change = lambda _: f"-{words}\r\n".encode()

    def stop(self) -> None:
        self._running.close()

    def _name(self, connection: socket.socket) -> None:
        while connection.recv(4096):
            port = str(self._named)
            connection.sendall(f"*2\r\n$9\r\n127.0.0.1\r\n${len(port)}\r\n{port}\r\n".encode())


@pytest.fixture
def moved(server: RedisServer) -> Iterator[Moved]:
    moved = Moved(server)
    yield moved
    moved.stop()


@pytest.mark.parametrize(
    "words",
    [
        f"{ENDED}{WENT_ON}-{REPLICA}  ",
        f"{WENT_ON}-{REPLICA}  ",
        REPLICA + LATER,
        REPLICA,
        "READONLY Can not run script with write flag on readonly replica",
        STALE,
        STALE + LATER,
    ],
)
def test_what_a_replica_refuses_goes_to_the_right_server_at_once(moved: Moved, words: str) -> None:
    moved.refuse(words)
    new = somebody()

    assert begin(moved.store, new) == new


@pytest.mark.parametrize(
    "words",
    [
        f"{ENDED}{WENT_ON}Lua s{DOWN}",
        f"{WENT_ON}Lua s{DOWN}",
        f"ERR S{DOWN}{LATER}",
        f"{ENDED}{WENT_ON}Lua s{ELSEWHERE}",
        f"ERR S{ELSEWHERE}{LATER}",
        f"ERR Script attempted to access a slot not served{LATER}",
        "CLUSTERDOWN The cluster is down and only accepts read commands",
        "TRYAGAIN Multiple keys request during rehashing of slot",
    ],
)
def test_after_what_a_node_refuses_that_is_cut_off_the_right_one_is_looked_for(
    moved: Moved, words: str
) -> None:
    moved.refuse(words)
    new = somebody()
    with pytest.raises(StoreError, match=r"cluster|slot"):
        begin(moved.store, somebody())

    assert begin(moved.store, new) == new


@pytest.mark.parametrize("before", ["", WENT_ON + "-", f"{ENDED}{WENT_ON}-", ENDED])
@pytest.mark.parametrize(
    "words",
    [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "MISCONF Errors writing to the AOF file: No space left on device",
        "NOREPLICAS Not enough good replicas to write.",
        "WRONGTYPE Operation against a key holding the wrong kind of value",
    ],
)
def test_what_is_refused_everywhere_is_told_alike_by_all_versions(
    moved: Moved, before: str, words: str
) -> None:
    moved.refuse(f"{before}{words}  ")
    with pytest.raises(StoreError) as refused:
        begin(moved.store, somebody())

    assert str(refused.value) == f"Redis refuses: {words}"


def test_what_is_wrong_with_a_script_itself_is_told_as_it_is(moved: Moved) -> None:
    words = f"{ENDED}user_script:64: attempt to compare nil with number"
    moved.refuse(words)
    with pytest.raises(StoreError) as refused:
        begin(moved.store, somebody())

    assert str(refused.value) == f"Redis refuses: {words}"
