"""
A FreeRADIUS that drops the values of what a Python module answers: nobody gets in, and the log says why.

3.2.9 and 3.2.10 do so, as they were released: `rlm_python3` reads a value inside the argument of its debug line, which
is evaluated in debug mode only. The attribute is made and stays empty. The stand-in, a module between the server and
the plugin, empties the values of what it passes on, so that the server makes the same attributes without values.
"""

from pathlib import Path

import pytest

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser

from .sites import site_world

BOB = RadiusUser("bob", "hello", "+491701234567", "Auth-Type := FIRST")
USERS = [RadiusUser(name, "hello", f"+4917012345{name}", BOB.extra) for name in ("11", "22", "33")]
SENTENCE = "this FreeRADIUS drops the values of what a Python module answers, as 3.2.9 and 3.2.10 do: install"

STAND_IN = """
from smsotp_plugin import freeradius as plugin

DROPPED = {dropped!r}


def passed_on(name):
    def call(packet):
        answer = getattr(plugin, name)(packet)
        if not isinstance(answer, tuple) or name != {function!r}:
            return answer
        code, reply, control = answer
        return code, emptied(reply), emptied(control)

    return call


def emptied(changes):
    return tuple((name, operator, "" if DROPPED in ("all", name) else value) for name, operator, value in changes)


instantiate, detach, note = plugin.instantiate, plugin.detach, plugin.note
look, authorize, authenticate, post_auth = map(passed_on, ("look", "authorize", "authenticate", "post_auth"))
"""


def put_between(server: FreeRadiusServer, function: str, dropped: str) -> None:
    (server.directory / "stand_in.py").write_text(STAND_IN.format(function=function, dropped=dropped))
    file = server.raddb / "mods-available/smsotp-plugin"
    text = file.read_text().replace("module = smsotp_plugin.freeradius", "module = stand_in")
    file.write_text(text.replace('python_path = "', f'python_path = "{server.directory}:'))


@pytest.mark.parametrize(
    ("function", "dropped"),
    [
        ("look", "all"),
        ("authenticate", "all"),
        ("authenticate", "SMSOTP-Result"),
        ("authenticate", "State"),
        ("authenticate", "Response-Packet-Type"),
    ],
)
def test_a_first_leg_is_rejected_and_the_log_says_which_servers_are_right(
    tmp_path: Path, function: str, dropped: str
) -> None:
    with site_world(
        tmp_path, users=[BOB], after=lambda server: put_between(server, function, dropped)
    ) as world:
        rejected = world.log_in(BOB)

        assert (rejected.code, rejected.state) == ("reject", b"")
        world.server.wait_for_log(SENTENCE)
        assert world.server.log_text().count(SENTENCE) == 1
        assert function != "look" or world.codes_of(BOB) == []


@pytest.mark.parametrize(
    ("function", "dropped"),
    [
        ("look", "all"),
        ("authorize", "all"),
        ("authorize", "SMSOTP-Result"),
        ("authorize", "Auth-Type"),
    ],
)
def test_an_answer_is_rejected_and_the_log_says_which_servers_are_right(
    tmp_path: Path, function: str, dropped: str
) -> None:
    right, wrong, late = USERS
    with site_world(tmp_path, users=USERS) as world:
        states = {user: world.log_in(user).state for user in USERS}
        codes = {user: world.code_of(user) for user in USERS}
        assert world.answer(late, codes[late], states[late]).code == "accept"
        world.server.stop()
        put_between(world.server, function, dropped)
        world.start()
        codes[wrong] = "wrong"

        answers = {user: world.answer(user, codes[user], states[user]).code for user in USERS}
        expected = dict.fromkeys(USERS, "reject") | ({wrong: "challenge"} if dropped == "Auth-Type" else {})

        assert answers == expected
        for user in [right] if dropped == "Auth-Type" else USERS:
            world.server.wait_for_log(f'user "{user.name}" is refused by smsotp: {SENTENCE}')
    assert world.server.log_text().count(SENTENCE) == (1 if dropped == "Auth-Type" else 3)


def test_the_stand_in_alone_changes_nothing(tmp_path: Path) -> None:
    with site_world(
        tmp_path, users=[BOB], after=lambda server: put_between(server, "nothing", "all")
    ) as world:
        assert world.log_in_wholly(BOB).code == "accept"
        assert "is refused by" not in world.server.log_text()
