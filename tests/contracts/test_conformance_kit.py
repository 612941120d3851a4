"""A provider of somebody else, in a project of its own, is held to the contract by three lines."""

import re
from pathlib import Path

from tests.support.markdown import ROOT, blocks
from tests.support.programs import run_pytest

PAGE = ROOT / "docs/adding-a-provider.md"

KIT = """
from smsotp_conformance import ProviderContract
from smsotp_mocks import HttpGateway
from smsotp_plugin.api import Receipt
from smsotp_acme import AcmeProvider

class Liar(AcmeProvider):
    def submit(self, message, deadline):
        return Receipt("1")
"""
CLASS = """
class TestAcme(ProviderContract):
    provider_class, mock_class = %s, HttpGateway
    settings = staticmethod(lambda mock: {"provider": "acme", "URL": mock.url + "/sms", "API_KEY": "key"})
"""


#: Of each of these promises, a provider that sends nothing breaks all that is tried.
BROKEN = ("arrives_once", "refused_message", "any_text", "silence", "expired")


def run(folder: Path, provider: str, *arguments: str) -> str:
    (source,) = (block.text for block in blocks("python", pages=[PAGE]) if "class AcmeProvider" in block.text)
    (folder / "smsotp_acme.py").write_text(source)
    (folder / "test_acme.py").write_text(KIT + CLASS % provider)
    return run_pytest(folder, "-W", "error", "-rfp", *arguments)


def test_a_provider_that_keeps_the_contract_passes(tmp_path: Path) -> None:
    said = run(tmp_path, "AcmeProvider")

    assert "PASSED" in said
    assert "failed" not in said, said


def test_a_provider_that_sends_nothing_fails(tmp_path: Path) -> None:
    said = run(tmp_path, "Liar", "-k", " or ".join(BROKEN))

    assert "PASSED" not in said
    for promise in BROKEN:
        assert re.search(f"^FAILED .*{promise}", said, re.MULTILINE), promise
