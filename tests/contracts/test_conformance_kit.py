"""A provider of somebody else, in a project of its own, is held to the contract by three lines."""

import re
from pathlib import Path

from tests.support.programs import run_pytest

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


#: Of each of these promises, a provider that sends nothing breaks all that is tried.
BROKEN = ("arrives_once", "refused_message", "any_text", "silence", "expired")


def run(folder: Path, provider: str, *arguments: str) -> str:
    (folder / "test_acme.py").write_text(KIT + CLASS % provider)
    return run_pytest(folder, "-W", "error", "-rfp", *arguments)


def test_a_provider_that_keeps_the_contract_passes(tmp_path: Path) -> None:
    said = run(tmp_path, "HttpProvider")

    assert "PASSED" in said
    assert "failed" not in said, said


def test_a_provider_that_sends_nothing_fails(tmp_path: Path) -> None:
    said = run(tmp_path, "Liar", "-k", " or ".join(BROKEN))

    assert "PASSED" not in said
    for promise in BROKEN:
        assert re.search(f"^FAILED .*{promise}", said, re.MULTILINE), promise
