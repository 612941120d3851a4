"""A provider of somebody else, in a project of its own, is held to the contract by three lines."""

import subprocess
import sys
from pathlib import Path

import pytest

KIT = """
from smsotp_conformance import ProviderContract
from smsotp_mocks import HttpGateway
from smsotp_plugin.api import Receipt
from smsotp_plugin.providers.http import HttpProvider

class Liar(HttpProvider):
    def submit(self, message, deadline):
        return Receipt("1")

OPTIONS = {"to": "{phone}", "text": "{otp}"}
PLAIN = {"provider": "http", "HTTP_METHOD": "POST", "RETURN_SUCCESS": "OK", "options": OPTIONS}
"""
CLASS = """
class TestAcme(ProviderContract):
    provider_class, mock_class = %s, HttpGateway
    settings = staticmethod(lambda mock: {"URL": mock.url + "/sms"} | PLAIN)
"""


def run(folder: Path, provider: str, *arguments: str) -> str:
    (folder / "test_acme.py").write_text(KIT + CLASS % provider)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=100, check=False
    ).stdout


def test_a_provider_that_keeps_the_contract_passes(tmp_path: Path) -> None:
    said = run(tmp_path, "HttpProvider")

    assert "passed" in said
    assert "failed" not in said, said


@pytest.mark.parametrize("scenario", ["arrives_once", "refused_message", "any_text", "silence", "expired"])
def test_a_provider_that_sends_nothing_fails(tmp_path: Path, scenario: str) -> None:
    said = run(tmp_path, "Liar", "-k", scenario)

    assert "failed" in said
    assert "passed" not in said
