"""Nobody gets in by trying, through a real server: guesses in parallel over many challenges, and what the person is told."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from smsotp_mocks.servers.raddb import RadiusUser
from tests.support.file_events import wait_for_files

from .raddbs import SMSOTP
from .system import World
from .test_log_in import other_than

_SOCKETS = 16
_CHALLENGES = 40
_MOST = 50


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A system whose budgets stop nobody, so that only the counts of wrong codes do; no guess of six digits is right by chance."""
    sections = '[limits]\nmode = "record"\n[otp]\nlength = 7\n'
    with World(tmp_path_factory.mktemp("guesses"), sections=sections) as running:
        yield running


@pytest.fixture
def anna(world: World) -> RadiusUser:
    return world.someone()


def at(station: str) -> dict[str, str]:
    return {"Calling_Station_Id": station}


def guess_until_rejected(world: World, user: RadiusUser, number: int) -> int:
    """Log in from a station of its own and guess until no answer is looked at; returns how many guesses were sent."""
    challenge = world.log_in(user, **at(f"station {number}"))
    sent = 0
    answer = challenge
    while answer.code == "challenge":
        answer = world.answer(user, f"{number:03}{sent:03}", challenge.state, **at(f"station {number}"))
        sent += 1
    assert answer.code == "reject"
    return sent


def compared(world: World, user: RadiusUser) -> int:
    """Return how many wrong answers of a user were compared, by the tries that they used up."""
    ((used,),) = world.sql("SELECT sum(5 - tries_left) FROM challenges WHERE user = ?", user.name)
    return int(used or 0)


def log_in_at(world: World, user: RadiusUser, station: str) -> str:
    """Do both legs; returns the kind of the last answer."""
    # Or a code that is still on its way to another station would be taken for this one.
    wait_for_files(world.store, lambda: world.sql("SELECT count(*) FROM messages") == [(0,)])
    mark = world.gateway.inbox.mark()
    challenge = world.log_in(user, **at(station))
    if challenge.code != "challenge":
        return challenge.code
    return world.answer(user, world.code_of(user, after=mark), challenge.state, **at(station)).code


def test_guesses_in_parallel_are_bounded_and_the_owner_still_gets_in(world: World, anna: RadiusUser) -> None:
    assert log_in_at(world, anna, "home") == "accept"

    with ThreadPoolExecutor(_SOCKETS) as pool:
        sent = sum(pool.map(lambda number: guess_until_rejected(world, anna, number), range(_CHALLENGES)))

    assert compared(world, anna) <= _MOST
    assert sent >= compared(world, anna)
    assert world.log_in(anna, **at("elsewhere")).prompt.startswith(
        "Too many wrong codes. You can log in again"
    )
    assert log_in_at(world, anna, "home") == "accept"


def test_challenges_that_were_saved_up_give_no_more(world: World, anna: RadiusUser) -> None:
    challenges = [world.log_in(anna, **at(f"station {number}")) for number in range(_CHALLENGES)]
    assert {challenge.code for challenge in challenges} == {"challenge"}

    with ThreadPoolExecutor(_SOCKETS) as pool:
        for turn in range(3):
            list(
                pool.map(
                    lambda number, turn=turn: world.answer(
                        anna, f"{number:03}{turn:03}", challenges[number].state, **at(f"station {number}")
                    ),
                    range(_CHALLENGES),
                )
            )

    assert compared(world, anna) == _MOST


def test_an_unlock_in_the_middle_gives_as_many_again_and_no_more(world: World, anna: RadiusUser) -> None:
    challenges = [world.log_in(anna, **at(f"station {number}")) for number in range(_CHALLENGES)]

    def guess(number: int) -> None:
        for turn in range(5):
            world.answer(anna, f"{number:03}{turn:03}", challenges[number].state, **at(f"station {number}"))

    with ThreadPoolExecutor(_SOCKETS) as pool:
        guesses = [pool.submit(guess, number) for number in range(_CHALLENGES)]
        wait([guesses[0]])
        unlocked = subprocess.run(
            [SMSOTP, "unlock", anna.name, "--config", world.server.config_file],
            capture_output=True,
            check=False,
        )
        wait(guesses)
        # However late it came: there are tries left to use what it gives.
        list(pool.map(guess, range(_CHALLENGES)))

    assert unlocked.returncode == 0, unlocked.stderr
    assert _MOST < compared(world, anna) <= 2 * _MOST
    assert world.log_in(anna, **at("elsewhere")).prompt.startswith("Too many wrong codes.")


def test_a_restart_forgets_nothing_and_unlock_ends_the_wait(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        for _ in range(5):
            world.answer(anna, other_than(code), challenge.state)
        before = world.log_in(anna)
        world.server.stop()
        world.start()
        after = world.log_in(anna)
        unlocked = subprocess.run(
            [SMSOTP, "unlock", anna.name.upper(), "--config", world.server.config_file],
            capture_output=True,
            text=True,
            check=False,
        )
        at_last = world.log_in(anna)

        assert [before.code, after.code, at_last.code] == ["reject", "reject", "challenge"]
        assert after.prompt.startswith("Too many wrong codes. You can log in again in ")
        assert unlocked.returncode == 0, unlocked.stderr
        assert "5 wrong codes are forgotten" in unlocked.stdout


def test_each_wait_is_one_line_in_the_log(world: World, anna: RadiusUser) -> None:
    mark = world.server.log_mark()
    challenge = world.log_in(anna)
    code = world.code_of(anna)
    for _ in range(5):
        world.answer(anna, other_than(code), challenge.state)
    for _ in range(10):
        assert world.log_in(anna).code == "reject"

    log = world.logged(mark)

    assert log.count("5 wrong codes in a row, the last from client") == 1
    assert log.count("wrong codes in a row") - log.count("Rejected by smsotp") == 1
