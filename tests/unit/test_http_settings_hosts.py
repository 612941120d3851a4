"""Which host a URL or a proxy of a gateway means, as browsers and libcurl read it."""

from pathlib import Path

import pytest

from smsotp_plugin.fields.host import encode_host, is_loopback
from smsotp_plugin.fields.web import read_web_address
from smsotp_plugin.providers.http.settings import HttpSettings
from smsotp_plugin.settings import find_warnings, load_settings
from tests.support.http_settings import GOOD, folder, read

__all__ = ["folder"]


def test_the_proxy_for_the_scheme_of_the_url_is_used(folder: Path) -> None:
    both = GOOD + 'HTTP_PROXY = "http://one:1"\nHTTPS_PROXY = "http://two:2"'

    assert read(folder, both).proxy == "http://two:2"
    assert read(folder, both.replace("https://", "http://")).proxy == "http://one:1"
    assert read(folder, GOOD + 'PROXY = "three:3"').proxy == "http://three:3"


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("STRASSE.example", "strasse.example"),
        ("müller.example", "xn--mller-kva.example"),
        ("ＭÜＬＬＥＲ。example", "xn--mller-kva.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("sms_gateway.example.", "sms_gateway.example."),
        ("[2001:DB8::0:1]", "2001:db8::1"),
        ("127.1", "127.0.0.1"),
        ("0x7F000001", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
    ],
)
def test_a_host_is_the_one_that_browsers_go_to(written: str, host: str) -> None:
    assert read_web_address(f"https://{written}/").host == host


@pytest.mark.parametrize(
    "written",
    [
        "256.1.1.1",
        "1.2.3.4.5",
        "gateway.1",
        "[v1.x]",
        "[fe80::1%25eth0]",
        "[::1%25lo]",
        "a..example",
        "08.1.1.1",
    ],
)
def test_what_is_no_name_and_no_address_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"neither a name nor|a zone|no address"):
        read_web_address(f"https://{written}/")


@pytest.mark.parametrize("written", ["s3cr3t:s3cr3t", "::s3cr3t", "s3cr3t.1", "s3cr3t..example", "-s3cr3t"])
def test_what_stands_in_the_place_of_a_host_is_not_repeated(written: str) -> None:
    with pytest.raises(ValueError, match="neither a name nor an address") as refused:
        encode_host(written)

    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("localhost", True), ("LOCALHOST.", True), ("::1", True),
        ("[::1]", True), ("::ffff:127.0.0.1", True), ("127.evil.example", False), ("127.0.0.1.example", False),
        ("localhost.example", False), ("notlocalhost", False), ("::2", False), ("10.0.0.1", False), ("0.0.0.0", False),
        ("1270.0.0.1", False), ("", False),
    ],
)  # fmt: skip
def test_loopback_is_an_address_or_its_name(host: str, loopback: object) -> None:
    assert is_loopback(host) is loopback


def test_every_gateway_is_warned_of_a_name_that_looks_like_loopback(folder: Path) -> None:
    path = folder / "smsotp.toml"
    path.write_text(
        """
        [smtp_servers.m]
        host = "127.evil.example"
        security = "none"
        sender = "a@example.com"
        [gateways.a]
        provider = "http"
        URL = "http://127.evil.example/?to={phone}&text={otp}"
        [gateways.b]
        provider = "sipgate"
        URL = "http://127.evil.example/"
        USERNAME = "u"
        PASSWORD = "p"
        [gateways.c]
        provider = "smpp"
        SMSC_HOST = "127.evil.example"
        SMSC_PORT = 2775
        [gateways.d]
        provider = "smtp"
        SMTPIDENTIFIED = "m"
        MAILTO = "{phone}@example.com"
        """
    )
    path.chmod(0o600)

    warnings = "\n".join(find_warnings(load_settings(path), path))

    for place in (
        "gateways.a.URL: plain",
        "gateways.b.URL: plain",
        "gateways.c.TLS: is off",
        "m.security: none",
    ):
        assert place in warnings, warnings


def test_a_proxy_is_rewritten_with_the_host_that_is_meant() -> None:
    proxy = HttpSettings.model_validate(
        {"provider": "http", "URL": "https://g.example/", "PROXY": "http://m%40e:p%3A%2F@Straße.example"}
    ).proxy

    assert proxy == "http://m%40e:p%3A%2F@xn--strae-oqa.example:80"
