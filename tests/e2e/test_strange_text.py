"""Text that is not UTF-8, from a directory, a database or a client: in any list, it changes no answer."""

from pathlib import Path

import pytest

from smsotp_mocks.servers.raddb import RadiusUser

from .sites import FIRST_FACTOR, site_world
from .system import World

BOB = RadiusUser("bob", "hello", "+491701234567", "Auth-Type := FIRST")

#: Bytes that are no text, in every list and in every kind of attribute that has text.
STRANGE = """
update request {
	&Tmp-String-0 := "\\344\\366\\374"
	&Called-Station-Id := "AA-BB:B\\374ro"
	&NAS-Identifier := "B\\374ro"
	&Calling-Station-Id := "\\377\\376"
}
update reply {
	&Filter-Id := "\\344"
	&Filter-Id += "\\377\\376"
	&Cisco-AVPair := "shell:name=B\\374ro"
	&Tunnel-Private-Group-Id:1 := "B\\374ro"
	&Reply-Message := "\\355\\240\\200"
	&Class := 0xff00ff
}
update control {
	&Tmp-String-1 := "\\344"
	&LDAP-UserDN := "cn=M\\374ller"
	&SMSOTP-Language := "\\344"
	&SMSOTP-Phone += "\\344"
}
update session-state {
	&Tmp-String-2 := "\\344"
	&Filter-Id := "\\344"
}
"""
NOTIFYING = """
smsotp_post_auth
update control {
	&SMSOTP-Notify := "login"
}
smsotp
"""
NOTIFICATIONS = """
[notifications.login]
text = "logged in from {station}"
"""


def log_in(world: World, user: RadiusUser) -> list[str]:
    """Return the answers to a first leg, a wrong code and the right one."""
    challenge = world.log_in(user)
    wrong = world.answer(user, "wrong", challenge.state)
    return [challenge.code, wrong.code, world.answer(user, world.code_of(user), challenge.state).code]


@pytest.mark.parametrize("place", ["authorize", "authenticate", "post-auth"])
def test_strange_text_in_any_list_changes_no_answer(tmp_path: Path, place: str) -> None:
    strange = {name: STRANGE if name == place else "" for name in ("authorize", "authenticate", "post-auth")}
    with site_world(
        tmp_path,
        users=[BOB],
        authorize=f"smsotp_guard\nfiles\npap\n{strange['authorize']}smsotp_authorize",
        authenticate=FIRST_FACTOR.replace("first_factor_record", strange["authenticate"]),
        post_auth=NOTIFYING.replace("update", strange["post-auth"] + "update", 1),
        sections=NOTIFICATIONS,
    ) as world:
        assert log_in(world, BOB) == ["challenge", "challenge", "accept"]
        world.gateway.inbox.wait(number=BOB.phone, after=1)
        assert "is refused" not in world.server.log_text()


def test_a_number_that_is_no_text_is_refused_and_explained(tmp_path: Path) -> None:
    strange = 'update control {\n&SMSOTP-Phone := "+49170\\3441234567"\n}\nsmsotp_authorize'
    with site_world(tmp_path, users=[BOB], authorize=f"smsotp_guard\nfiles\npap\n{strange}") as world:
        rejected = world.log_in(BOB)

        assert rejected.prompt == "No code can be sent to you. Ask your administrator."
        world.server.wait_for_log('user "bob": no SMS can be sent')
