"""A server whose virtual server is wired wrongly says so in its log, and what it says is what happens."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .system import World

Edit = Callable[[str], str]

CHALLENGE = "\t\t\tif (ok) {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n\t\t\telse {\n\t\t\t\treject\n\t\t\t}\n"
LOCK = "\t\tsmsotp_post_auth\n"


def without(*parts: str) -> Edit:
    return instead(dict.fromkeys(parts, ""))


def instead(parts: dict[str, str]) -> Edit:
    def change(text: str) -> str:
        for old, new in parts.items():
            assert old in text
            text = text.replace(old, new)
        return text

    return change


#: What is changed in the shipped virtual server, and what the log says; each lets people in with the password alone.
OPEN: dict[str, tuple[Edit, str]] = {
    "challenge and post-auth forgotten": (
        without(CHALLENGE, LOCK),
        "smsotp_post_auth is not called in post-auth: the password alone lets people in",
    ),
    "all forgotten": (
        without(CHALLENGE, LOCK, "\t\tsmsotp_guard\n", "\t\tsmsotp_authorize\n", "\t\t\tsmsotp_sign_reply\n"),
        "no virtual server that clients reach calls smsotp_post_auth (smsotp): the password alone lets people in",
    ),
    "a minus in front": (
        lambda text: instead({LOCK: "\t\t-smsotp_post_auth\n"})(without(CHALLENGE)(text)),
        "-smsotp_post_auth has a - in front of it: FreeRADIUS skips it silently",
    ),
    "goes on after a reject": (
        lambda text: instead({LOCK: "\t\tsmsotp_post_auth {\n\t\t\treject = 1\n\t\t}\n\t\tok\n"})(
            without(CHALLENGE)(text)
        ),
        "`reject = 1` changes what follows from smsotp_post_auth",
    ),
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.server.prepare()
    return made


@pytest.mark.parametrize("what", OPEN)
def test_a_wiring_that_lets_people_in_is_an_error_in_the_log(world: World, what: str) -> None:
    change, sentence = OPEN[what]
    site = world.server.raddb / "sites-available/smsotp"
    site.write_text(change(site.read_text()))

    with world:
        answer = world.log_in(world.someone())
        errors = [
            line
            for line in world.server.log_text().splitlines()
            if ": ERROR: " in line or ": Error: " in line
        ]

    assert answer.code == "accept"
    assert any(sentence in line for line in errors), errors


ENDS_ITS_LIST = "pap {\n\t\t\t\tok = return\n\t\t\t}\n"
PAP = "\t\t\tpap\n"
UPDATE = "update reply {\n&Class := 1\n}\n"

#: What is made of the first factor in the shipped virtual server, and whether anybody is still asked for a code.
ENDINGS: dict[str, tuple[str, bool]] = {
    "it ends the Auth-Type": (ENDS_ITS_LIST, False),
    "it ends a block": ("group {\n" + ENDS_ITS_LIST + "}\n", True),
    "a block ends the Auth-Type": ("group {\npap\nok = return\n}\n", False),
    "a block ends the Auth-Type after everything": ("group {\npap\ndefault = Return\n}\n", False),
    "a module leaves nothing to a default": ("pap {\ndefault = return\n}\n", True),
    "a return in a block ends the Auth-Type": ("group {\npap\nif (ok) {\nreturn\n}\n}\n", False),
    "attributes are set after it": (PAP + UPDATE, False),
    "attributes are set in a block with it": ("group {\n" + PAP + UPDATE + "}\n", True),
    "a return for wrong passwords": (PAP + "if (reject) {\nreturn\n}\n", True),
}


@pytest.mark.parametrize("what", ENDINGS)
def test_a_challenge_that_is_not_reached_is_told_and_one_that_is_reached_is_not(
    world: World, what: str
) -> None:
    first_factor, asks = ENDINGS[what]
    site = world.server.raddb / "sites-available/smsotp"
    site.write_text(instead({PAP: first_factor})(site.read_text()))

    with world:
        answer = world.log_in(world.someone())
        told = "smsotp_challenge in Auth-Type PAP is not reached after" in world.server.log_text()

    assert (answer.code, told) == (("challenge", False) if asks else ("reject", True))
