"""What a machine can do to the server: nobody gets in without the code, every answer comes in time, log-ins go on afterwards."""

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer

from .disks import ext4, frozen
from .system import UNAVAILABLE, World
from .test_store_trouble import once_available

#: Seconds that a client waits for an answer.
BUDGET = 5.0
HOUR = 3600
LOCK = """
import sqlite3, sys, time
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(5)
other.execute("ROLLBACK")
"""
SHIM = Path(__file__).parents[1] / "support/moved_clock.c"


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
    """Log in people until one of them gets in wholly: gateways and the store are tried again after a pause."""
    end = time.monotonic() + 40
    while True:
        user = world.someone()
        challenge = world.log_in(user)
        if challenge.code == "challenge":
            try:
                code = world.gateway.inbox.wait(number=user.phone, timeout=5).code
            except AssertionError:
                code = ""
            if code and world.answer(user, code, challenge.state).code == "accept":
                return
        assert time.monotonic() < end, challenge


def test_a_lock_that_another_program_holds_for_five_seconds(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna, *others = (world.someone() for _ in range(50))
        people = itertools.cycle(others)
        state = world.log_in(anna).state
        code = world.code_of(anna)
        with subprocess.Popen(
            [sys.executable, "-c", LOCK, world.database], stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "locked\n"
            answers = []
            while other.poll() is None:
                answers.append(first_leg(world, next(people)))
                if len(answers) < 4:
                    answers.append(answer(world, anna, "wrong", state))
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
