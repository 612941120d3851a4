"""Virtual servers that a test writes itself, around the policies that an installation brings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from smsotp_mocks.servers.freeradius import FreeRadiusServer

from .raddbs import change_raddb
from .system import World

#: A first factor that keeps a record of every password that it was asked to check: a stand-in for a directory that
#: counts wrong ones. The record is in `FIRST_FACTOR_RECORD`.
RECORDER = """
linelog first_factor_record {
	filename = ${logdir}/first-factor
	format = "%{User-Name}: %{User-Password}"
}
"""

#: Checks the password with PAP, as the Auth-Type FIRST.
FIRST_FACTOR = """
	Auth-Type FIRST {
		first_factor_record
		pap
		if (ok) {
			smsotp_challenge
		}
		else {
			reject
		}
	}
"""

SITE = """
server {name} {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {port}
	}}
	authorize {{
{authorize}
	}}
	authenticate {{
{authenticate}
	}}
	post-auth {{
{post_auth}
		Post-Auth-Type REJECT {{
			smsotp_sign_reply
		}}
	}}
}}
"""

AUTHORIZE = """
		smsotp_guard
		files
		pap
		smsotp_authorize
"""


def site_world(
    directory: Path,
    *,
    authorize: str = AUTHORIZE,
    authenticate: str = FIRST_FACTOR,
    post_auth: str = "\t\tsmsotp_post_auth\n",
    before: Callable[[FreeRadiusServer], None] = lambda _: None,
    after: Callable[[FreeRadiusServer], None] = lambda _: None,
    **options: Any,
) -> World:
    """
    Return a system whose only virtual server, ``own``, has these sections.

    Args:
        directory: Made when it is missing.
        authorize: Unlang, as the other sections.
        before: Called before the plugin is installed.
        after: Called when it is, before the start.
        options: Of `World`.
    """

    def configure(server: FreeRadiusServer) -> None:
        text = SITE.format(
            name="own",
            port=server.address[1],
            authorize=authorize,
            authenticate=authenticate,
            post_auth=post_auth,
        )
        (server.raddb / "sites-enabled/own").write_text(text)
        (server.raddb / "mods-enabled/first_factor_record").write_text(RECORDER)
        before(server)
        change_raddb(server.raddb, server.config_file)
        after(server)

    return World(directory, configure=configure, **options)


def first_factor_record(world: World) -> list[str]:
    """Return what the first factor was asked: lines of the form ``name: password``."""
    file = world.server.directory / "log/first-factor"
    return file.read_text().splitlines() if file.exists() else []
