"""Who has stolen passwords makes a real server send few SMS: to one number, to many, and to blocks of numbers."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from smsotp_mocks.servers.raddb import RadiusUser

from .raddbs import SMSOTP
from .system import World

_SOCKETS = 16
_LIMIT_TEXT = "Too many codes were asked for. Try again later."
_BLOCKS = ("+49170555", "+43664555", "+3876155", "+9471555")
#: None comes twice: the same log-in from the same station would get the same challenge.
_stations = count()


def victims() -> list[RadiusUser]:
    """Return people of some blocks of numbers, as many of each."""
    return [
        RadiusUser(f"victim{index}", f"secret-word-{index}", f"{_BLOCKS[index % 4]}{1000 + index}")
        for index in range(240)
    ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("bombs")) as running:
        yield running


@pytest.fixture(scope="module")
def braked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    # Codes so long that none stands in the beginning of a number by chance, of which the log tells.
    sections = '[limits]\npumping = "enforce"\n[otp]\nlength = 10\n'
    with World(tmp_path_factory.mktemp("pumped"), sections=sections, users=victims()) as running:
        yield running


def bomb(world: World, users: list[RadiusUser], legs: int) -> Counter[str]:
    """Begin so many log-ins at once, each from a station of its own; returns how they were answered."""
    with ThreadPoolExecutor(_SOCKETS) as pool:
        answers = pool.map(
            lambda leg: world.log_in(
                users[leg % len(users)], Calling_Station_Id=f"station {next(_stations)}"
            ),
            range(legs),
        )
        return Counter(answer.code if answer.code == "challenge" else answer.prompt for answer in answers)


def test_one_number_gets_ten_sms_and_the_log_one_line(world: World) -> None:
    mark, user = world.server.log_mark(), world.someone()
    answers = bomb(world, [user], 120)
    # It is sent before those of whoever has many that wait.
    other = world.log_in_wholly(world.someone())
    last = 0
    for _ in range(10):
        last = world.gateway.inbox.wait(number=user.phone, after=last).id
    log = world.logged(mark)
    # What was promised is sent before a server ends.
    world.server.stop()
    world.start()

    assert answers == {"challenge": 10, _LIMIT_TEXT: 110}
    assert other.code == "accept"
    assert len(world.codes_of(user)) == 10
    assert log.count("over budget: per_user = 10/h (limits)") == 1
    assert log.count("further refusals are counted, not logged") == 1


def test_a_number_that_the_gateway_refuses_is_tried_twenty_times(world: World) -> None:
    user = world.someone()
    world.gateway.faults.add(f"refuse for {user.phone}")

    answers = sum((bomb(world, [user], 40) for _ in range(3)), Counter[str]())

    world.log_in_wholly(world.someone())
    ((challenges,),) = world.sql("SELECT count(*) FROM challenges WHERE user = ?", user.name)
    assert answers["challenge"] == challenges <= 20
    assert answers[_LIMIT_TEXT] == 120 - challenges


def test_what_was_spent_survives_a_restart_and_is_lifted_beside_the_server(world: World) -> None:
    user = world.someone()
    bomb(world, [user], 20)
    world.server.stop()
    world.start()
    after = world.log_in(user, Calling_Station_Id="after")
    shown, *lifted = (
        subprocess.run(
            [SMSOTP, "limits", *words, "--config", world.server.config_file],
            capture_output=True,
            text=True,
            check=False,
        )
        for words in ([user.name.upper()], ["--lift", user.name.upper()], ["--lift", user.phone])
    )
    # A running server knows within a second or two.
    again = (world.log_in(user, Calling_Station_Id=f"again {turn}") for turn in range(3000))

    assert after.prompt == _LIMIT_TEXT
    assert "10 of 10 SMS (per_user = 10/h)" in shown.stdout
    assert [each.returncode for each in lifted] == [0, 0], lifted
    assert any(answer.code == "challenge" for answer in again)


def test_many_numbers_get_no_more_than_twenty_sms_for_each_block(braked: World) -> None:
    mark = braked.server.log_mark()
    answers = bomb(braked, braked.users, 4 * len(braked.users))
    asked = answers["challenge"]
    # What was promised is sent before a server ends.
    braked.server.stop()
    sent = Counter(message.number[:-4] for message in braked.gateway.inbox.messages())

    assert asked == sent.total() <= 80
    assert max(sent.values()) <= 20
    assert set(answers) == {"challenge", _LIMIT_TEXT}
    assert braked.logged(mark).count("is refused: numbers that begin with") <= len(_BLOCKS)
    braked.start()


def test_bombs_leave_a_server_that_stops_cleanly(tmp_path: Path) -> None:
    with World(tmp_path, sections='[limits]\ntotal = ["5/d"]') as world:
        answers = bomb(world, world.users[:40], 40)

    assert answers == {"challenge": 5, _LIMIT_TEXT: 35}
