import shutil
from pathlib import Path

from _pytest.fixtures import FixtureFunctionDefinition

from smsotp_mocks import pytest_plugin
from tests.support.programs import run_pytest

USE = """
import urllib.request
from smsotp_mocks.servers.raddb import RadiusUser, render_plain_site

def test_sms(smsotp_http_gateway, smsotp_inbox):
    urllib.request.urlopen(smsotp_http_gateway.url + "/?to=49170&text=123456", timeout=10).close()
    assert smsotp_inbox.wait(number="+49170", timeout=0).code == "123456"

def test_failure(smsotp_inbox):
    smsotp_inbox.wait(number="+49170", timeout=0)
"""
RADIUS = """

def test_radius(smsotp_freeradius_server):
    def configure(server):
        (server.raddb / "sites-enabled/plain").write_text(render_plain_site(server.address))

    server = smsotp_freeradius_server(users=[RadiusUser("bob", "hello")], configure=configure)
    assert server.log_in("bob", "hello").code == "accept"
"""


def test_a_project_of_its_own_can_use_the_fixtures(tmp_path: Path) -> None:
    has_radius = shutil.which("freeradius", path="/usr/sbin") is not None
    (tmp_path / "test_it.py").write_text(USE + (RADIUS if has_radius else ""))

    said = run_pytest(tmp_path, "-p", "smsotp_mocks.pytest_plugin", "-W", "error", str(tmp_path))

    assert f"1 failed, {2 if has_radius else 1} passed" in said
    assert "NoMessage: No message for +49170 came within 0 s." in said
    assert "waiter" not in said, "the inside of wait() is shown"


def test_every_fixture_bears_the_name_of_the_package() -> None:
    fixtures = {
        name for name, value in vars(pytest_plugin).items() if isinstance(value, FixtureFunctionDefinition)
    }

    assert fixtures == {
        "smsotp_certificates",
        "smsotp_cluster",
        "smsotp_freeradius_server",
        "smsotp_http_gateway",
        "smsotp_inbox",
        "smsotp_redis_server",
        "smsotp_sipgate_gateway",
        "smsotp_smpp_gateway",
        "smsotp_smtp_gateway",
    }
