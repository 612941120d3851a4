"""Every Python that the pages show is run: as a script, with the names that the page's text has introduced."""

import inspect
import sys
import types
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smsotp_conformance import CODE, SENTENCE, ProviderContract, message, within
from smsotp_mocks import HttpGateway, Inbox
from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.pytest_plugin import StartCluster
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from tests.support.markdown import ROOT, Block, blocks

twilio = pytest.importorskip("twilio", reason="the package twilio is not installed")
pytest.importorskip("twilio.rest")

#: Blocks that are whole files, or need a page that is served: run by tests of their own.
ELSEWHERE = {
    ROOT / "docs/testing.md": ("import", "from"),
    ROOT / "docs/adding-a-provider.md": ("import", '"""'),
    ROOT / "docs/mocks-api.md": ("import",),
}
SHOWN = [block for block in blocks("python") if not block.text.startswith(ELSEWHERE.get(block.page, "\0"))]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def gateway(inbox: Inbox) -> Iterator[HttpGateway]:
    with HttpGateway(inbox) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def acme(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the provider that a page shows be there as a package of somebody else's."""
    (block,) = (block for block in blocks("python") if "class AcmeProvider" in block.text)
    module = types.ModuleType("smsotp_acme")
    exec(compile(block.text, str(block), "exec"), vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)


class Program:
    """A program that sends SMS."""

    @staticmethod
    def send(url: str, number: str, text: str) -> None:
        data = urllib.parse.urlencode({"to": number, "text": text}).encode()
        urllib.request.urlopen(url, data, timeout=5).close()


@pytest.mark.parametrize("block", SHOWN, ids=str)
def test_it_runs(
    block: Block, inbox: Inbox, gateway: HttpGateway, smsotp_cluster: StartCluster, tmp_path: Path
) -> None:
    fixtures = {"smsotp_http_gateway": gateway, "smsotp_inbox": inbox, "smsotp_cluster": smsotp_cluster}
    toml = write_toml({"store": {"url": f"sqlite://{tmp_path}/store/smsotp.db"}} | gateway.configuration())
    names: dict[str, Any] = {
        "FreeRadiusServer": FreeRadiusServer,
        "directory": tmp_path / "server",
        "gateway": gateway,
        "inbox": inbox,
        "my_program": Program,
        "toml": toml,
        "twilio": twilio,
    }

    exec(compile(block.text.replace("http://127.0.0.1:8080", gateway.url), str(block), "exec"), names)

    if "client" in names:
        names["client"].messages.create(to="+491701234567", from_="+15005550006", body=SENTENCE)
        names["client"].http_client.session.close()
        assert inbox.wait(timeout=0).code == CODE
    for name, value in list(names.items()):
        if name.startswith("test_"):
            value(**{wanted: fixtures[wanted] for wanted in inspect.signature(value).parameters})
        elif (
            isinstance(value, type) and issubclass(value, ProviderContract) and value is not ProviderContract
        ):
            provider = value().make(gateway, check_tls=True)
            provider.open()
            provider.submit(message(), within(30))
            provider.close()
            assert inbox.wait(timeout=0).code == CODE
