"""``smsotp trace``, while the server runs: what became of an SMS."""

import os
import pwd
import re
import subprocess
from pathlib import Path

import pytest

from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.servers.raddb import RadiusUser

from .system import World, secrets_in

_TRIES = 20


def trace(world: World, *arguments: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(world.server.smsotp), "trace", *arguments, "--config", str(world.server.config_file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, user=user)


def trace_until(world: World, text: str, *arguments: str, lines: int = 0) -> str:
    """Ask again until the newest events are in the file, which takes a second, and so many lines are shown."""
    for _ in range(_TRIES):
        if text in (shown := trace(world, *arguments).stdout) and shown.count("\n") >= lines:
            return shown
    pytest.fail(f"{text!r} is not in:\n{shown}")


def test_a_log_in_is_shown_from_the_first_leg_to_the_delivery_receipt(tmp_path: Path) -> None:
    with Smsc() as smsc, World(tmp_path, sections=write_toml(smsc.configuration())) as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = smsc.inbox.wait(number=anna.phone).code
        world.answer(anna, "000000", challenge.state)
        accepted = world.answer(anna, code, challenge.state)
        assert anna.phone is not None
        shown = trace_until(world, "receipt", anna.phone, lines=6)
        lines = shown.splitlines()
        reference = lines[0].split()[0]

        assert accepted.code == "accept"
        assert re.fullmatch(rf'[0-9a-f]{{8}}  user "{anna.name}"  number \+49 \*\*\* \*\*00  .+', lines[0])
        assert sorted(line.split()[2] for line in lines[1:]) == [
            "answered",
            "answered",
            "asked",
            "attempt",
            "receipt",
        ]
        assert "gateway smpp took it, its id " in shown
        assert "gateway smpp: delivered" in shown
        assert trace(world, anna.name).stdout == trace(world, reference).stdout == shown
        assert secrets_in(shown, [code, anna.phone, anna.phone[1:]]) == []


def test_gateways_that_failed_are_shown(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.gateway.faults.add("refuse")
        anna = world.someone()
        world.log_in(anna)
        shown = trace_until(world, "ended", anna.name)

        assert "mock: refused: " in shown
        assert re.search(r"ended +no gateway took it \(refused, route default\)", shown)


def test_the_trace_says_what_the_log_says(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.gateway.faults.add("unavailable once; refuse once")
        anna = world.someone()
        challenge = world.log_in(anna)
        world.server.wait_for_log("no gateway took it")
        world.answer(anna, "000000", challenge.state)
        shown = trace_until(world, "got out", anna.name).splitlines()[2:]
        log = world.server.log_text()

        told = [line.split(maxsplit=3)[3] for line in shown]
        assert [words for words in told if words not in log] == []
        assert told[-1] == "rejected, because no SMS with the code got out (refused)"


def test_somebody_who_was_refused_before_any_sms_is_found(tmp_path: Path) -> None:
    nobody = RadiusUser("nobody", "secret-word", None)
    with World(tmp_path, users=[nobody]) as world:
        refused = world.log_in(nobody)
        shown = trace_until(world, "rejected", nobody.name)

        assert refused.code == "reject"
        assert re.search(r'user "nobody"  number none .*\n.* rejected +no SMS can be sent: ', shown)


def test_nothing_found_is_one_sentence_and_makes_no_file(world: World) -> None:
    before = sorted(path.name for path in world.store.iterdir())
    done = trace(world, "nobody")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "smsotp: no message of the last 30 days has this user, number or reference\n"
    assert sorted(path.name for path in world.store.iterdir()) == before


def test_a_server_that_was_never_started_is_said_and_nothing_is_made(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.gateway.stop()
    world.server.prepare()
    done = trace(world, "+491701234567")

    assert done.returncode == 1
    assert "there is no key" in done.stderr
    assert "there is no database" in trace(world, "bob").stderr
    assert list(world.store.iterdir()) == []


def test_a_stopped_server_leaves_a_file_that_can_be_asked(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        world.log_in_wholly(anna)
        world.close()
        before = sorted(path.name for path in world.store.iterdir())

        assert "accepted" in trace(world, anna.name).stdout
        assert sorted(path.name for path in world.store.iterdir()) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_somebody_without_rights_is_told_who_has_them(world: World) -> None:
    done = trace(world, "bob", user=pwd.getpwnam("nobody").pw_uid)

    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
