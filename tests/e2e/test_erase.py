"""``smsotp erase``: beside a running server, nothing of one person is left, and everybody else logs in as before."""

import subprocess
from pathlib import Path

import pytest

from smsotp_plugin.commands.erase import erase

from .system import World
from .test_trace import trace_until


def smsotp(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(world.server.smsotp), *arguments, "--config", str(world.server.config_file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def files(world: World) -> bytes:
    return b"".join(file.read_bytes() for file in world.store.iterdir())


def test_a_person_is_erased_by_name(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna, otto = world.someone(), world.someone()
        pending, other = world.log_in(anna), world.log_in(otto)
        codes = [world.code_of(user) for user in (anna, otto)]
        for user in (anna, otto):
            trace_until(world, "took it", user.name)
        before = files(world)
        erased = smsotp(world, "erase", anna.name)
        after = files(world)

        assert (erased.returncode, erased.stderr) == (0, "")
        assert (
            erased.stdout == "erased: 1 log-in, 2 lines of the delivery log, 1 SMS that counted for limits\n"
        )
        assert anna.name.encode() in before
        assert anna.name.encode() not in after
        assert smsotp(world, "trace", anna.name).returncode == 1
        assert smsotp(world, "erase", anna.name).stdout == "nothing is kept of this user or number\n"
        assert world.answer(anna, codes[0], pending.state).code == "reject"
        assert world.answer(otto, codes[1], other.state).code == "accept"
        assert world.log_in(anna).code == "challenge"


def test_what_the_server_has_not_written_yet_is_erased_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with World(tmp_path) as world:
        for _ in range(3):
            anna = world.someone()
            world.log_in_wholly(anna)
            # In this process: the start of another one would give the server time.
            assert erase(world.server.config_file, anna.name) == 0

            assert capsys.readouterr().out.startswith("erased: 1 log-in, ")
            assert anna.name not in str(world.sql("SELECT * FROM events"))
            assert smsotp(world, "erase", anna.name).stdout == "nothing is kept of this user or number\n"


def test_a_number_is_erased_and_so_is_the_message_that_waits_for_it(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nworkers = 1", gateway="TIMEOUT = 100") as world:
        world.gateway.faults.add("delay 300s")
        busy, anna = world.someone(), world.someone()
        world.log_in(busy)
        world.log_in(anna)
        assert anna.phone is not None
        trace_until(world, "asked", anna.name)
        world.server.kill()
        erased = smsotp(world, "erase", anna.phone)
        world.gateway.faults.clear()
        world.gateway.faults.release()
        world.start()

        assert (
            erased.stdout
            == "erased: 1 log-in, 1 SMS that waited, 1 line of the delivery log, 1 SMS that counted for limits\n"
        )
        world.expect_no_sms(anna)


def test_what_keeps_it_from_erasing_is_said(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.log_in_wholly(world.someone())
    world.database.write_text("no database any more")
    broken = smsotp(world, "erase", "anna")
    world.database.unlink()
    missing = smsotp(world, "erase", "anna")

    assert (broken.returncode, missing.returncode) == (1, 1)
    assert "cannot be written" in broken.stderr
    assert "FreeRADIUS makes it at its first start" in missing.stderr
