"""Which gateway a code really goes through: by prefix, realm, language, name, and kind."""

import subprocess
from pathlib import Path

from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.gateways.smtp.gateway import SmtpGateway
from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.servers.raddb import RadiusUser
from tests.faults.two_gateways import two_gateways

from .system import World

ROUTES = """
[[routes]]
numbers = "+49"
gateways = ["mock"]
[[routes]]
numbers = "+49171"
gateways = ["first"]
[[routes]]
realms = "shop.example"
gateways = ["first"]
[[routes]]
languages = "fr"
gateways = ["first"]
[[routes]]
name = "rest"
gateways = ["mock"]
"""
GATEWAY_OF = {
    RadiusUser("longest", "secret-word", "+491711234567"): "first",
    RadiusUser("prefix", "secret-word", "+491721234567"): "http",
    RadiusUser("anna@Shop.example", "secret-word", "+436641234567"): "first",
    RadiusUser("SHOP.EXAMPLE\\berta", "secret-word", "+436641234561"): "first",
    RadiusUser("walloon", "secret-word", "+436641234562", 'SMSOTP-Language := "fr-BE"'): "first",
    RadiusUser("french", "secret-word", "+436641234568", 'SMSOTP-Language := "FR"'): "first",
    RadiusUser("named", "secret-word", "+491721234569", 'SMSOTP-Gateway := "first"'): "first",
    RadiusUser("rest", "secret-word", "+436641234560"): "http",
}


def test_each_code_takes_its_route_and_the_command_says_the_same(tmp_path: Path) -> None:
    with two_gateways(tmp_path, sections=ROUTES, users=list(GATEWAY_OF)) as (world, _):
        answers = [world.log_in_wholly(user).code for user in GATEWAY_OF]
        taken = {user: world.gateway.inbox.wait(number=user.phone).gateway for user in GATEWAY_OF}
        command: list[str | Path] = [world.server.smsotp, "route", "+491711234567"]
        command += ["--config", world.server.config_file]
        explained = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100).stdout

        assert answers == ["accept"] * len(GATEWAY_OF)
        assert taken == GATEWAY_OF
        assert "the number begins with +49171" in explained
        assert "+491711234567" not in explained


def test_a_gateway_that_does_not_exist_refuses_that_user_alone(tmp_path: Path) -> None:
    users = [
        RadiusUser("wrong", "secret-word", "+491721234569", 'SMSOTP-Gateway := "nowhere"'),
        RadiusUser("right", "secret-word", "+491721234568"),
    ]
    with World(tmp_path, users=users) as world:
        assert world.log_in(users[0]).code == "reject"
        assert world.log_in_wholly(users[1]).code == "accept"


def test_mail_stands_in_for_an_sms_centre_that_is_gone(tmp_path: Path) -> None:
    with Smsc() as smsc, SmtpGateway() as mail:
        sections = write_toml(smsc.configuration() | mail.configuration())
        gateways = [name.removeprefix("gateways.") for name in mail.configuration() if "gateways." in name]
        routes = f'[[routes]]\ngateways = ["smpp", "{gateways[0]}"]\n'
        with World(tmp_path, sections=routes + sections) as world:
            smsc.stop()
            anna = world.someone()
            challenge = world.log_in(anna)
            code = mail.inbox.wait(number=anna.phone, timeout=10).code

            assert world.answer(anna, code, challenge.state).code == "accept"
            assert world.codes_of(anna) == []
