"""A store that cannot be written rejects people quickly and says why; once it can be, they get in again."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers.radius_client import Answer

from .disks import fill, mounted
from .system import UNAVAILABLE, World, in_parallel


@contextlib.contextmanager
def lock(database: Path) -> Iterator[None]:
    """Hold the file as another program would that changes it."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def once_available(ask: Callable[[], Answer]) -> Answer:
    """Ask until the store is tried again: it is left alone for a second after a failure."""
    until = time.monotonic() + 60
    while (answer := ask()).prompt == UNAVAILABLE and time.monotonic() < until:
        pass
    return answer


def make_unhealthy(world: World) -> None:
    """Begin a log-in, which finds out that the store cannot be written, or is refused: the store has work of its own once a second."""
    mark = world.server.log_mark()
    if world.log_in(world.someone()).code == "challenge":
        world.server.wait_for_log("but no SMS will be sent", after=mark)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=400k", "tmpfs") as disk:
        yield disk


def test_log_ins_are_rejected_while_the_database_is_locked(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        with lock(world.database):
            make_unhealthy(world)
            refused = world.log_in(world.someone())

        assert (refused.code, refused.prompt) == ("reject", UNAVAILABLE)
        world.server.wait_for_log("database is locked")
        world.server.wait_for_log("is refused:")


def test_log_ins_work_again_once_the_database_is_free(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        with lock(world.database):
            make_unhealthy(world)
            world.log_in(anna)

        challenge = once_available(lambda: world.log_in(anna))

        assert world.answer(anna, world.code_of(anna), challenge.state).code == "accept"
        world.server.wait_for_log("the store can be written again")


def test_a_right_answer_is_rejected_while_the_database_is_locked_and_good_afterwards(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        with lock(world.database):
            refused = world.answer(anna, code, challenge.state)

        accepted = once_available(lambda: world.answer(anna, code, challenge.state))

        assert (refused.code, refused.prompt) == ("reject", UNAVAILABLE)
        assert accepted.code == "accept"


def test_fifty_log_ins_are_rejected_in_time_while_the_database_is_locked(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        with lock(world.database):
            make_unhealthy(world)
            client = world.server.client(timeout=30)
            answers = in_parallel(50, lambda: client.log_in((user := world.someone()).name, user.password))

        assert {(answer.code, answer.prompt) for answer in answers} == {("reject", UNAVAILABLE)}


def test_fifty_answers_are_rejected_in_time_while_the_database_is_locked(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        state = world.log_in(anna).state
        code = world.code_of(anna)
        with lock(world.database):
            client = world.server.client(timeout=30)
            answers = in_parallel(50, client.answer, anna.name, code, state)

        assert {(answer.code, answer.prompt) for answer in answers} == {("reject", UNAVAILABLE)}


def test_a_stop_while_the_database_is_locked_is_clean(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.log_in_wholly(world.someone())
        with lock(world.database):
            world.log_in(world.someone())
            assert world.server.stop() == 0


def test_a_database_full_of_garbage_lets_nobody_in(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        for path in world.store.glob("smsotp.db*"):
            path.write_bytes(os.urandom(path.stat().st_size or 4096))

        answers = [world.answer(anna, typed, challenge.state) for typed in ("wrong", code[::-1], "")]
        for _ in range(3):
            world.log_in(world.someone())

        assert "accept" not in {answer.code for answer in answers}
        assert world.server.stop() == 0


def test_a_full_disk_rejects_log_ins_until_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    with World(tmp_path, store=small_disk) as world:
        anna = world.someone()
        world.log_in_wholly(world.someone())
        filler = fill(small_disk)
        # The first ones may still fit into the write-ahead log, or be answered before the disk is asked.
        for _ in range(40):
            world.log_in(world.someone())
        world.server.wait_for_log("disk is full")
        refused = world.log_in(world.someone())
        filler.unlink()

        assert refused.prompt == UNAVAILABLE
        challenge = once_available(lambda: world.log_in(anna))
        assert world.answer(anna, world.code_of(anna), challenge.state).code == "accept"
        world.server.stop()


def test_a_stop_with_a_full_disk_is_clean(tmp_path: Path, small_disk: Path) -> None:
    with World(tmp_path, store=small_disk) as world:
        fill(small_disk)
        for _ in range(40):
            world.log_in(world.someone())

        assert world.server.stop() == 0


def test_the_prompt_comes_at_once_while_the_store_is_slow_and_the_sms_when_it_is_not(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        for _ in range(10):
            user = world.someone()
            mark = world.server.log_mark()
            with lock(world.database):
                challenge = world.log_in(user)
                sent = world.codes_of(user)
            assert (challenge.code, sent) == ("challenge", [])
            other = world.someone()
            # Where the lock was held for too long, the store is left alone for a moment.
            begun = once_available(lambda other=other: world.log_in(other))  # type: ignore[misc]  # of this turn
            accepted = world.answer(other, world.code_of(other), begun.state)
            if "but no SMS will be sent" not in world.logged(mark):
                break
        assert accepted.code == "accept"
        assert world.answer(user, world.code_of(user), challenge.state).code == "accept"


def test_a_log_in_that_waits_for_its_sms_is_rejected_while_the_database_is_locked(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nwait = 2") as world:
        anna = world.someone()
        with lock(world.database):
            refused = world.server.client(timeout=30).log_in(anna.name, anna.password)
        challenge = once_available(lambda: world.log_in(anna))

        assert (refused.code, refused.prompt) == ("reject", UNAVAILABLE)
        assert world.answer(anna, world.code_of(anna), challenge.state).code == "accept"
