"""No code can be asked for inside EAP: rejected with a reason before an SMS is sent, wherever the policies stand."""

import shutil
import subprocess
from pathlib import Path

import pytest
import trustme

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser

from .sites import site_world
from .system import World

BOB = RadiusUser("bob", "hello", "+491701234567")
SENTENCE = 'user "bob" is refused by smsotp_guard: a code cannot be asked for inside EAP'

#: What a Wi-Fi client says; the inner methods ask for the password, the first one without a tunnel around it.
NETWORKS = {
    "GTC": 'eap=GTC\nidentity="bob"',
    "TTLS-PAP": 'eap=TTLS\nidentity="bob"\nphase2="auth=PAP"',
    "TTLS-GTC": 'eap=TTLS\nidentity="bob"\nphase2="autheap=GTC"',
    "PEAP-GTC": 'eap=PEAP\nidentity="bob"\nphase2="auth=GTC"',
}

EAP = """
eap {{
	default_eap_type = gtc
	gtc {{
		auth_type = PAP
	}}
	tls-config common {{
		private_key_file = {directory}/server.pem
		certificate_file = {directory}/server.pem
		ca_file = {directory}/authority.pem
		tls_min_version = "1.2"
		tls_max_version = "1.2"
	}}
	ttls {{
		tls = common
		default_eap_type = gtc
		virtual_server = "inner"
	}}
	peap {{
		tls = common
		default_eap_type = gtc
		virtual_server = "inner"
	}}
}}
"""

INNER = """
server inner {{
	authorize {{
		{first}
		eap {{
			ok = return
		}}
		files
		pap
		{last}
	}}
	authenticate {{
		Auth-Type PAP {{
			pap
			{challenge}
		}}
		Auth-Type EAP {{
			eap
		}}
	}}
	post-auth {{
		{post_auth}
	}}
}}
"""

ASKS = {
    "first": "smsotp_guard",
    "last": "smsotp_authorize",
    "challenge": "if (ok) {\nsmsotp_challenge\n}\nelse {\nreject\n}",
    "post_auth": "smsotp_post_auth",
}
ASKS_NOT = dict.fromkeys(ASKS, "")
#: As somebody who knows only that the code has to be asked for after the password.
ONLY_CHALLENGE = {**ASKS_NOT, "challenge": ASKS["challenge"]}


def eap_world(directory: Path, outer: dict[str, str], inner: dict[str, str]) -> World:
    def add_eap(server: FreeRadiusServer) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(server.directory / "authority.pem"))
        chain = authority.issue_cert("radius.example").private_key_and_cert_chain_pem
        chain.write_to_path(str(server.directory / "server.pem"))
        (server.raddb / "mods-enabled/eap").write_text(EAP.format(directory=server.directory))
        (server.raddb / "sites-enabled/inner").write_text(INNER.format(**inner))

    return site_world(
        directory,
        users=[BOB],
        authorize=f"{outer['first']}\neap {{\nok = return\n}}\nfiles\npap\n{outer['last']}",
        authenticate=f"Auth-Type PAP {{\npap\n{outer['challenge']}\n}}\nAuth-Type EAP {{\neap\n}}",
        post_auth=outer["post_auth"],
        before=add_eap,
    )


def connect(world: World, network: str, directory: Path) -> str:
    """Log in as a Wi-Fi client does; returns all that it says."""
    program = shutil.which("eapol_test")
    assert program, "install the Debian package eapoltest"
    config = directory / "network.conf"
    config.write_text(
        f'network={{\nssid="x"\nkey_mgmt=WPA-EAP\n{NETWORKS[network]}\npassword="{BOB.password}"\n}}\n'
    )
    host, port = world.server.address
    done = subprocess.run(
        [
            program,
            "-c",
            config,
            "-a",
            host,
            "-p",
            str(port),
            "-s",
            world.server.secret,
            "-t",
            "10",
            "-r",
            "0",
        ],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )
    return done.stdout


#: Where the policies stand: outside, in the tunnel.
PLACES = {
    "outside": (ASKS, ASKS_NOT),
    "in the tunnel": (ASKS_NOT, ASKS),
    "only the challenge, in the tunnel": (ASKS_NOT, ONLY_CHALLENGE),
    "only the challenge, everywhere": (ONLY_CHALLENGE, ONLY_CHALLENGE),
}


@pytest.mark.parametrize("place", PLACES)
def test_eap_is_rejected_with_a_reason_and_nothing_is_sent(tmp_path: Path, place: str) -> None:
    outer, inner = PLACES[place]
    # Without a tunnel and without a policy the password is all that such a server asks for.
    networks = [name for name in NETWORKS if name != "GTC" or outer is not ASKS_NOT]
    with eap_world(tmp_path / "world", outer, inner) as world:
        for network in networks:
            mark = world.server.log_mark()

            said = connect(world, network, tmp_path)

            assert "SUCCESS" not in said
            assert "code=2 (Access-Accept)" not in said
            world.server.wait_for_log(SENTENCE, after=mark)
        assert world.codes_of(BOB) == []


def test_eap_works_where_no_policy_stands(tmp_path: Path) -> None:
    with eap_world(tmp_path / "world", ASKS_NOT, ASKS_NOT) as world:
        assert {network for network in NETWORKS if "SUCCESS" in connect(world, network, tmp_path)} == set(
            NETWORKS
        )
