"""
pytest fixtures: an inbox, the mock gateways and FreeRADIUS, each on a free port.

pytest loads this module in every project of an environment. So all names begin with ``smsotp_``, and whatever needs further
packages is imported only where it is used.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.gateways.http.sipgate import SipgateGateway
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.gateways.smtp.gateway import SmtpGateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.servers.redis import RedisServer

if TYPE_CHECKING:
    from smsotp_mocks.net.certificates import Certificates
    from smsotp_mocks.servers.cluster import Cluster
    from smsotp_mocks.servers.freeradius import FreeRadiusServer


class StartFreeRadius(Protocol):
    """What the fixture `smsotp_freeradius_server` gives: call it with the plugin's configuration."""

    def __call__(self, config_toml: str = "", **options: Any) -> "FreeRadiusServer":
        """Start a server; options are those of `FreeRadiusServer`."""


class StartCluster(Protocol):
    """What the fixture `smsotp_cluster` gives: call it with the plugin's configuration."""

    def __call__(self, tables: Mapping[str, Mapping[str, Any]], **options: Any) -> "Cluster":
        """Start Redis and the servers that share it; options are those of `Cluster`."""


@pytest.fixture
def smsotp_inbox() -> Inbox:
    """Give the inbox that all gateways of this test share."""
    return Inbox()


@pytest.fixture(scope="session")
def smsotp_certificates() -> "Certificates":
    """Give an authority, and TLS contexts for mocks: good, expired, wrong name."""
    from smsotp_mocks.net.certificates import Certificates  # noqa: PLC0415  (needs trustme)

    return Certificates()


@pytest.fixture
def smsotp_http_gateway(smsotp_inbox: Inbox) -> Iterator[HttpGateway]:
    """Start an HTTP gateway: plain, Clickatell, GTX and Twilio by path."""
    with HttpGateway(smsotp_inbox) as gateway:
        yield gateway


@pytest.fixture
def smsotp_freeradius_server(tmp_path: Path) -> Iterator[StartFreeRadius]:
    """Give a function that starts a FreeRADIUS with the plugin; all of them are stopped after the test."""
    from smsotp_mocks.servers.freeradius import FreeRadiusServer  # noqa: PLC0415  (needs pyrad)

    with ExitStack() as running:

        def start(config_toml: str = "", **options: Any) -> "FreeRadiusServer":
            directory = tmp_path / f"freeradius-{secrets.token_hex(4)}"
            return running.enter_context(FreeRadiusServer(directory, config_toml=config_toml, **options))

        yield start


@pytest.fixture
def smsotp_smpp_gateway(smsotp_inbox: Inbox) -> Iterator[Smsc]:
    """Start an SMS centre that speaks SMPP 3.4."""
    with Smsc(smsotp_inbox) as gateway:
        yield gateway


@pytest.fixture
def smsotp_sipgate_gateway(smsotp_inbox: Inbox) -> Iterator[SipgateGateway]:
    """Start a sipgate service (XML-RPC)."""
    with SipgateGateway(smsotp_inbox) as gateway:
        yield gateway


@pytest.fixture
def smsotp_smtp_gateway(smsotp_inbox: Inbox) -> Iterator[SmtpGateway]:
    """Start a mail-to-SMS service without TLS and log-in."""
    with SmtpGateway(smsotp_inbox) as gateway:
        yield gateway


@pytest.fixture
def smsotp_redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Start a Redis that this test alone uses."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def smsotp_cluster(tmp_path: Path) -> Iterator[StartCluster]:
    """Give a function that starts FreeRADIUS servers with the plugin, and the Redis that they share."""
    from smsotp_mocks.servers.cluster import Cluster  # noqa: PLC0415  (needs pyrad)

    with ExitStack() as running:

        def start(tables: Mapping[str, Mapping[str, Any]], **options: Any) -> "Cluster":
            directory = tmp_path / f"cluster-{secrets.token_hex(4)}"
            return running.enter_context(Cluster(directory, tables, **options))

        yield start
