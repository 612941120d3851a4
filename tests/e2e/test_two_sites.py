"""Two virtual servers with different first factors, one plugin: what is right for one is not enough for the other."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from smsotp_mocks.net.ports import find_free_udp_port
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.radius_client import Answer, RadiusClient

from .system import World

#: The inner site wants another password than the outer one, which the users file knows.
INNER = """
server inner {{
listen {{
	type = auth
	ipaddr = 127.0.0.1
	port = {port}
}}
authorize {{
	smsotp_guard
	files
	update control {{
		&Cleartext-Password := "better"
	}}
	pap
	smsotp_authorize
}}
authenticate {{
	Auth-Type PAP {{
		pap
		if (ok) {{
			smsotp_challenge
		}}
		else {{
			reject
		}}
	}}
}}
post-auth {{
	smsotp_post_auth
}}
}}
"""


@dataclass(frozen=True)
class Sites:
    world: World
    inner: RadiusClient


def enable(server: FreeRadiusServer, port: int) -> None:
    server.prepare()
    (server.raddb / "sites-enabled/inner").write_text(INNER.format(port=port))


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    port = find_free_udp_port()
    world = World(tmp_path_factory.mktemp("sites"))
    enable(world.server, port)
    with world:
        yield Sites(world, RadiusClient(("127.0.0.1", port)))


def log_in_at_inner(sites: Sites, name: str, state: bytes | None = None) -> Answer:
    return sites.inner.exchange(sites.inner.request(name, "better", state))


def test_a_code_of_one_site_does_not_open_the_other(sites: Sites) -> None:
    anna = sites.world.someone()
    challenge = sites.world.log_in(anna)
    code = sites.world.code_of(anna)

    stolen = sites.inner.answer(anna.name, code, challenge.state)

    assert (stolen.code, stolen.state) == ("reject", b"")
    assert sites.world.answer(anna, code, challenge.state).code == "accept"


def test_each_site_asks_for_a_code_of_its_own(sites: Sites) -> None:
    anna = sites.world.someone()
    outer = sites.world.log_in(anna)
    outer_code = sites.world.code_of(anna)
    mark = sites.world.gateway.inbox.mark()

    inner = log_in_at_inner(sites, anna.name)
    inner_code = sites.world.code_of(anna, after=mark)

    assert inner.state != outer.state
    assert sites.inner.answer(anna.name, inner_code, inner.state).code == "accept"
    assert sites.world.answer(anna, outer_code, outer.state).code == "accept"


def test_a_state_of_the_other_site_with_the_right_password_begins_a_log_in(sites: Sites) -> None:
    anna = sites.world.someone()
    outer = sites.world.log_in(anna)
    sites.world.code_of(anna)

    inner = log_in_at_inner(sites, anna.name, outer.state)

    assert inner.code == "challenge"
    assert inner.state != outer.state


def test_the_code_of_one_site_is_not_sent_again_through_the_other(sites: Sites) -> None:
    anna = sites.world.someone()
    outer = sites.world.log_in(anna)
    sites.world.code_of(anna)

    assert sites.inner.answer(anna.name, "resend", outer.state).code == "reject"
