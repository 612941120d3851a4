"""Why somebody was rejected, where FreeRADIUS's own log and its other modules find it: in Module-Failure-Message."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser

from .documented import documented
from .sites import AUTHORIZE, FIRST_FACTOR, site_world
from .system import World

PASSWORD = "secret-word-of-all"
FIRST = "Auth-Type := FIRST"
BOB = RadiusUser("bob", PASSWORD, "+491701234567", FIRST)
LATE = RadiusUser("late", PASSWORD, "+491701234568", FIRST)
POOR = RadiusUser("poor", PASSWORD, None, FIRST)

#: What a query of `sql` in post-auth would put into its table.
KEEP = """
		update reply {
			&Filter-Id := "%{Module-Failure-Message}"
		}
		smsotp_sign_reply
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    def configure(server: FreeRadiusServer) -> None:
        site = server.raddb / "sites-enabled/own"
        site.write_text(site.read_text().replace("\n\t\t\tsmsotp_sign_reply\n", KEEP))
        main = server.raddb / "radiusd.conf"
        main.write_text(main.read_text().replace("\tauth = no\n", "\tauth = yes\n"))

    with site_world(
        tmp_path_factory.mktemp("reasons"),
        users=[BOB, LATE, POOR],
        authorize=AUTHORIZE,
        authenticate=FIRST_FACTOR,
        sections="[otp]\nmax_attempts = 2\n",
        before=configure,
    ) as running:
        yield running


def test_a_user_without_a_number(world: World) -> None:
    rejected = world.log_in(POOR)

    reason = "Rejected by smsotp: no SMS can be sent: the user has no telephone number"
    assert rejected.attributes["Filter-Id"][0].startswith(reason)
    world.server.wait_for_log(f"Login incorrect ({reason}")


def test_wrong_codes_and_a_code_that_was_used_already(world: World) -> None:
    challenge = world.log_in(BOB)
    code = world.code_of(BOB)
    wrong = "x" * len(code)
    world.answer(BOB, wrong, challenge.state)
    too_many = world.answer(BOB, wrong, challenge.state)
    again = world.log_in(LATE)
    assert world.answer(LATE, world.code_of(LATE), again.state).code == "accept"
    used = world.answer(LATE, world.code_of(LATE), again.state)

    assert [answer.attributes["Filter-Id"] for answer in (too_many, used)] == [
        ("Rejected by smsotp: wrong code, no try is left",),
        ("Rejected by smsotp: the code was used before",),
    ]


def find_shown(output: str) -> list[str]:
    """Return what radclient prints of an answer, with what differs each time in the place of what it was."""
    answer = output[output.index("Received ") :]
    for pattern, text in (
        (r"Id \d+ from \S+ to \S+ length \d+", "Id 1 from 127.0.0.1:11812 to 127.0.0.1:54321 length 123"),
        (r"0x[0-9a-f]+(\.\.\.)?", "0x6162..."),
        (r"(?m)^\(0\) .*\n?", ""),
    ):
        answer = re.sub(pattern, text, answer)
    return [line.strip() for line in answer.splitlines() if line.strip()]


def test_radclient_prints_what_the_page_shows(tmp_path: Path) -> None:
    users = [RadiusUser("bob", "hello", "+491701234567"), RadiusUser("poor", "hello")]
    with World(tmp_path, users=users) as world:
        host, port = world.server.address
        typed, _, command = documented("User-Password=hello' |", "sh").partition("|")
        program = shlex.split(command.replace("127.0.0.1:11812", f"{host}:{port}"))
        for name, part in (("bob", "Received Access-Challenge"), ("poor", "Received Access-Reject")):
            request = shlex.split(typed)[1].replace("bob", name)
            done = subprocess.run(
                program, input=request, capture_output=True, text=True, check=False, timeout=100
            )

            assert find_shown(done.stdout) == find_shown(documented(part, "text"))
