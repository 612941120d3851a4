"""Our providers of the web send through a real proxy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from smsotp_conformance import CODE, NUMBER, message, within
from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.gateways.http.sipgate import SipgateGateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates
from smsotp_plugin.errors import AuthFailed, ConnectFailed, NotSent
from smsotp_plugin.providers.base import Provider
from smsotp_plugin.providers.http import HttpProvider
from smsotp_plugin.providers.sipgate import SipgateProvider

from .gateway import opened
from .proxy import PASSWORD, Proxy


@pytest.fixture
def secure(inbox: Inbox, certificates: Certificates) -> Iterator[HttpGateway]:
    with HttpGateway(inbox, tls=certificates.server_context()) as gateway:
        yield gateway


@pytest.fixture
def plain(inbox: Inbox) -> Iterator[HttpGateway]:
    with HttpGateway(inbox) as gateway:
        yield gateway


@pytest.fixture
def proxy(secure: HttpGateway, tmp_path: Path) -> Iterator[Proxy]:
    running = Proxy(tmp_path, secure.port)
    yield running
    running.stop()


@contextmanager
def provider(gateway: HttpGateway, **changes: Any) -> Iterator[Provider[Any, Any, Any]]:
    table = {
        "provider": "http",
        "URL": f"{gateway.url}/sms",
        "HTTP_METHOD": "POST",
        "options": {"to": "{phone}", "text": "{otp}"},
        **changes,
    }
    with opened(HttpProvider, table) as opened_provider:
        yield opened_provider


@pytest.mark.parametrize("parameter", ["PROXY", "HTTPS_PROXY"])
def test_https_goes_through_a_tunnel_that_shows_the_proxy_nothing(
    proxy: Proxy, secure: HttpGateway, inbox: Inbox, authority: Path, parameter: str
) -> None:
    with provider(secure, CHECK_SSL=str(authority), **{parameter: proxy.url()}) as gateway:
        for _ in range(3):
            gateway.submit(message(), within(10))

    assert [arrived.code for arrived in inbox.messages()] == [CODE] * 3
    assert proxy.log.count(f": CONNECT 127.0.0.1:{secure.port} ") == 1
    assert NUMBER.removeprefix("+") not in proxy.log


@pytest.mark.parametrize("parameter", ["PROXY", "HTTP_PROXY"])
def test_plain_http_goes_through_the_proxy(
    proxy: Proxy, plain: HttpGateway, inbox: Inbox, parameter: str
) -> None:
    with provider(plain, **{parameter: proxy.url()}) as gateway:
        gateway.submit(message(), within(10))

    assert inbox.messages()[0].code == CODE
    assert f"POST {plain.url}/sms" in proxy.log


def test_a_probe_finds_the_gateway_behind_the_proxy(
    proxy: Proxy, secure: HttpGateway, inbox: Inbox, authority: Path
) -> None:
    with provider(secure, CHECK_SSL=str(authority), PROXY=proxy.url()) as gateway:
        gateway.probe(within(10))
        secure.stop()
        with pytest.raises(NotSent):
            gateway.probe(within(10))

    assert inbox.messages() == ()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_does_not_know_us_sends_nothing(
    proxy: Proxy, plain: HttpGateway, secure: HttpGateway, authority: Path, scheme: str
) -> None:
    target = plain if scheme == "http" else secure

    with (
        # Not POST: this proxy ends the connection before it has read a body, which may destroy its own answer.
        provider(
            target, HTTP_METHOD="GET", CHECK_SSL=str(authority), PROXY=proxy.url(password="guess")
        ) as gateway,
        pytest.raises(NotSent) as caught,
    ):
        gateway.submit(message(), within(10))

    assert isinstance(caught.value, AuthFailed | ConnectFailed)
    assert "guess" not in f"{caught.value!r} {caught.value.__cause__}"
    assert target.inbox.messages() == ()


def test_a_proxy_that_may_not_connect_there_sends_nothing(
    proxy: Proxy, inbox: Inbox, certificates: Certificates, authority: Path
) -> None:
    with (
        HttpGateway(inbox, tls=certificates.server_context()) as elsewhere,
        provider(elsewhere, CHECK_SSL=str(authority), PROXY=proxy.url()) as gateway,
        pytest.raises(NotSent),
    ):
        gateway.submit(message(), within(10))

    assert inbox.messages() == ()


def test_a_proxy_that_is_down_sends_nothing(proxy: Proxy, secure: HttpGateway, authority: Path) -> None:
    proxy.stop()

    with (
        provider(secure, CHECK_SSL=str(authority), PROXY=proxy.url()) as gateway,
        pytest.raises(ConnectFailed) as caught,
    ):
        gateway.submit(message(), within(10))

    assert PASSWORD not in f"{caught.value!r} {caught.value.__cause__}"


def test_the_certificate_of_the_gateway_is_checked_through_the_tunnel(
    proxy: Proxy, secure: HttpGateway, inbox: Inbox
) -> None:
    with (
        provider(secure, PROXY=proxy.url()) as gateway,
        pytest.raises(ConnectFailed, match="certificate"),
    ):
        gateway.submit(message(), within(10))

    assert inbox.messages() == ()


def test_sipgate_is_reached_through_the_proxy(
    inbox: Inbox, certificates: Certificates, authority: Path, tmp_path: Path
) -> None:
    with SipgateGateway(inbox, tls=certificates.server_context()) as sipgate:
        proxy = Proxy(tmp_path, sipgate.port)
        table = sipgate.configuration()["gateways.sipgate"]
        changes = {"PROXY": proxy.url(), "CHECK_SSL": str(authority)}
        with opened(SipgateProvider, {**table, **changes}) as gateway:
            gateway.submit(message(), within(10))
        proxy.stop()

    assert inbox.messages()[0].code == CODE
