"""docs/cluster.md: its Redis is started and goes on when one dies, its figures are measured, its sums are right."""

import ast
import contextlib
import operator
import re
import shutil
import subprocess
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import trustme

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.servers.cluster import Cluster
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import Clock, SystemClock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.redis.store import RedisStore
from tests.support.challenges import RIGHT
from tests.support.clock import FakeClock, Waits
from tests.support.markdown import ROOT, blocks
from tests.support.parcels import begin
from tests.support.redis import PATIENCE, Redis, once, open_store, somebody

PAGE = ROOT / "docs/cluster.md"
TEXT = PAGE.read_text()
MACHINES = "abc"
LOG_INS = 30
#: Version of Redis that the page names.
MEASURED_WITH = 7.0
#: Each key and its bytes. As a script, in which no key ends meanwhile.
SIZES = """
local sizes = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
    table.insert(sizes, {key, redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0)})
end
return sizes
"""
OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def shown(language: str) -> str:
    (block,) = blocks(language, pages=[PAGE])
    return block.text


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table that begins so."""
    table = TEXT.partition(f"\n| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


class Shown(RedisServer):
    """A server with a configuration of the page, on a port and in a directory of its own."""

    def __init__(self, directory: Path, text: str, ready: str = RedisServer.ready) -> None:
        super().__init__(directory)
        self.ready = ready  # type: ignore[misc]  # a Sentinel's is another one
        self._is_sentinel = "sentinel monitor" in text
        directory.mkdir()
        self._file = directory / "shown.conf"
        text = text.replace("/var/lib/redis", str(directory)).replace("/etc/redis", str(directory.parent))
        text = re.sub(r"[abc]\.example\.com", "localhost", text)
        self._file.write_text(re.sub(r"(tls-port|announce-port) \d+", rf"\1 {self.port}", text))

    def arguments(self) -> list[str]:
        # A replica gets everything at once, and not when further ones may have come, five seconds later.
        return [
            str(self._file),
            *(["--sentinel"] if self._is_sentinel else ["--repl-diskless-sync-delay", "0"]),
        ]


class Machines:
    """The three machines of the page."""

    def __init__(self, directory: Path, running: contextlib.ExitStack) -> None:
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost")
        (directory / "tls").mkdir()
        certificate.private_key_pem.write_to_path(directory / "tls/redis.key")
        for pem in certificate.cert_chain_pems:
            pem.write_to_path(directory / "tls/redis.crt", append=True)
        authority.cert_pem.write_to_path(directory / "tls/ca.crt")
        (directory / "users.acl").write_text(shown("acl"))
        self.directory = directory
        self.redis: list[Shown] = []
        for name in MACHINES:
            text = shown("redis")
            if name == MACHINES[0]:
                text = text.replace("replicaof a.example.com 6379\n", "")
            else:
                text = text.replace("a.example.com 6379", f"localhost {self.redis[0].port}")
            self.redis.append(running.enter_context(Shown(directory / f"redis-{name}", text)))
        text = shown("sentinel").replace("a.example.com 6379", f"localhost {self.redis[0].port}")
        self.sentinels = [
            running.enter_context(Shown(directory / f"sentinel-{name}", text, "monitor master"))
            for name in MACHINES
        ]

    def look_at(self, sentinel: Shown) -> str:
        """Return what the page's command says of one."""
        (line,) = (block.text for block in blocks("sh", pages=[PAGE]) if "ckquorum" in block.text)
        line = line.replace("/etc/redis", str(self.directory)).replace("b.example.com", "localhost")
        _, *words = line.replace("26379", str(sentinel.port)).split()
        program = shutil.which("redis-cli") or "valkey-cli"
        return subprocess.run(
            [program, *words], text=True, check=True, capture_output=True, timeout=PATIENCE
        ).stdout

    def open(self, clock: Clock) -> RedisStore:
        """Open a store with the settings of the page."""
        (text,) = (block.text for block in blocks("toml", pages=[PAGE]) if "sentinel" in block.text)
        settings = tomllib.loads(text)["store"]
        for name, sentinel in zip(MACHINES, self.sentinels, strict=True):
            settings["url"] = settings["url"].replace(f"{name}.example.com", f"localhost:{sentinel.port}")
        del settings["key_file"]
        password = "PASSWORD-OF-RADIUS"
        assert f">{password} " in shown("acl")
        own = {"password": password, "ca_file": str(self.directory / "tls/ca.crt"), "clock": clock}
        return open_store(**settings | own)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with contextlib.ExitStack() as running:
        yield Machines(tmp_path, running)


