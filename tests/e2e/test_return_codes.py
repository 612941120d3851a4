"""Whatever a first factor returns other than ok never reaches the challenge, however the site is written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser

from .raddbs import change_raddb

# The instances of rlm_always that FreeRADIUS ships, each named after what it returns.
RETURN_CODES = ("reject", "fail", "ok", "handled", "invalid", "userlock", "notfound", "noop", "updated")
NOT_OK = tuple(code for code in RETURN_CODES if code != "ok")

_ALL_GO_ON = "".join(f"{code} = 1\n" for code in RETURN_CODES)
_IF_OK = "if (ok) {\nsmsotp_challenge\n}\nelse {\nreject\n}\n"

#: What an administrator may write in an Auth-Type; FIRST is the first factor's name.
SHAPES = {
    "as-shipped": f"FIRST\n{_IF_OK}",
    "going-on": f"FIRST {{\n{_ALL_GO_ON}}}\n{_IF_OK}",
    "after-another": f"ok\nFIRST\n{_IF_OK}",
    "after-another-going-on": f"ok {{\nok = 9\n}}\nFIRST {{\n{_ALL_GO_ON}}}\n{_IF_OK}",
    "group": f"group {{\nFIRST\n}}\n{_IF_OK}",
    "redundant": f"redundant {{\nFIRST\nFIRST\n}}\n{_IF_OK}",
    "short": "FIRST\nsmsotp_challenge",
    "short-going-on": f"FIRST {{\n{_ALL_GO_ON}}}\nsmsotp_challenge",
    "short-redundant": "redundant {\nFIRST\nFIRST\n}\nsmsotp_challenge",
}

CONFIG = """
[store]
url = "sqlite://{directory}/store/smsotp.db"
[gateways.nobody]
provider = "script"
SCRIPT = "/bin/true"
"""

SITE = """
server codes {{
listen {{
	type = auth
	ipaddr = 127.0.0.1
	port = {port}
}}
authorize {{
	smsotp_guard
	files
	smsotp_authorize
}}
authenticate {{
{types}
}}
post-auth {{
	{post_auth}
}}
}}
"""


def auth_types() -> str:
    return "\n".join(
        f"Auth-Type {shape}-{code} {{\n{text.replace('FIRST', code)}\n}}"
        for shape, text in SHAPES.items()
        for code in RETURN_CODES
    )


def users() -> list[RadiusUser]:
    names = [f"{shape}-{code}" for shape in SHAPES for code in RETURN_CODES]
    return [RadiusUser(name, "hello", "+491701234567", f"Auth-Type := {name}") for name in names]


def server_with(directory: Path, post_auth: str) -> FreeRadiusServer:
    def configure(server: FreeRadiusServer) -> None:
        site = SITE.format(port=server.address[1], types=auth_types(), post_auth=post_auth)
        (server.raddb / "sites-enabled/codes").write_text(site)
        change_raddb(server.raddb, server.config_file)

    config = CONFIG.format(directory=directory)
    return FreeRadiusServer(directory, config_toml=config, users=users(), configure=configure)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeRadiusServer]:
    with server_with(tmp_path_factory.mktemp("guarded"), "smsotp_post_auth") as server:
        yield server


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeRadiusServer]:
    with server_with(tmp_path_factory.mktemp("unguarded"), "") as server:
        yield server


@pytest.mark.parametrize("code", NOT_OK)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_first_factor_that_is_not_ok_leads_to_no_challenge(
    guarded: FreeRadiusServer, shape: str, code: str
) -> None:
    answer = guarded.log_in(f"{shape}-{code}", "hello")

    assert answer.code == "reject"
    assert answer.state == b""


@pytest.mark.parametrize("shape", SHAPES)
def test_a_first_factor_that_is_ok_leads_to_a_challenge(guarded: FreeRadiusServer, shape: str) -> None:
    answer = guarded.log_in(f"{shape}-ok", "hello")

    assert answer.code == "challenge"
    assert len(answer.state) == 32


@pytest.mark.parametrize("code", NOT_OK)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_challenge_holds_without_the_guard_in_post_auth(
    unguarded: FreeRadiusServer, shape: str, code: str
) -> None:
    assert unguarded.log_in(f"{shape}-{code}", "hello").code == "reject"
