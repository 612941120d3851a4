"""What a machine can do to the server: nobody gets in without the code, every answer comes in time, log-ins go on afterwards."""

import itertools
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer, NoAnswer
from tests.support.moved_clock import MovedClock

from .disks import ext4, frozen, make_read_only, mounted
from .system import UNAVAILABLE, World
from .test_store_trouble import make_unhealthy, once_available

#: Seconds that a client waits for an answer: what is promised, and the usual patience of one. The store's own is two.
BUDGET = 5.0
HOUR = 3600
LOCK = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
other.execute("ROLLBACK")
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with ext4(tmp_path / "disk") as disk:
        yield disk


def first_leg(world: World, user: RadiusUser) -> Answer:
    """Send a first leg that has to be answered in time."""
    return world.server.client(timeout=BUDGET).log_in(user.name, user.password)


def answer(world: World, user: RadiusUser, code: str, state: bytes) -> Answer:
    """Send an answer that has to be answered in time."""
    return world.server.client(timeout=BUDGET).answer(user.name, code, state)


def until_logged_in(world: World) -> None:
    """Log in one after the other until somebody gets in wholly: gateways and the store are tried again after a pause."""
    for user in itertools.islice(world.users, 280, 288):
        challenge = once_available(lambda user=user: world.log_in(user))  # type: ignore[misc]  # of this turn
        try:
            code = world.gateway.inbox.wait(number=user.phone, timeout=5).code
        except AssertionError:
            continue
        if world.answer(user, code, challenge.state).code == "accept":
            return
    raise AssertionError("nobody can log in any more")


