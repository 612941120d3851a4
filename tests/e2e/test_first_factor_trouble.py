"""A directory that is down or comes late: what an answer to a challenge needs of it, and the order that spares it."""

from pathlib import Path

import pytest

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser

from .sites import AUTHORIZE, FIRST_FACTOR, site_world
from .system import World

BOB = RadiusUser("bob", "hello", "+491701234567", "Auth-Type := FIRST")

#: Up while its file is there; says then what the users file says.
DIRECTORY = """
exec directory_is_up {
	wait = yes
	program = "/usr/bin/test -e FILE"
	shell_escape = yes
	timeout = 5
}
"""
#: A lookup as a directory does it, which fails while the directory is down.
LOOKUP = "directory_is_up {\nRULES}\n"


def directory_world(path: Path, rules: str) -> World:
    def add_directory(server: FreeRadiusServer) -> None:
        file = server.directory / "up"
        file.touch()
        (server.raddb / "mods-enabled/directory").write_text(DIRECTORY.replace("FILE", str(file)))

    lookup = LOOKUP.replace("RULES", rules)
    return site_world(
        path,
        users=[BOB],
        authorize=AUTHORIZE.replace("files", f"{lookup}files"),
        before=add_directory,
    )


@pytest.mark.parametrize(
    ("rules", "answer"),
    [("", "reject"), ("reject = 1\nfail = 1\ninvalid = 1\n", "accept")],
    ids=["as usual", "spared"],
)
def test_a_right_code_while_the_directory_is_down(tmp_path: Path, rules: str, answer: str) -> None:
    with directory_world(tmp_path, rules) as world:
        challenge = world.log_in(BOB)
        code = world.code_of(BOB)
        (world.server.directory / "up").unlink()

        assert world.answer(BOB, code, challenge.state).code == answer
        if answer == "reject":
            world.server.wait_for_log("it was rejected before smsotp_authorize judged it")


def test_a_number_that_comes_with_the_password_only_is_good_for_one_sms(tmp_path: Path) -> None:
    user = RadiusUser("bob", "hello", None, BOB.extra)
    number = f'update control {{\n&SMSOTP-Phone := "{BOB.phone}"\n}}\n'
    authenticate = FIRST_FACTOR.replace("first_factor_record", number)
    with site_world(
        tmp_path, users=[user], authenticate=authenticate, sections="[challenge]\nresend_after = 0"
    ) as world:
        challenge = world.log_in(user)
        code = world.code_of(BOB)

        assert world.answer(user, "resend", challenge.state).code == "reject"
        world.server.wait_for_log('user "bob" gets no further SMS')
        assert world.answer(user, code, challenge.state).code == "accept"
