from collections.abc import Iterator

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates
from tests.mocks.esme import Esme


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def gateway(inbox: Inbox) -> Iterator[HttpGateway]:
    with HttpGateway(inbox) as running:
        yield running


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    return Certificates()


@pytest.fixture
def smsc(inbox: Inbox) -> Iterator[Smsc]:
    with Smsc(inbox) as running:
        yield running


@pytest.fixture
def esme(smsc: Smsc) -> Iterator[Esme]:
    client = Esme(smsc)
    yield client
    client.close()