def test_a_lock_that_another_program_holds_lets_nobody_in_and_log_ins_go_on_when_it_ends(
    tmp_path: Path,
) -> None:
    with World(tmp_path) as world:
        anna, *others = (world.someone() for _ in range(50))
        people = itertools.cycle(others)
        state = world.log_in(anna).state
        code = world.code_of(anna)
        with subprocess.Popen(
            [sys.executable, "-c", LOCK, world.database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "locked\n"
            answers: list[Answer] = []
            # The first ones are asked for codes, until the server has seen that nothing can be written.
            while len(answers) < 8 or answers[-1].code != "reject":
                answers.append(first_leg(world, next(people)))
                if len(answers) < 4:
                    answers.append(answer(world, anna, "wrong", state))
            # The end of its input ends the lock.
            other.communicate()
        accepted = once_available(lambda: world.answer(anna, code, state))

        assert "accept" not in {each.code for each in answers}
        assert {each.prompt for each in answers if each.code == "reject"} <= {UNAVAILABLE}
        assert (accepted.code, world.server.stop()) == ("accept", 0)


def test_a_disk_that_hangs_keeps_no_log_in_waiting(tmp_path: Path, disk: Path) -> None:
    with World(tmp_path, store=disk) as world:
        anna, otto = world.someone(), world.someone()
        states = [world.log_in(user).state for user in (anna, otto)]
        codes = [world.code_of(user) for user in (anna, otto)]
        with frozen(disk):
            right = answer(world, anna, codes[0], states[0])
            firsts = [first_leg(world, world.someone()) for _ in range(20)]
            wrong = answer(world, otto, "wrong", states[1])
            late = [first_leg(world, world.someone()) for _ in range(20)]
        accepted = once_available(lambda: world.answer(otto, codes[1], states[1]))

        assert "accept" not in {each.code for each in (right, wrong, *firsts, *late)}
        assert late[-1].prompt == UNAVAILABLE
        assert accepted.code == "accept"
        assert world.log_in_wholly(world.someone()).code == "accept"


def test_a_disk_that_has_become_read_only_rejects_log_ins_until_there_is_another(
    tmp_path: Path, disk: Path
) -> None:
    with World(tmp_path, store=disk) as world:
        anna = world.someone()
        state = world.log_in(anna).state
        code = world.code_of(anna)
        make_read_only(disk)
        make_unhealthy(world)
        refused = [first_leg(world, world.someone()), answer(world, anna, code, state)]
        with mounted(disk, "-t", "tmpfs", "tmpfs"):
            until_logged_in(world)
            late = answer(world, anna, code, state)
            assert world.server.stop() == 0

        assert [(each.code, each.prompt) for each in refused] == [("reject", UNAVAILABLE)] * 2
        assert "readonly database" in world.server.log_text() or "disk I/O error" in world.server.log_text()
        assert late.code == "reject"


def test_a_damaged_database_lets_nobody_in_and_log_ins_go_on_when_it_is_removed(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        state = world.log_in(anna).state
        code = world.code_of(anna)
        world.server.stop()
        world.database.write_bytes(b"SQLite format 3\0" + os.urandom(1 << 16))
        with pytest.raises(HarnessError, match=r"smsotp: .*smsotp\.db"):
            world.start()
        for path in world.store.glob("smsotp.db*"):
            path.unlink()
        world.start()

        assert answer(world, anna, code, state).code == "reject"
        assert world.log_in_wholly(world.someone()).code == "accept"


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_a_clock_that_is_set_by_an_hour_makes_codes_worthless_and_log_ins_go_on(
    tmp_path: Path, moved_clock: MovedClock, by: int
) -> None:
    with World(tmp_path / "world", environment=moved_clock.environment) as world:
        anna = world.someone()
        before = world.log_in(anna)
        old = world.code_of(anna)
        mark = world.gateway.inbox.mark()
        moved_clock.move(by)
        late = answer(world, anna, old, before.state)
        again = world.log_in(anna)
        new = world.code_of(anna, after=mark)
        accepted = answer(world, anna, new, again.state)
        others = [world.log_in_wholly(world.someone()).code for _ in range(3)]
        moved_clock.move(0)

        assert late.code == "reject"
        assert (again.code, accepted.code) == ("challenge", "accept")
        assert again.state != before.state
        assert others == ["accept"] * 3
        assert answer(world, anna, new, again.state).code == "reject"
        assert world.log_in_wholly(world.someone()).code == "accept"


def limit(world: World, what: int, most: int) -> None:
    """Set a limit of the running server; it can be lifted again."""
    pid = world.server.pid
    assert pid is not None
    _, hard = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (most, hard))


def test_file_handles_that_are_used_up_cost_the_sms_and_nobody_gets_in(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        limit(world, resource.RLIMIT_NOFILE, 3)
        challenge = first_leg(world, anna)
        world.server.wait_for_log("Too many open files")
        refused = [answer(world, anna, typed, challenge.state) for typed in ("000000", "")]
        for path in world.store.glob("smsotp.db*"):
            path.unlink()
        mark = world.server.log_mark()
        # This one is promised a code before it is known that nothing can be written.
        first_leg(world, world.someone())
        world.server.wait_for_log("but no SMS will be sent", after=mark)
        unavailable = first_leg(world, world.someone())
        limit(world, resource.RLIMIT_NOFILE, 1024)
        until_logged_in(world)

        assert "accept" not in {each.code for each in (challenge, *refused)}
        assert world.codes_of(anna) == []
        assert (unavailable.code, unavailable.prompt) == ("reject", UNAVAILABLE)
        assert world.server.stop() == 0


def test_memory_that_is_short_lets_nobody_in_and_costs_no_code_that_was_sent(tmp_path: Path) -> None:
    # One heap, so that none has room in reserve.
    world = World(
        tmp_path,
        gateway="TIMEOUT = 30",
        sections='[limits]\nmode = "record"',
        environment={"MALLOC_ARENA_MAX": "1"},
    )
    with world:
        otto = world.someone()
        state = world.log_in(otto).state
        code = world.code_of(otto)
        status = Path(f"/proc/{world.server.pid}/status").read_text()
        (size,) = re.findall(r"VmSize:\s+(\d+) kB", status)
        limit(world, resource.RLIMIT_AS, int(size) * 1024 // 2)
        world.gateway.faults.add("delay 300s")
        answers = fill_memory(world)
        with suppress(NoAnswer):
            answers.add(answer(world, otto, "wrong", state).code)
        with suppress(ProcessLookupError):
            limit(world, resource.RLIMIT_AS, resource.RLIM_INFINITY)
        world.gateway.faults.clear()
        world.gateway.faults.release()
        # FreeRADIUS itself may have ended for want of memory.
        world.start()
        accepted = once_available(lambda: world.answer(otto, code, state))
        until_logged_in(world)

        assert "accept" not in answers
        assert accepted.code == "accept"


def has_ended(pid: int | None) -> bool:
    """Tell whether a program has ended of which nobody has taken notice yet."""
    assert pid is not None
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def fill_memory(world: World) -> set[str]:
    """
    Begin log-ins whose messages pile up until the server finds no memory for one, or ends for want of it.

    Returns how they were answered.
    """
    users = itertools.cycle(world.users[:100])
    answers = set()

    def begin(station: int) -> str:
        user = next(users)
        client = world.server.client(timeout=BUDGET)
        try:
            return client.log_in(user.name, user.password, Calling_Station_Id=f"{station:0>200}").code
        except NoAnswer:  # FreeRADIUS itself has no memory for the packet, or for a thread
            return "none"

    with ThreadPoolExecutor(8) as pool:
        for first in range(0, 20_000, 200):
            answers |= set(pool.map(begin, range(first, first + 200)))
            if "MemoryError" in world.server.log_text() or has_ended(world.server.pid):
                return answers
    raise AssertionError(f"the server's memory is not short: {answers}")
