"""PAM as the first factor, wired as docs/install.md tells for any other module."""

from pathlib import Path

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser

from .documented import body, documented
from .mounts import needs_root, pam_services, wrap_server
from .sites import AUTHORIZE, site_world

BOB = RadiusUser("bob", "secret-word-of-bob", "+491701234567", "Auth-Type := PAM")
POOR = RadiusUser("poor", BOB.password, None, BOB.extra)

#: Takes one password from everybody; pam_exec hands it over with a NUL at its end.
STACK = """
auth required pam_exec.so expose_authtok quiet {program}
account required pam_permit.so
"""
PROGRAM = f"""#!/bin/sh
[ "$(tr -d '\\0')" = {BOB.password} ]
"""


@needs_root
def test_the_password_is_checked_by_pam_and_the_number_comes_from_the_users_file(tmp_path: Path) -> None:
    program = tmp_path / "check"
    program.write_text(PROGRAM)
    program.chmod(0o755)

    def enable(server: FreeRadiusServer) -> None:
        (server.raddb / "mods-enabled/pam").write_text("pam {\n\tpam_auth = radiusd\n}\n")
        wrap_server(server, pam_services(tmp_path / "pam.d", {"radiusd": STACK.format(program=program)}))

    with site_world(
        tmp_path / "world",
        users=[BOB, POOR],
        authorize=AUTHORIZE,
        authenticate=body(documented("Auth-Type LDAP")).replace("LDAP", "PAM").replace("\tldap\n", "\tpam\n"),
        before=enable,
    ) as world:
        assert world.log_in_wholly(BOB).code == "accept"
        assert world.server.log_in("bob", "wrong").code == "reject"
        assert world.log_in(POOR).prompt == "No code can be sent to you. Ask your administrator."
