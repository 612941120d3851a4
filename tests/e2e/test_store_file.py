"""One file and what happens to it: a second server uses it, it is removed, somebody else writes into it."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from smsotp_mocks.servers.radius_client import NoAnswer

from .system import UNAVAILABLE, World
from .test_restart import EXPIRED


def test_two_servers_on_one_file_are_one(tmp_path: Path) -> None:
    with World(tmp_path / "one") as one, World(tmp_path / "two", store=one.store) as two:
        anna, otto = one.users[:2]
        first = one.log_in(anna)
        second = two.log_in(anna)
        code = one.code_of(anna)
        accepted = two.answer(anna, code, second.state)
        again = one.answer(anna, code, first.state)
        mark = one.gateway.inbox.mark()
        third = one.log_in(anna)
        wrong = [world.answer(otto, "wrong", two.log_in(otto).state) for world in (one, two)]
        two.code_of(otto)

        assert first.state == second.state
        assert (accepted.code, again.code, again.prompt) == ("accept", "reject", EXPIRED)
        assert third.state != first.state
        assert one.answer(anna, one.code_of(anna, after=mark), third.state).code == "accept"
        assert [answer.code for answer in wrong] == ["challenge"] * 2
        assert two.sql("SELECT tries_left FROM challenges WHERE user = ?", otto.name) == [(3,)]
        assert two.codes_of(anna) == []
        assert len(two.codes_of(otto)) == 1


def test_many_log_ins_at_two_servers_at_once_are_one_sms_each(tmp_path: Path) -> None:
    with World(tmp_path / "one") as one, World(tmp_path / "two", store=one.store) as two:
        users = one.users[:20]
        with ThreadPoolExecutor(8) as pool:
            asked = [
                (pool.submit(one.server.client(timeout=10).log_in, user.name, user.password),
                 pool.submit(two.server.client(timeout=10).log_in, user.name, user.password))
                for user in users
            ]  # fmt: skip
            answers = [(left.result(), right.result()) for left, right in asked]
        for world in (one, two):
            world.log_in_wholly(world.users[-1])  # whose SMS overtakes none

        assert {answer.code for pair in answers for answer in pair} == {"challenge"}
        assert [left.state for left, _ in answers] == [right.state for _, right in answers]
        assert [len(one.codes_of(user)) + len(two.codes_of(user)) for user in users] == [1] * 20


def test_a_database_that_is_removed_is_told_and_log_ins_go_on(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        mark = world.server.log_mark()
        for file in world.store.glob("smsotp.db*"):
            file.unlink()
        world.server.wait_for_log("was removed while it was in use, and a new one is made", after=mark)

        assert world.answer(anna, code, challenge.state).code == "reject"
        assert world.log_in_wholly(world.someone()).code == "accept"


def test_somebody_who_writes_to_the_database_logs_in_as_nobody_else(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        mallory, bob = world.someone(), world.someone()
        challenge = world.log_in(mallory)
        code = world.code_of(mallory)
        mark = world.server.log_mark()
        world.sql("UPDATE challenges SET user = ?", bob.name)
        rejected = world.answer(bob, code, challenge.state)
        world.server.wait_for_log("does not bear our mark", after=mark)

        assert (rejected.code, rejected.prompt) == ("reject", UNAVAILABLE)
        assert world.log_in_wholly(bob).code == "accept"


def test_a_code_whose_end_somebody_has_put_off_is_not_good(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        world.sql("UPDATE challenges SET expires = expires + 300")

        assert world.answer(anna, code, challenge.state).prompt == UNAVAILABLE


def hold_back_accepts(world: World) -> Path:
    """Make the server wait for a program before it sends an Access-Accept; returns a pipe that is opened meanwhile."""
    world.server.prepare()
    held = world.server.directory / "held"
    program = world.server.directory / "hold"
    os.mkfifo(held)
    os.mkfifo(world.server.directory / "go")
    program.write_text(f"#!/bin/sh\n: > {held}\nexec cat {world.server.directory}/go\n")
    program.chmod(0o755)
    site = world.server.raddb / "sites-enabled/smsotp"
    text = site.read_text()
    assert text.count("post-auth {") == 1
    site.write_text(
        text.replace(
            "post-auth {", f"post-auth {{\n\tupdate control {{\n\t\tTmp-String-9 := `{program}`\n\t}}"
        )
    )
    return held


def test_a_right_code_is_used_up_when_the_server_is_killed_before_it_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    held = hold_back_accepts(world)
    with world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        answers = []

        def answer() -> None:
            with suppress(NoAnswer):
                answers.append(
                    world.server.client(timeout=1, tries=1).answer(anna.name, code, challenge.state)
                )

        with ThreadPoolExecutor(1) as pool:
            pool.submit(answer)
            held.read_bytes()
            world.server.kill()
        (world.server.directory / "go").open("w").close()
        world.start()

        assert answers == []
        assert world.answer(anna, code, challenge.state).prompt == EXPIRED


@pytest.mark.parametrize("signal", ["-KILL", "-TERM"])
def test_what_was_kept_is_traced_without_a_server(tmp_path: Path, signal: str) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        world.log_in_wholly(anna)
        world.log_in_wholly(world.someone())  # whose SMS overtakes no line of the delivery log
        if signal == "-KILL":
            world.server.kill()
        else:
            world.server.stop()
        before = sorted(path.name for path in world.store.iterdir())
        command = [str(world.server.smsotp), "trace", anna.name, "--config", str(world.server.config_file)]
        shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)

        assert shown.stderr == ""
        assert "accepted" in shown.stdout
        assert sorted(path.name for path in world.store.iterdir()) == before
