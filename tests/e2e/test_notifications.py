"""Plain messages after a log-in, asked for in ``post-auth``."""

import re
from pathlib import Path

import pytest

from .system import World

NOTIFICATIONS = """
[notifications.login]
text = "{user} logged in from {station} through {client} at {time}"
"""


def ask_for(world: World, name: str) -> None:
    """Have the example site send a notification after each Access-Accept."""
    world.server.prepare()
    site = world.server.raddb / "sites-enabled/smsotp"
    wish = f'smsotp_post_auth\n\t\tupdate control {{\n\t\t\t&SMSOTP-Notify := "{name}"\n\t\t}}\n\t\tsmsotp\n'
    site.write_text(site.read_text().replace("smsotp_post_auth\n", wish, 1))


def test_a_log_in_is_told_to_its_owner(tmp_path: Path) -> None:
    world = World(tmp_path, sections=NOTIFICATIONS)
    ask_for(world, "login")
    with world:
        anna = world.someone()
        station = {"Calling_Station_Id": "192.0.2.7"}
        challenge = world.log_in(anna, **station)
        mark = world.gateway.inbox.wait(number=anna.phone).id
        accepted = world.answer(anna, world.code_of(anna), challenge.state, **station)
        told = world.gateway.inbox.wait(number=anna.phone, after=mark).text

        assert accepted.code == "accept"
        assert re.fullmatch(
            rf"{anna.name} logged in from 192\.0\.2\.7 through 127\.0\.0\.1 at 20\d\d-\d\d-\d\d \d\d:\d\d UTC",
            told,
        )


def test_a_wrong_code_notifies_nobody(tmp_path: Path) -> None:
    world = World(tmp_path, sections=NOTIFICATIONS)
    ask_for(world, "login")
    with world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        world.answer(anna, "wrong", challenge.state)
        world.log_in_wholly(world.someone())

        assert world.codes_of(anna) == [code]


@pytest.mark.parametrize("name", ["login", "misspelled"])
def test_a_notification_that_cannot_be_sent_changes_and_delays_nothing(tmp_path: Path, name: str) -> None:
    world = World(tmp_path, sections=NOTIFICATIONS, gateway="TIMEOUT = 30")
    ask_for(world, name)
    with world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        world.gateway.faults.add("delay 60s")
        request = world.server.client(timeout=20)
        accepted = request.answer(anna.name, code, challenge.state)
        world.gateway.faults.clear()

        assert accepted.code == "accept"
        assert "Reply-Message" not in accepted.attributes
