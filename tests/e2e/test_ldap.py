"""A real directory as the first factor, with the number from it, wired as docs/install.md tells."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_plugin.codes.account import fold_account

from .directory import Directory
from .documented import body, documented
from .sites import AUTHORIZE, site_world
from .system import World
from .test_log_in import other_than

PASSWORD = "secret-word-of-all"
#: Too long for a number: an SMS cannot be sent to it.
UNUSABLE = "+49 170 1234567 1234567"
SEVERAL = RadiusUser("several", PASSWORD, "+491701234567")
ONE = RadiusUser("one", PASSWORD, "+491701234568")
NONE = RadiusUser("none", PASSWORD)
MOBILES = {
    "several": [UNUSABLE, "+49 170 1234567", "+49 170 7654321"],
    "one": ["+49 170 1234568"],
    "none": [],
}

AS_DOCUMENTED = body(documented("control:SMSOTP-Phone += 'mobile'"))
#: The lines that Debian's site `default` has below `-ldap`, commented out.
BY_BIND = """
		if ((ok || updated) && User-Password && !control:Auth-Type) {
			update control {
				&Auth-Type := ldap
			}
		}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    folder = tmp_path / "directory"
    folder.mkdir()
    with Directory(folder, PASSWORD, MOBILES) as running:
        yield running


def ldap_world(
    path: Path, directory: Directory, update: str = AS_DOCUMENTED, lookup: str = "\t\tldap\n"
) -> World:
    def enable(server: FreeRadiusServer) -> None:
        directory.enable(server, update)

    return site_world(
        path / "world",
        users=[SEVERAL, ONE, NONE],
        authorize=AUTHORIZE.replace("\t\tfiles\n", f"{lookup}{BY_BIND}"),
        authenticate=body(documented("Auth-Type LDAP")),
        before=enable,
    )


def test_the_password_is_the_directorys_and_all_its_mobile_numbers_are_looked_at(
    tmp_path: Path, directory: Directory
) -> None:
    with ldap_world(tmp_path, directory) as world:
        assert world.log_in_wholly(SEVERAL).code == "accept"
        assert world.log_in_wholly(ONE).code == "accept"
        wrong = world.server.log_in("one", "wrong")
        refused = world.log_in(NONE)

        assert [message.number for message in world.gateway.inbox.messages()] == [SEVERAL.phone, ONE.phone]
        assert (wrong.code, wrong.prompt) == ("reject", "")
        assert (refused.code, refused.prompt) == (
            "reject",
            "No code can be sent to you. Ask your administrator.",
        )


def test_an_assignment_takes_the_first_mobile_number_only(tmp_path: Path, directory: Directory) -> None:
    with ldap_world(tmp_path, directory, AS_DOCUMENTED.replace("+=", ":=")) as world:
        assert world.log_in(SEVERAL).code == "reject"
        assert world.log_in_wholly(ONE).code == "accept"


@pytest.mark.parametrize(
    ("lookup", "answer"),
    [("\t\tldap\n", "reject"), (documented("ldap {\n\tfail = 1\n}"), "accept")],
    ids=["as usual", "as documented"],
)
def test_a_directory_that_is_down_lets_nobody_begin_and_the_documented_line_lets_an_answer_through(
    tmp_path: Path, directory: Directory, lookup: str, answer: str
) -> None:
    with ldap_world(tmp_path, directory, lookup=lookup) as world:
        challenge = world.log_in(ONE)
        code = world.code_of(ONE)
        directory.stop()

        assert world.answer(ONE, code, challenge.state).code == answer
        assert world.log_in(SEVERAL).code == "reject"
        assert world.log_in(ONE, Calling_Station_Id="192.0.2.9").code == "reject"
        assert world.codes_of(ONE) == [code]
        assert world.codes_of(SEVERAL) == []


def test_the_spellings_that_a_directory_takes_for_one_name_are_one_account(
    tmp_path: Path, directory: Directory
) -> None:
    spellings = [
        "ONE",
        "one ",
        "One",
        "one\u00a0",
        "one\u3000",
        "\uff4f\uff4e\uff45",
        "\u24de\u24dd\u24d4",
        " one",
        "o ne",
        "one*",
    ]
    with ldap_world(tmp_path, directory) as world:
        taken = {
            name: world.server.log_in(name, PASSWORD, Calling_Station_Id=f"station {number}")
            for number, name in enumerate(spellings)
        }
        begun = {name: answer for name, answer in taken.items() if answer.code == "challenge"}
        code = world.gateway.inbox.wait(number=ONE.phone).code
        for name, challenge in itertools.islice(itertools.cycle(begun.items()), 5):
            world.server.answer(name, other_than(code), challenge.state)
        refused = {name: world.server.log_in(name, PASSWORD) for name in ["one", *begun]}
        names = {fold_account(name) for name in ["one", *begun]}

    assert len(begun) >= 6
    assert {answer.prompt for answer in refused.values()} <= {
        f"Too many wrong codes. You can log in again in {seconds} s." for seconds in range(1, 31)
    }
    assert names == {"one"}
