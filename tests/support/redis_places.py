"""The places where a Redis can be: behind TLS, watched by Sentinels, in a Cluster. Each is really started."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme

from smsotp_mocks.servers.redis import RedisSentinel, RedisServer
from tests.support.markdown import ROOT
from tests.support.redis import PATIENCE, Redis, join_cluster

#: What the log of a Redis says: it has copied everything from its master; the Cluster has every slot.
COPIED, WHOLE = "sync: Finished with success", "Cluster state changed: ok"
#: The slots of the three nodes of a Cluster.
_SLOTS = [(0, 5460), (5461, 10922), (10923, 16383)]


def read_rights() -> list[str]:
    """Return the access rights that the documentation names, with the password ``secret``."""
    page = (ROOT / "docs/redis.md").read_text()
    line = page.partition("user radius ")[2].partition("\n")[0]
    return line.replace("PASSWORD", "secret").split()


def make_authority(directory: Path) -> Path:
    """Make an authority, and a certificate for ``localhost``; return the file of the authority."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(directory / "redis.pem")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    return directory / "ca.pem"


def make_encrypted(directory: Path, authority: Path) -> RedisServer:
    """Return a Redis that speaks TLS, with the certificate that `make_authority` put next to the authority's file."""
    server = RedisServer(directory / "redis")
    file = str(authority.with_name("redis.pem"))
    server.options = [
        *("--port", "0", "--tls-port", str(server.port), "--tls-auth-clients", "no"),
        *("--tls-cert-file", file, "--tls-key-file", file, "--tls-ca-cert-file", str(authority)),
    ]
    return server


@dataclass(frozen=True, slots=True)
class Watched:
    """
    A Redis, its replica, and three Sentinels that know one another.

    Attributes:
        first: The Redis that the Sentinels name.
        second: The Redis that takes its place.
        sentinels: Two of them are enough.
    """

    first: RedisServer
    second: RedisServer
    sentinels: Sequence[RedisSentinel]

    @property
    def url(self) -> str:
        """For ``[store] url``."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/mymaster"

    def fail_over(self) -> None:
        """Let the first Redis and a Sentinel die; return when the second Redis has taken over."""
        wait_for_copy(self.first)
        self.first.kill()
        self.sentinels[0].kill()
        for sentinel in self.sentinels[1:]:
            sentinel.wait_for_log("+switch-master", timeout=PATIENCE)


@contextlib.contextmanager
def watched_redis(directory: Path) -> Iterator[Watched]:
    """Start them."""
    with contextlib.ExitStack() as running:
        first = running.enter_context(RedisServer(directory / "first"))
        second = running.enter_context(
            RedisServer(directory / "second", options=["--replicaof", "127.0.0.1", str(first.port)])
        )
        second.wait_for_log(COPIED, timeout=PATIENCE)
        sentinels = [
            running.enter_context(RedisSentinel(directory / f"sentinel{number}", first, quorum=2))
            for number in range(3)
        ]
        for sentinel in sentinels:
            sentinel.wait_for_log("+slave ", timeout=PATIENCE)
            sentinel.wait_for_log("+sentinel ", times=2, timeout=PATIENCE)
        yield Watched(first, second, sentinels)


@dataclass(frozen=True, slots=True)
class Nodes:
    """
    A Cluster of three nodes.

    Attributes:
        others: Two nodes that have the other slots, and then the replica of the owner.
        owner: The node that has our slot.
    """

    others: Sequence[RedisServer]
    owner: RedisServer

    @property
    def url(self) -> str:
        """For ``[store] url``; it does not name the owner."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.others[:2])

    def fail_over(self) -> None:
        """Let the owner die; return when its replica has taken over."""
        wait_for_copy(self.owner)
        marks = [node.log_mark() for node in self.others]
        self.owner.kill()
        for node, mark in zip(self.others, marks, strict=True):
            node.wait_for_log(WHOLE, after=mark, timeout=PATIENCE)


@contextlib.contextmanager
def clustered_redis(directory: Path) -> Iterator[Nodes]:
    """Start a Cluster of three nodes; the node that has our slot gets a replica."""
    options = ["--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0"]
    with contextlib.ExitStack() as running:
        nodes = [
            running.enter_context(RedisServer(directory / str(number), options=[*options, *join_cluster()]))
            for number in range(4)
        ]
        redis = [Redis(node.port) for node in nodes]
        for number, (first, last) in enumerate(_SLOTS):
            redis[number].ask("CLUSTER", "ADDSLOTSRANGE", first, last)
            redis[number].ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in nodes[1:]:
            redis[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port, node.options[-1])
        for node in nodes:
            # It knows the three nodes that have slots.
            node.wait_for_log(WHOLE, timeout=PATIENCE)
        slot = redis[0].ask("CLUSTER", "KEYSLOT", "{smsotp}")
        owner = next(number for number, (_, last) in enumerate(_SLOTS) if slot <= last)
        redis[3].ask("CLUSTER", "REPLICATE", redis[owner].ask("CLUSTER", "MYID"))
        nodes[3].wait_for_log(COPIED, timeout=PATIENCE)
        for each in redis:
            each.close()
        yield Nodes([node for node in nodes if node is not nodes[owner]], nodes[owner])


def wait_for_copy(server: RedisServer) -> None:
    """Wait until another Redis has everything that was written to this one."""
    redis = Redis(server.port)
    # WAIT counts only what this connection has written.
    redis.ask("SET", "{smsotp}:last", "")
    assert redis.ask("WAIT", 1, 0) == 1
    redis.close()
