"""What the tests with other people's software share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.certificates import Certificates
from smsotp_mocks.http_gateway import HttpGateway
from smsotp_mocks.inbox import Inbox
from smsotp_mocks.smsc import Smsc


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
