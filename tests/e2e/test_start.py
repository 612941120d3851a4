"""What is wrong is said in sentences before the first user comes, and a check of the configuration starts nothing."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from smsotp_mocks.servers.raddb import HarnessError
from smsotp_plugin.radius.host import find_server_version

from .system import World

Breaker = Callable[[World], object]


def newer_schema(world: World) -> None:
    with closing(sqlite3.connect(world.database)) as connection:
        connection.execute("PRAGMA user_version = 99")


def without_directory(world: World) -> None:
    world.store.rmdir()


def file_for_directory(world: World) -> None:
    world.store.rmdir()
    world.store.write_text("")


def without_configuration(world: World) -> None:
    world.server.config_file.unlink()


def no_text(world: World) -> None:
    world.server.config_file.write_bytes(b"\xff")


def config(world: World, text: str) -> None:
    world.server.prepare()
    world.server.config_file.write_text(text)


def key_beside(world: World) -> Path:
    return world.database.with_suffix(".key")


BROKEN: dict[str, tuple[Breaker, str]] = {
    "no configuration": (without_configuration, "smsotp.toml"),
    "no TOML": (lambda world: config(world, "[otp\n"), "smsotp.toml"),
    "no text": (no_text, "UTF-8"),
    "unknown key": (lambda world: config(world, "[otp]\nlenght = 6\n"), "otp.lenght"),
    "no gateway": (lambda world: config(world, ""), "at least one gateway is needed"),
    "all problems": (lambda world: config(world, "[otp]\nttl = 1\n"), "otp.ttl"),
    "no directory": (without_directory, "the directory must exist"),
    "a file for a directory": (file_for_directory, "Not a directory"),
    "a directory for the database": (lambda world: world.database.mkdir(), "Is a directory"),
    "garbage for the database": (
        lambda world: world.database.write_bytes(os.urandom(8192)),
        "file is not a database",
    ),
    "a newer schema": (newer_schema, "newer smsotp-plugin"),
    "a short key": (lambda world: key_beside(world).write_text("short\n"), "holds no key"),
    "an empty key": (lambda world: key_beside(world).write_text(""), "holds no key"),
    "a binary key": (lambda world: key_beside(world).write_bytes(b"\xff" * 64), "not text"),
    "a directory for the key": (lambda world: key_beside(world).mkdir(), "cannot be used"),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.server.stop(expected=None)
    made.gateway.stop()


def program() -> Path:
    found = shutil.which("freeradius", path="/usr/sbin:/usr/bin")
    assert found is not None
    return Path(found)


def check_configuration(world: World) -> "subprocess.CompletedProcess[str]":
    """Run what the distribution's unit runs before each start."""
    return subprocess.run(
        [program(), "-XC", "-d", world.server.raddb],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_start_is_refused_in_sentences(world: World, what: str) -> None:
    breaker, expected = BROKEN[what]
    world.server.prepare()
    breaker(world)

    with pytest.raises(HarnessError) as refused:
        world.start()

    log = world.server.log_text()
    assert "status 1" in str(refused.value) or "status 2" in str(refused.value), str(refused.value)
    assert expected in log
    assert "Traceback" not in log
    assert "unexpected" not in log


def test_every_problem_is_told_at_once(world: World) -> None:
    config(world, "[otp]\nttl = 1\nlength = 99\n[gateways.a]\nprovider = 'nothing'\n[colour]\n")

    with pytest.raises(HarnessError):
        world.start()

    log = world.server.log_text()
    assert all(place in log for place in ("otp.ttl", "otp.length", "gateways.a", "colour"))


def test_a_start_after_the_mistake_is_mended_works(world: World) -> None:
    world.server.prepare()
    key_beside(world).write_text("short\n")
    with pytest.raises(HarnessError):
        world.start()
    key_beside(world).unlink()

    assert world.start().log_in_wholly(world.someone()).code == "accept"


def test_the_version_of_the_server_is_known_to_the_plugin_in_it(world: World) -> None:
    log = world.start().server.log_text()

    assert "the version of FreeRADIUS is not known" not in log


def test_a_configuration_check_makes_nothing(world: World) -> None:
    world.server.prepare()

    checked = check_configuration(world)

    assert checked.returncode == 0, checked.stdout[-3000:]
    assert list(world.store.iterdir()) == []


def test_a_configuration_check_beside_a_running_server_disturbs_nothing(world: World) -> None:
    world.start()
    anna = world.someone()
    challenge = world.log_in(anna)

    checked = check_configuration(world)

    assert checked.returncode == 0
    assert world.answer(anna, world.code_of(anna), challenge.state).code == "accept"


def test_a_configuration_check_finds_mistakes_where_the_server_starts_modules_for_it(world: World) -> None:
    config(world, "[otp]\nttl = 1\n")

    checked = check_configuration(world)

    starts_modules = find_server_version(program()) < (3, 2, 7)
    assert checked.returncode == starts_modules
    assert ("otp.ttl" in checked.stdout) == starts_modules
    assert "Traceback" not in checked.stdout


def test_a_second_server_on_the_same_store_sees_the_same_key(world: World, tmp_path: Path) -> None:
    world.start()
    anna = world.someone()
    challenge = world.log_in(anna)
    code = world.code_of(anna)
    with World(tmp_path / "second", store=world.store) as second:
        accepted = second.answer(anna, code, challenge.state)

    assert accepted.code == "accept"
    assert world.answer(anna, code, challenge.state).code == "reject"


def test_the_key_is_made_for_its_owner_only(world: World) -> None:
    world.start()

    assert key_beside(world).stat().st_mode & 0o777 == 0o600
    assert len(key_beside(world).read_text().strip()) == 64