def log_in(store: RedisStore) -> str:
    new = begin(store, somebody())
    return store.answer(new.state, "bob", RIGHT, SystemClock().time()).state


def test_the_pages_redis_goes_on_when_the_first_one_dies(machines: Machines) -> None:
    for sentinel in machines.sentinels:
        sentinel.wait_for_log("+slave ", times=2, timeout=PATIENCE)
        sentinel.wait_for_log("+sentinel ", times=2, timeout=PATIENCE)
        assert machines.look_at(sentinel).startswith("OK 3 usable Sentinels")
    clock = FakeClock(waits=Waits.NOT_AT_ALL)
    store = machines.open(clock)
    assert once(lambda: log_in(store), clock=clock)
    machines.redis[0].kill()
    machines.sentinels[0].kill()

    with pytest.raises(StoreError):
        log_in(store)
    for sentinel in machines.sentinels[1:]:
        # As a rule after three seconds. Where both wanted to lead, or the machine had no time for them, after thirty.
        sentinel.wait_for_log("+switch-master", timeout=PATIENCE)
    assert once(lambda: log_in(store), clock=clock)
    store.close()


def test_a_redis_that_has_lost_its_replicas_takes_nothing_until_one_of_them_is_back(tmp_path: Path) -> None:
    options = [
        word for line in shown("redis").splitlines() if "min-replicas" in line for word in line.split()
    ]
    options = [f"--{word}" if "-" in word else word for word in options]
    clock = FakeClock(waits=Waits.NOT_AT_ALL)
    with contextlib.ExitStack() as running:
        first = running.enter_context(RedisServer(tmp_path / "first", options=options))
        follow = ["--replicaof", "127.0.0.1", str(first.port)]
        others = [
            running.enter_context(RedisServer(tmp_path / name, options=follow))
            for name in ("second", "third")
        ]
        store = running.enter_context(contextlib.closing(open_store(first.url, clock)))
        waiting = once(lambda: begin(store, somebody()), clock=clock)
        redis = running.enter_context(contextlib.closing(Redis(first.port)))
        for other in others:
            other.kill()

        def nobody_copies() -> None:
            assert "connected_slaves:0" in redis.ask("INFO", "replication")

        once(nobody_copies, AssertionError)
        for call in (
            partial(begin, store, somebody()),
            partial(store.answer, waiting.state, "bob", RIGHT, SystemClock().time()),
        ):
            with pytest.raises(StoreError, match="NOREPLICAS"):
                call()
        others[0].start()

        assert once(lambda: log_in(store), clock=clock)
        assert store.answer(waiting.state, "bob", RIGHT, SystemClock().time()) == waiting


def test_every_row_of_what_is_lost_names_tests_that_are_there() -> None:
    named = [re.findall(r"`([\w/.]+)::(\w+)`", row[2]) for row in rows("what fails")]

    assert len(named) > 10
    assert [] not in named
    assert [
        f"{path}::{test}"
        for row in named
        for path, test in row
        if f"\ndef {test}(" not in (ROOT / path).read_text()
    ] == []


def test_every_sum_is_right() -> None:
    for what, written, result in rows("what | sum"):
        value = reckon(ast.parse(written, mode="eval").body)
        assert float(result.split()[0]) == pytest.approx(value, rel=0.02), what


