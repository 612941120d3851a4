"""The start and the end of the door: whatever goes wrong stops the server, says so, and leaves nothing running."""

import gc
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin import assembly
from smsotp_plugin.errors import StoreError
from smsotp_plugin.radius import host
from tests.support.door import BOB, CONFIG, OK, REJECT, World, open_door, raiser, running, world
from tests.support.interruption import interrupt_at_once, no_further_thread
from tests.support.redis import Redis

__all__ = ["running", "world"]


def test_a_start_with_a_good_configuration_says_nothing(running: World) -> None:
    assert running.radiusd.lines == []
    assert running.threads() != []


def test_the_collector_rests_while_the_door_starts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at_work = list[bool]()
    # Called when everything is started.
    monkeypatch.setattr(host, "calm_collector", lambda: at_work.append(gc.isenabled()))

    assert world.door.instantiate({}) == OK
    assert at_work == [False]
    assert gc.isenabled()


@pytest.mark.parametrize("command_line", [["freeradius", "-f"], ["freeradius", "-XC"]])
def test_what_is_probably_not_meant_is_told_at_the_start(
    world: World, monkeypatch: pytest.MonkeyPatch, command_line: list[str]
) -> None:
    monkeypatch.setattr(host, "read_command_line", lambda: command_line)
    (world.directory / "smsotp.toml").chmod(0o602)

    assert world.door.instantiate({}) == OK
    assert "smsotp.toml: everyone on this machine can write to it" in world.log


def test_the_end_leaves_nothing_running_and_can_come_twice(running: World) -> None:
    assert running.door.detach() == OK
    assert running.threads() == []
    told = [*running.radiusd.lines]
    assert running.door.detach() == OK
    assert running.radiusd.lines == told


def test_a_server_that_is_too_old_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "find_server_version", lambda: (3, 0, 26))

    assert world.door.instantiate({}) == -1
    assert world.log.startswith("smsotp: FreeRADIUS 3.0.26 is too old")
    assert list(world.directory.glob("smsotp.db*")) == []


def test_a_server_that_does_not_tell_its_version_starts_unguarded_and_the_log_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    guards: list[object] = []
    monkeypatch.setattr(threading, "_register_atexit", guards.append)
    monkeypatch.setattr(
        host, "find_server_version", raiser(host.HostError("/proc/self/exe -v does not say its version"))
    )

    assert world.door.instantiate({}) == OK
    assert guards == []
    assert world.log == (
        "smsotp: the version of FreeRADIUS is not known: /proc/self/exe -v does not say its version; "
        "it counts as 3.2.7 or later"
    )


