from collections.abc import Iterator

import pytest

from smsotp_mocks.certificates import Certificates
from smsotp_mocks.http_gateway import HttpGateway
from smsotp_mocks.inbox import Inbox


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
