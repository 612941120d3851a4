"""The door: one explicit code on every path, whatever happens behind it. The host is played by a module of the test."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin import assembly
from smsotp_plugin.errors import StoreError
from smsotp_plugin.radius import host
from tests.support.door import World, code_of, open_door
from tests.support.interruption import interrupt_at_each_step, interrupt_at_once, no_further_thread
from tests.support.redis import Redis

REJECT, OK, NOOP = 0, 2, 7
HANDLERS = ("look", "authorize", "authenticate", "post_auth", "note")
SAFE = {"look": REJECT, "authorize": REJECT, "authenticate": REJECT, "post_auth": NOOP, "note": REJECT}
CONFIG = """
[store]
url = "sqlite://{directory}/smsotp.db"
[gateways.nobody]
provider = "http"
URL = "http://127.0.0.1:1/sms"
RETURN_SUCCESS = "OK"
[gateways.nobody.options]
to = "{{phone}}"
text = "{{otp}}"
"""
BOB = {
    "request": (("User-Name", "bob"), ("User-Password", "hello")),
    "config": (("SMSOTP-Phone", "+491701234567"),),
}
SENSELESS: tuple[object, ...] = (
    {},
    {"request": None},
    {"request": ()},
    {"request": 5},
    {"request": (("User-Name",),)},
    {"request": (("User-Name", None),)},
    {"request": (("User-Name", "bob"),), "config": 7},
    None,
    (),
    "text",
    7,
)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with open_door(tmp_path, monkeypatch, CONFIG.format(directory=tmp_path)) as world:
        yield world


@pytest.fixture
def running(world: World) -> World:
    assert world.door.instantiate({}) == OK
    return world


def raiser(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


def test_packets_that_cannot_be_read_are_told_up_to_a_number_a_minute(running: World) -> None:
    assert {running.door.authenticate({"request": ()}) for _ in range(1000)} == {REJECT}

    assert 1 <= len(running.radiusd.lines) <= 60
    assert "further ones of this minute are counted, not logged" in str(running.radiusd.lines[-1])


def test_a_start_with_a_good_configuration_says_nothing(running: World) -> None:
    assert running.radiusd.lines == []
    assert running.threads() != []


@pytest.mark.parametrize("command_line", [["freeradius", "-f"], ["freeradius", "-XC"]])
def test_what_is_probably_not_meant_is_told_at_the_start(
    world: World, monkeypatch: pytest.MonkeyPatch, command_line: list[str]
) -> None:
    monkeypatch.setattr(host, "read_command_line", lambda: command_line)
    (world.directory / "smsotp.toml").chmod(0o602)

    assert world.door.instantiate({}) == OK
    assert "smsotp.toml: everyone on this machine can write to it" in world.log


def test_a_first_leg_goes_through_the_door(running: World) -> None:
    code, reply, control = running.door.authenticate(BOB)

    assert code == 3
    assert [name for name, _, _ in reply] == [
        "Message-Authenticator",
        "State",
        "Reply-Message",
        "Session-Timeout",
    ]
    assert control == (
        ("Response-Packet-Type", ":=", "Access-Challenge"),
        ("SMSOTP-Result", ":=", "challenge"),
    )


def test_the_end_leaves_nothing_running_and_can_come_twice(running: World) -> None:
    assert running.door.detach() == OK
    assert running.threads() == []
    assert running.door.detach() == OK


@pytest.mark.parametrize("handler", HANDLERS)
def test_nobody_gets_in_before_the_start_and_after_the_end(world: World, handler: str) -> None:
    before = getattr(world.door, handler)(BOB)
    world.door.instantiate({})
    world.door.detach()
    after = getattr(world.door, handler)(BOB)

    assert before == after == SAFE[handler]


def test_requests_before_the_start_are_logged(world: World) -> None:
    world.door.authenticate(BOB)

    assert world.radiusd.lines == ["smsotp: not running, the user is refused"]


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_packet_that_makes_no_sense_is_rejected(running: World, handler: str) -> None:
    for packet in SENSELESS:
        assert code_of(getattr(running.door, handler)(packet)) == SAFE[handler], packet


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("my-secret"),
        KeyError("my-secret"),
        MemoryError(),
        RecursionError(),
        SystemExit(0),
        KeyboardInterrupt(),
        StoreError("the store is gone"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("log_is_broken", [False, True])
def test_a_failure_behind_the_door_lets_nobody_in(
    running: World, error: BaseException, *, log_is_broken: bool
) -> None:
    legs = ModuleType("legs")
    for name in ("look", "first_leg", "answer_leg", "after", "note"):
        setattr(legs, name, raiser(error))
    running.door._Running.legs = legs
    running.radiusd.broken = log_is_broken

    for handler in HANDLERS:
        before = len(running.log)
        assert code_of(getattr(running.door, handler)(BOB)) == SAFE[handler], handler
        told = running.log[before:]
        assert log_is_broken or "the user is refused" in told or "no notification is sent" in told, handler
    assert "my-secret" not in running.log


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    handler=st.sampled_from(HANDLERS),
    request=st.lists(
        st.tuples(
            st.sampled_from(["User-Name", "User-Password", "State", "Calling-Station-Id", "X"]),
            st.one_of(st.text(max_size=40), st.binary(max_size=40).map(lambda raw: "0x" + raw.hex())),
        ),
        max_size=6,
    ).map(tuple),
    control=st.lists(
        st.one_of(
            st.tuples(st.just("SMSOTP-Phone"), st.one_of(st.text(max_size=20), st.just("+491701234567"))),
            st.tuples(
                st.sampled_from(["SMSOTP-Gateway", "SMSOTP-Language", "SMSOTP-Notify"]), st.text(max_size=20)
            ),
        ),
        max_size=4,
    ).map(tuple),
)
def test_any_packet_gets_a_code_and_never_an_accept(
    running: World, handler: str, request: tuple[Any, ...], control: tuple[Any, ...]
) -> None:
    answer = getattr(running.door, handler)({"request": request, "config": control, "reply": None})

    assert code_of(answer) != OK
    assert "unexpected" not in running.log


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
        host, "find_server_version", raiser(host.HostError("/proc/self/exe -v tells no version"))
    )

    assert world.door.instantiate({}) == OK
    assert guards == []
    assert world.log == (
        "smsotp: the version of FreeRADIUS is not known: /proc/self/exe -v tells no version; "
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
    flushes: list[Callable[..., None]] = [raiser(StoreError("the store is gone"))]
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


def test_a_thread_that_dies_is_told_to_the_log_without_its_text(running: World) -> None:
    dying = threading.Thread(target=raiser(RuntimeError("my-secret")), name="some-thread")
    dying.start()
    dying.join()

    assert "the thread some-thread has ended: unexpected RuntimeError at " in running.log
    assert "my-secret" not in running.log


def test_no_secret_is_logged(running: World) -> None:
    running.door.authenticate(BOB)
    running.door.detach()

    assert "hello" not in running.log
    assert "1701234567" not in running.log


@pytest.mark.parametrize("handler", ["authenticate", "post_auth"])
def test_a_request_that_meets_the_end_of_the_server_is_no_unexpected_one(
    running: World, handler: str
) -> None:
    door, legs = running.door, running.door._Running.legs

    def begin() -> tuple[Callable[[], int], Callable[[], None]]:
        door._Running.legs = legs
        return lambda: code_of(getattr(door, handler)({"request": ()})), forget

    def forget() -> None:
        door._Running.legs = None

    function = door.post_auth if handler == "post_auth" else door._handle

    assert {*interrupt_at_each_step(function, begin)} == {SAFE[handler]}
    assert "unexpected" not in running.log


def test_what_the_system_says_of_an_unexpected_failure_is_told_and_no_name_with_it(running: World) -> None:
    legs = ModuleType("legs")
    legs.first_leg = raiser(OSError(errno.EMFILE, "my-secret", "my-secret"))  # type: ignore[attr-defined]
    running.door._Running.legs = legs

    assert running.door.authenticate(BOB) == REJECT
    assert f"unexpected OSError ({os.strerror(errno.EMFILE)}) at " in running.log
    assert "my-secret" not in running.log


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