def test_the_sums_are_made_of_what_was_measured() -> None:
    figures = {figure for _, figure in rows("measured | figure")}
    chosen = {"10000", "50000000", "8", "1000000", "1000000000", "30", "3", "1", "900"}

    used = {number for _, written, _ in rows("what | sum") for number in re.findall(r"\d+", written)}

    assert used - chosen - figures == set()


def reckon(part: ast.expr) -> float:
    match part:
        case ast.BinOp(left, operation, right):
            return OPERATORS[type(operation)](reckon(left), reckon(right))
        case ast.Constant(int(number)):
            return number
        case _:
            raise AssertionError(ast.dump(part))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """What one log-in costs: by a name that the page's table has."""
    users = [
        RadiusUser(f"person{index:07}", "hello", f"+49170{1000000 + index}") for index in range(2 * LOG_INS)
    ]
    with HttpGateway() as gateway:
        tables = {
            name: values
            for name, values in gateway.configuration().items()
            if name.startswith("gateways.http")
        }
        with Cluster(tmp_path_factory.mktemp("cluster"), tables, nodes=1, users=users) as cluster:
            return measure(cluster, gateway, users)


def measure(cluster: Cluster, gateway: HttpGateway, users: list[RadiusUser]) -> dict[str, float]:
    redis = Redis(cluster.redis.port)
    for user in users[:LOG_INS]:  # what is loaded once is not counted
        log_in_wholly(cluster, gateway, user)
    commands, received, sent = count(redis)
    for user in users[LOG_INS:]:
        log_in_wholly(cluster, gateway, user)
    after = count(redis)
    cluster.nodes[0].stop()  # it has written all then
    version = re.search(r"redis_version:(\d+\.\d+)", redis.ask("INFO", "server"))
    assert version
    sizes: Counter[str] = Counter()
    for key, size in redis.ask("EVAL", SIZES, 0):
        sizes[key.split(":")[1]] += size
    redis.close()
    each = {kind: size / len(users) for kind, size in sizes.items()}
    return {
        "version": float(version[1]),
        "commands to Redis": (after[0] - commands) / LOG_INS,
        "bytes to Redis": (after[1] - received) / LOG_INS,
        "bytes from Redis": (after[2] - sent) / LOG_INS,
        "bytes of a pending challenge": each["challenge"] + each["login"],
        "bytes of what an SMS counts for": each["spent"],
        "bytes of what is known of an account": each["guesses"],
        "bytes of a log-in in the delivery log": each["events"] + each["of-user"] + each["of-number"],
    }


def log_in_wholly(cluster: Cluster, gateway: HttpGateway, user: RadiusUser) -> None:
    (node,) = cluster.nodes
    challenge = node.log_in(user.name, user.password)
    code = gateway.inbox.wait(number=user.phone).code
    assert node.answer(user.name, code, challenge.state).code == "accept"


def count(redis: Redis) -> tuple[int, int, int]:
    """Return the scripts that were run, and the bytes that came and went."""
    stats = dict(line.split(":", 1) for line in redis.ask("INFO", "stats").splitlines() if ":" in line)
    scripts = re.search(r"cmdstat_evalsha:calls=(\d+)", redis.ask("INFO", "commandstats"))
    assert scripts
    return (
        int(scripts[1]),
        int(stats["total_net_input_bytes"]),
        int(stats["total_net_output_bytes"]),
    )


@pytest.mark.parametrize(
    "what",
    [
        "commands to Redis",
        "bytes to Redis",
        "bytes from Redis",
        "bytes of a pending challenge",
        "bytes of what an SMS counts for",
        "bytes of what is known of an account",
        "bytes of a log-in in the delivery log",
    ],
)
def test_what_a_log_in_costs_is_what_the_page_says(measured: dict[str, float], what: str) -> None:
    (figure,) = (float(figure) for name, figure in rows("measured | figure") if name.startswith(what))

    # What servers say once a second, that they live, is among it.
    close = pytest.approx(figure, rel=0.3)
    assert measured[what] == close or (measured["version"] > MEASURED_WITH and measured[what] < figure)
