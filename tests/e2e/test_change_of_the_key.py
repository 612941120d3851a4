"""The key is changed as docs/store.md says, with a restart, and nobody who waits for a code or a message notices it."""

import subprocess
from pathlib import Path

from tests.support.file_events import wait_for_files
from tests.support.markdown import ROOT, blocks

from .system import World
from .test_trace import trace, trace_until

#: In the order of the page: a new key is put in front, and the old one is removed.
PUT_IN_FRONT, REMOVE = [
    block.text for block in blocks("sh", pages=[ROOT / "docs/store.md"]) if "smsotp.key" in block.text
]
RESTART = "systemctl restart freeradius"


def do(world: World, block: str) -> None:
    """Type what the page says, at the place of this server's key, and restart this server."""
    script = block.replace("/var/lib/smsotp", str(world.store))
    commands, restart, rest = script.partition(RESTART)
    assert restart
    assert rest.strip() == ""
    before = world.store.joinpath("smsotp.key").stat()
    subprocess.run(["bash", "-eu"], input=commands, text=True, check=True, timeout=100)
    after = world.store.joinpath("smsotp.key").stat()
    assert (before.st_mode, before.st_uid, before.st_gid) == (after.st_mode, after.st_uid, after.st_gid)
    world.server.stop()
    world.server.start()


def keys(world: World) -> list[str]:
    return (world.store / "smsotp.key").read_text().split()


def test_pending_codes_are_answered_and_sent_again_after_the_key_was_changed(tmp_path: Path) -> None:
    with World(tmp_path, sections="[challenge]\nresend_after = 0") as world:
        anna, otto = world.someone(), world.someone()
        first, second = world.log_in(anna), world.log_in(otto)
        codes = [world.code_of(user) for user in (anna, otto)]
        (old,) = keys(world)
        do(world, PUT_IN_FRONT)
        new, kept = keys(world)
        again = world.answer(otto, "", second.state)

        assert (kept, len(new), new == old) == (old, 64, False)
        assert again.code == "challenge"
        assert world.answer(otto, codes[1], second.state).code == "accept"
        assert world.answer(anna, "000000", first.state).code == "challenge"
        assert world.answer(anna, codes[0], first.state).code == "accept"
        assert set(world.codes_of(otto)) == {codes[1]}
        assert world.log_in_wholly(world.someone()).code == "accept"


def test_a_message_that_was_sealed_with_the_old_key_is_sent_with_the_new_one_in_front(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nworkers = 1", gateway="TIMEOUT = 100") as world:
        world.gateway.faults.add("delay 300s")
        busy, waiter = world.someone(), world.someone()
        world.log_in(busy)
        challenge = world.log_in(waiter)
        wait_for_files(world.store, lambda: world.sql("SELECT count(*) FROM messages") == [(2,)])
        world.server.kill()
        world.gateway.faults.clear()
        world.gateway.faults.release()
        do_while_stopped(world)

        assert world.answer(waiter, world.code_of(waiter), challenge.state).code == "accept"
        assert "cannot be unsealed" not in world.server.log_text()


def do_while_stopped(world: World) -> None:
    script = PUT_IN_FRONT.replace("/var/lib/smsotp", str(world.store)).replace(RESTART, "")
    subprocess.run(["bash", "-eu"], input=script, text=True, check=True, timeout=100)
    world.server.start()


def test_the_same_log_in_is_the_same_challenge_and_its_earlier_messages_are_found(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        first = world.log_in(anna)
        code = world.code_of(anna)
        before = trace_until(world, "took it", anna.name)
        do(world, PUT_IN_FRONT)
        second = world.log_in(anna)

        assert second.state == first.state
        assert anna.phone is not None
        assert trace(world, anna.phone).stdout == before
        assert world.answer(anna, code, second.state).code == "accept"
        assert world.codes_of(anna) == [code]


def test_without_the_old_key_its_codes_and_numbers_mean_nothing_any_more(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna, otto = world.someone(), world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        do(world, PUT_IN_FRONT)
        young = world.log_in(otto)
        do(world, REMOVE)
        assert anna.phone is not None
        found = trace(world, anna.phone)

        assert len(keys(world)) == 1
        assert world.answer(anna, code, challenge.state).code == "reject"
        assert found.returncode == 1
        assert world.answer(otto, world.code_of(otto), young.state).code == "accept"
