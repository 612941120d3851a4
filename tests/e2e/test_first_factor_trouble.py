"""A directory that is down or comes late: what an answer to a challenge needs of it, and the order that spares it."""

from pathlib import Path

import pytest

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser
from tests.support.markdown import blocks

from .sites import AUTHORIZE, FIRST_FACTOR, site_world
from .system import World

BOB = RadiusUser("bob", "hello", "+491701234567", "Auth-Type := FIRST")

#: Up while its file is there; says then what the users file says, and fails otherwise.
DIRECTORY = """
exec directory {
	wait = yes
	program = "/bin/sh -c 'test -e FILE || exit 2'"
	timeout = 5
}
"""


def rules_of_the_page() -> str:
    """Return what the page says about a directory that is down, for the one that the tests have."""
    [block] = [block.text for block in blocks("unlang") if block.text.startswith("ldap {\n\tfail = 1")]
    return block.replace("ldap", "directory", 1)


def directory_world(path: Path, lookup: str) -> World:
    def add_directory(server: FreeRadiusServer) -> None:
        file = server.directory / "up"
        file.touch()
        (server.raddb / "mods-enabled/directory").write_text(DIRECTORY.replace("FILE", str(file)))

    return site_world(
        path,
        users=[BOB],
        authorize=AUTHORIZE.replace("files", f"{lookup}files"),
        authenticate=FIRST_FACTOR.replace("first_factor_record", "directory {\nfail = return\n}"),
        before=add_directory,
    )


@pytest.mark.parametrize("spared", [False, True])
def test_a_right_code_while_the_directory_is_down(tmp_path: Path, spared: bool) -> None:  # noqa: FBT001  (a row of a table)
    with directory_world(tmp_path, rules_of_the_page() if spared else "directory\n") as world:
        challenge = world.log_in(BOB)
        code = world.code_of(BOB)
        (world.server.directory / "up").unlink()

        assert world.log_in(BOB).code == "reject"
        assert world.answer(BOB, code, challenge.state).code == ("accept" if spared else "reject")
        if not spared:
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
        world.server.wait_for_log("gets no further SMS: the user has no telephone number")
        assert world.answer(user, code, challenge.state).code == "accept"