def test_every_problem_of_the_configuration_is_a_line(world: World) -> None:
    (world.directory / "smsotp.toml").write_text("[otp]\nttl = 1\nlength = 99\n")

    assert world.door.instantiate({}) == -1
    assert all(line.startswith("smsotp: ") for line in world.radiusd.lines)
    assert all(
        any(key in line for line in world.radiusd.lines) for key in ("otp.ttl", "otp.length", "gateways")
    )


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("my-secret"),
        SystemExit(0),
        KeyboardInterrupt(),
        MemoryError(),
        ImportError("no module x"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("log_is_broken", [False, True])
def test_whatever_goes_wrong_at_the_start_stops_the_server(
    world: World, monkeypatch: pytest.MonkeyPatch, error: BaseException, *, log_is_broken: bool
) -> None:
    monkeypatch.setattr(assembly, "build", raiser(error))
    world.radiusd.broken = log_is_broken

    assert world.door.instantiate({}) == -1
    assert "my-secret" not in world.log
    assert log_is_broken or world.radiusd.lines != []


def test_a_path_that_the_log_cannot_take_stops_the_server_all_the_same(world: World) -> None:
    world.radiusd.config["file"] = "/nowhere/\udcff\n.toml"

    assert world.door.instantiate({}) == -1
    assert "\\udcff\\n.toml" in world.log


def test_a_start_that_fails_half_way_leaves_nothing_running(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smsotp_plugin.rounds import Rounds

    monkeypatch.setattr(Rounds, "start", raiser(OSError("no more threads")))

    assert world.door.instantiate({}) == -1
    assert world.threads() == []
    assert world.door.authenticate(BOB) == REJECT


def test_an_end_that_fails_is_logged_and_leaves_nothing_running(
    running: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smsotp_plugin.stores.sqlite.store import SqliteStore

    monkeypatch.setattr(SqliteStore, "tidy", lambda *_: None)
    flushes = [raiser(StoreError("the store is gone"))]
    real = SqliteStore.flush

    def flush(store: SqliteStore) -> None:
        (flushes.pop() if flushes else real)(store)

    monkeypatch.setattr(SqliteStore, "flush", flush)

    assert running.door.detach() == OK
    assert "the stop was not clean: the store is gone" in running.log
    assert running.threads() == []


@pytest.mark.parametrize("options", ["-XC", "-Cx", "-C -d raddb"])
def test_a_check_of_the_configuration_starts_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, options: str
) -> None:
    monkeypatch.setattr(host, "read_command_line", lambda: ["freeradius", *options.split()])

    assert world.door.instantiate({}) == OK
    assert world.threads() == []
    assert [path.name for path in world.directory.iterdir()] == ["smsotp.toml"]
    assert world.door.authenticate(BOB) == REJECT


def test_a_check_of_the_configuration_finds_mistakes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "read_command_line", lambda: ["freeradius", "-XC"])
    (world.directory / "smsotp.toml").write_text("[otp]\nttl = 1\n")

    assert world.door.instantiate({}) == -1


def test_the_configuration_may_be_named_by_the_environment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMSOTP_CONFIG", world.radiusd.config.pop("file"))

    assert world.door.instantiate({}) == OK


def test_a_start_without_a_further_thread_is_refused_by_a_sentence_and_leaves_nothing_open(
    world: World,
) -> None:
    with no_further_thread():
        assert world.door.instantiate({}) == -1

    assert "no further thread can be started (smsotp-" in world.log
    assert "unexpected" not in world.log
    assert files_below(world.directory) == []


@pytest.mark.parametrize("part", ["Patience.__init__", "Timer.start", "Lane.start", "Rounds.start"])
def test_a_start_that_runs_out_of_threads_on_its_way_leaves_nothing_open(world: World, part: str) -> None:
    from smsotp_plugin.dispatch.lane import Lane
    from smsotp_plugin.dispatch.timer import Timer
    from smsotp_plugin.rounds import Rounds
    from smsotp_plugin.stores.patient import Patience

    functions = {
        each.__qualname__: each for each in (Patience.__init__, Timer.start, Lane.start, Rounds.start)
    }
    used_up = no_further_thread()
    code = interrupt_at_once(functions[part], lambda: world.door.instantiate({}), used_up.__enter__)
    used_up.__exit__(None, None, None)

    assert code == -1
    assert "no further thread can be started (smsotp-" in world.log
    assert "unexpected" not in world.log
    assert (world.threads(), files_below(world.directory)) == ([], [])


def files_below(directory: Path) -> list[str]:
    """Return what this process has open there; a descriptor that is closed while we look is none."""
    names = []
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208  (only the names are of interest)
        with suppress(FileNotFoundError):
            names.append(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115  (as above)
    return [name for name in names if name.startswith(str(directory))]


@pytest.mark.parametrize(("mode", "has"), [("process", True), ("workers", False)])
def test_a_server_has_threads_of_its_gateways_unless_workers_have_the_gateways(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: RedisServer,
    redis: Redis,
    *,
    mode: str,
    has: bool,
) -> None:
    del redis
    config = CONFIG.replace(
        'url = "sqlite://{directory}/smsotp.db"', f'url = "{server.url}"\nkey = "{"k" * 32}"'
    )
    config += f'[queue]\nmode = "{mode}"\n'
    with open_door(tmp_path, monkeypatch, config.format(directory=tmp_path)) as world:
        assert world.door.instantiate({}) == OK
        assert any(name.startswith("smsotp-nobody") for name in world.threads()) is has
