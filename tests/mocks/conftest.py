from collections.abc import Iterator

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates


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
