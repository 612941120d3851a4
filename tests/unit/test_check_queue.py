"""What ``smsotp check`` says of the queue: who takes messages, how full it is, and each thing that is wrong there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.cli import app
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.settings import load_settings
from smsotp_plugin.stores.queue import GatewayReport
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.settings import RedisSettings
from smsotp_plugin.stores.redis.store import RedisStore
from tests.support.parcels import begin
from tests.support.redis import Redis, open_store, somebody

ALIVE, DEAD = GatewayReport("alive"), GatewayReport("dead", 5.0)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    directory = tmp_path_factory.mktemp("redis")
    with RedisServer(directory / "one") as one, RedisServer(directory / "other") as other:
        yield [one, other]


@pytest.fixture
def server(servers: list[RedisServer]) -> RedisServer:
    for each in servers:
        redis = Redis(each.port)
        redis.ask("FLUSHALL")
        redis.close()
    return servers[0]


@pytest.fixture
def process(server: RedisServer) -> Iterator[RedisStore]:
    store = open_store(server.url)
    yield store
    store.close()


def write(directory: Path, url: str, queue: str = 'mode = "workers"') -> Path:
    path = directory / "smsotp.toml"
    path.write_text(
        f"""
[store]
url = "{url}"
key = "{"k" * 32}"
[dispatch]
queue = 2
[queue]
{queue}
[gateways.any]
provider = "script"
SCRIPT = "/bin/true"
"""
    )
    path.chmod(0o600)
    return path


def check(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, list[str]]:
    """Return the exit code, what is shown, and what is said to be wrong, without the place of the file."""
    code = app(["check", "--config", str(path)], standalone_mode=False)
    told = capsys.readouterr()
    wrong = [line.replace(f"{path}: ", "") for line in told.err.splitlines() if str(path) in line]
    return code, told.out, wrong


def row(shown: str, name: str) -> str:
    return next(line.removeprefix(name).strip() for line in shown.splitlines() if line.startswith(f"{name} "))


def test_workers_that_live_and_messages_that_wait_are_counted(
    process: RedisStore, server: RedisServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process.open_queue(2).report({"any": ALIVE})
    code, shown, wrong = check(write(tmp_path, server.url), capsys)

    assert code == 0
    assert row(shown, "queue") == "in the store, for workers"
    assert row(shown, "workers") == "1 alive; messages waiting: 0 of at most 2"
    assert wrong == []


def test_a_server_that_sends_by_itself_has_no_workers(
    server: RedisServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, shown, wrong = check(write(tmp_path, server.url, 'mode = "process"'), capsys)

    assert (code, wrong) == (0, [])
    assert row(shown, "queue") == "in FreeRADIUS, which sends by itself"
    assert "\nworkers " not in shown


@pytest.mark.parametrize(
    ("reports", "waiting", "said"),
    [
        ([], 0, ["warning: queue.mode: no worker is alive, and log-ins are refused until one is"]),
        ([{"any": ALIVE}], 1, ["warning: dispatch.queue: 1 message waits for workers, at least half"]),
        (
            [{"any": ALIVE}],
            2,
            ["warning: dispatch.queue: 2 messages wait for workers, as many as are allowed"],
        ),
        ([{"any": DEAD}], 0, ["warning: gateways.any: it is dead for all workers"]),
        ([{"any": DEAD}, {"any": ALIVE}], 0, []),
        ([{"any": GatewayReport("of another version")}], 0, []),
        (
            [{"other": ALIVE}],
            0,
            [
                "warning: gateways.any: no worker has it",
                "warning: gateways: a worker has other, which is not in this file",
            ],
        ),
    ],
)
def test_each_thing_that_keeps_log_ins_out_is_one_sentence(  # noqa: PLR0917  (pytest hands them in by name)
    reports: list[dict[str, GatewayReport]],
    waiting: int,
    said: list[str],
    server: RedisServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stores = [open_store(server.url) for _ in range(max(1, len(reports)))]
    for store, report in zip(stores, reports, strict=False):
        store.open_queue(2).report(report)
    for _ in range(waiting):
        stores[0].open_queue(2)
        begin(stores[0], somebody())
    code, _, wrong = check(write(tmp_path, server.url), capsys)
    for store in stores:
        store.close()

    assert code == 0
    assert [line[: len(begins)] for line, begins in zip(wrong, said, strict=True)] == said


@pytest.mark.parametrize(("mode", "what"), [("workers", "at the queue"), ("process", "in the store")])
def test_a_redis_that_does_not_answer_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str, what: str
) -> None:
    code, shown, (wrong,) = check(write(tmp_path, "redis://127.0.0.1:1", f'mode = "{mode}"'), capsys)

    assert code == 0
    assert ("\nworkers  " in shown) == (mode == "workers")
    assert wrong.startswith(f"warning: store.url: what happens {what} cannot be seen from here: ")


def test_workers_may_reach_the_same_redis_in_another_way(
    process: RedisStore, server: RedisServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    redis = Redis(server.port)
    redis.ask("ACL", "SETUSER", "worker", "on", ">s3cr3t", "~*", "+@all")
    process.open_queue(2).report({"any": ALIVE})
    way = (
        f'mode = "workers"\nurl = "redis://localhost:{server.port}"\nusername = "worker"\npassword = "s3cr3t"'
    )
    path = write(tmp_path, server.url, way)
    code, shown, wrong = check(path, capsys)
    settings = load_settings(path)
    reached = settings.queue.reach(settings.store)
    through = open_store(reached.url, username="worker", password="s3cr3t")
    user = through._scripts.run_all([Command(("ACL", "WHOAMI"))])
    through.close()
    redis.ask("ACL", "DELUSER", "worker")
    redis.close()

    assert (code, wrong) == (0, [])
    way = f"in the store, for workers, who reach it as redis at localhost:{server.port}"
    assert way in " ".join(shown.split())
    assert isinstance(reached, RedisSettings)
    assert (reached.username, reached.prefix, reached.given_keys) == ("worker", "smsotp", ("k" * 32,))
    assert user == [b"worker"]


def test_a_way_that_is_closed_is_told_and_the_other_one_taken(
    process: RedisStore, server: RedisServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process.open_queue(2).report({"any": ALIVE})
    queue = 'mode = "workers"\nurl = "redis://127.0.0.1:1"'
    code, shown, (wrong,) = check(write(tmp_path, server.url, queue), capsys)

    assert code == 0
    assert row(shown, "workers") == "1 alive; messages waiting: 0 of at most 2"
    assert wrong.startswith("warning: queue.url: what happens at the queue cannot be seen from here: ")


def test_a_way_to_another_redis_is_a_problem(
    process: RedisStore,
    server: RedisServer,
    servers: list[RedisServer],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    process.open_queue(2).report({"any": ALIVE})
    queue = f'mode = "workers"\nurl = "{servers[1].url}"'
    code, _, wrong = check(write(tmp_path, server.url, queue), capsys)

    assert code == 2
    assert [line.partition(", but")[0] for line in wrong] == [
        "problem: queue.url: it leads to a different store from store.url"
    ]


@pytest.mark.parametrize(
    ("url", "queue", "problem"),
    [
        ("sqlite:///tmp/a.db", 'mode = "workers"', 'queue.mode: "workers" needs a store in Redis'),
        (
            "sqlite:///tmp/a.db",
            'mode = "workers"\nurl = "redis://a.example"',
            "queue.url: a message waits where its challenge is kept",
        ),
        ("redis://a.example", 'url = "redis://a.example"', "queue.url: it has no effect while mode is"),
        (
            "redis://a.example/1",
            'mode = "workers"\nurl = "redis://a.example/2"',
            "queue.url: it must lead to the same Redis as store.url",
        ),
        (
            "redis://a.example",
            'mode = "workers"\nurl = "sqlite:///tmp/a.db"',
            "queue.url: it must be the address of a Redis",
        ),
        ("redis://a.example", 'mode = "workers"\nurl = "redis://a b"', "queue.url: it must not hold blanks"),
        (
            "redis://a.example",
            'mode = "workers"\nusername = "u"\npassword = "s3cr3t"',
            "queue: username and password need url",
        ),
        (
            "redis://a.example",
            'mode = "workers"\nurl = "redis://u@a.example"\nusername = "v"',
            "queue: url holds a user or a password",
        ),
        (
            "redis://a.example",
            'mode = "workers"\nurl = "redis://a.example"\nca_file = "/etc/ssl/certs/ca-certificates.crt"',
            "queue: ca_file has no effect without TLS",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, url: str, queue: str, problem: str) -> None:
    path = write(tmp_path, url, queue)
    with pytest.raises(ConfigError) as refused:
        load_settings(path)

    (told,) = refused.value.problems
    assert told.removeprefix(f"{path}: ").startswith(problem)
    assert "s3cr3t" not in told
