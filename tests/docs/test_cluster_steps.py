"""The commands of docs/cluster.md and docs/redis.md, typed in the order of the pages: what they leave is what the next step needs."""

import grp
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.settings import load_settings
from smsotp_plugin.stores.budgets import NO_BUDGETS
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.schemes import open_store
from tests.support.challenges import DAY, RIGHT, WINDOW
from tests.support.markdown import ROOT, blocks
from tests.support.parcels import begin
from tests.support.redis import somebody

STEPS = [block.text for block in blocks("sh", pages=[ROOT / "docs/cluster.md"])]
KEYS = [block.text for block in blocks("sh", pages=[ROOT / "docs/redis.md"])]
#: Of the system, and not of this test.
PRETENDED = 'systemctl() { :; }; runuser() { shift 3; "$@"; }; '
GATEWAY = {"gateways.any": {"provider": "script", "SCRIPT": "/bin/true"}}


def find_step(steps: list[str], words: str) -> str:
    """Return the block in which these words stand."""
    (step,) = (step for step in steps if words in step)
    return step


def type_in(machine: Path, step: str) -> str:
    """Type a block at a machine that is a directory, as the present user; return what it says."""
    group = grp.getgrgid(os.getgid()).gr_name
    step = step.replace("-g freerad", f"-g {group}").replace("-o redis -g redis ", "")
    step = step.replace(" redis:redis ", f" {os.getuid()} ")
    for folder in ("/etc/", "/var/lib/"):
        step = step.replace(f" {folder}", f" {machine}{folder}")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", f"umask 077; {PRETENDED}{step}"],
        env={"PATH": path},
        text=True,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    for folder in ("etc/smsotp", "etc/redis/tls", "var/lib/smsotp"):
        (tmp_path / "a" / folder).mkdir(parents=True)
    return tmp_path / "a"


def write_settings(path: Path, store: dict[str, str]) -> None:
    path.write_text(write_toml({"store": store, **GATEWAY}))


def opened(config: Path) -> Store:
    return open_store(
        load_settings(config).store, window=WINDOW, events_kept=DAY, clock=SystemClock(), budgets=NO_BUDGETS
    )


def test_who_waits_for_a_code_waits_after_the_move_and_the_old_file_is_kept(
    machine: Path, tmp_path: Path
) -> None:
    etc, database = machine / "etc/smsotp", f"sqlite://{machine}/var/lib/smsotp/smsotp.db"
    (machine / "etc/redis/tls/ca.crt").write_text("an authority")
    (machine / "var/lib/smsotp/smsotp.key").write_text("k" * 64)
    (machine / "var/lib/smsotp/smsotp.key").chmod(0o600)
    write_settings(etc / "smsotp.toml", {"url": database})
    store, waiting = opened(etc / "smsotp.toml"), somebody()
    begin(store, waiting)
    store.close()

    type_in(machine, find_step(STEPS, "/etc/redis/tls/ca.crt /etc/smsotp"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in etc.iterdir() if path.name != "smsotp.toml"}
    assert modes == dict.fromkeys(("smsotp.key", "ca.crt", "redis-password", "new.toml"), 0o640)
    with RedisServer(tmp_path / "redis") as server:
        write_settings(etc / "new.toml", {"url": server.url, "key_file": str(etc / "smsotp.key")})
        tried = type_in(machine, find_step(STEPS, "smsotp limits"))
        told = type_in(machine, find_step(STEPS, "store copy"))
        type_in(machine, find_step(STEPS, "before.toml").replace("smsotp freeradius check", ": "))
        store = opened(etc / "smsotp.toml")

        assert "can be used." in tried
        assert "Nothing was over a limit" in tried
        assert "copied: 1 log-in," in told
        assert store.answer(waiting.state, "bob", RIGHT, SystemClock().time()).state == waiting.state
        assert load_settings(etc / "before.toml").store.url == database
        store.close()


def test_the_servers_own_their_files_and_nobody_else_reads_the_passwords(machine: Path) -> None:
    etc = machine / "etc/redis"
    for name in ("redis.conf", "sentinel.conf"):
        (etc / name).write_text("")
    type_in(machine, find_step(STEPS, "users.acl").partition("\n")[2])
    type_in(machine, find_step(STEPS, "chown"))

    assert (etc / "users.acl").stat().st_mode & 0o777 == 0o640


def test_no_server_has_a_key_in_front_that_another_one_does_not_know(machine: Path) -> None:
    key = machine / "etc/smsotp/smsotp.key"
    type_in(machine, find_step(KEYS, "-hex 32 > "))
    (old,) = key.read_text().split()

    type_in(machine, find_step(KEYS, "head"))
    first, new = key.read_text().split()
    assert (first, len(new)) == (old, 64)
    type_in(machine, find_step(KEYS, "tac"))
    assert key.read_text().split() == [new, old]
    assert key.stat().st_mode & 0o777 == 0o640
    type_in(machine, find_step(KEYS, "sed"))
    assert key.read_text().split() == [new]
    assert key.stat().st_mode & 0o777 == 0o640


def test_a_server_that_was_forgotten_in_the_first_round_keeps_its_key_in_the_second(machine: Path) -> None:
    key = machine / "etc/smsotp/smsotp.key"
    type_in(machine, find_step(KEYS, "-hex 32 > "))
    before = key.read_text()

    type_in(machine, find_step(KEYS, "tac"))

    assert key.read_text() == before
