"""What the tests with other people's software share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def smsc(inbox: Inbox) -> Iterator[Smsc]:
    with Smsc(inbox) as running:
        yield running


@pytest.fixture
def reports() -> Iterator[HttpGateway]:
    """Give an HTTP server whose inbox shows what Kannel tells about deliveries."""
    with HttpGateway() as running:
        yield running


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    return Certificates()


@pytest.fixture(scope="session")
def authority(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates.write_authority(tmp_path_factory.mktemp("authority") / "ca.pem")
