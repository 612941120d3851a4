import shutil
import subprocess
import sys
from pathlib import Path

USE = """
import urllib.request
from smsotp_mocks.servers.raddb import RadiusUser, plain_site

def test_sms(http_gateway, sms_inbox):
    urllib.request.urlopen(http_gateway.url + "/?to=49170&text=123456", timeout=10).close()
    assert sms_inbox.wait(number="+49170", timeout=0).code == "123456"

def test_failure(sms_inbox):
    sms_inbox.wait(number="+49170", timeout=0)
"""
RADIUS = """

def test_radius(freeradius_server):
    def configure(server):
        (server.raddb / "sites-enabled/plain").write_text(plain_site(server.address))

    server = freeradius_server(users=[RadiusUser("bob", "hello")], configure=configure)
    assert server.log_in("bob", "hello").code == "accept"
"""


def test_a_project_of_its_own_can_use_the_fixtures(tmp_path: Path) -> None:
    has_radius = shutil.which("freeradius", path="/usr/sbin") is not None
    (tmp_path / "test_it.py").write_text(USE + (RADIUS if has_radius else ""))

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "smsotp_mocks.pytest_plugin",
            "-W",
            "error",
            str(tmp_path),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert f"1 failed, {2 if has_radius else 1} passed" in done.stdout
    assert "NoMessage: No message for +49170 came within 0 s." in done.stdout
