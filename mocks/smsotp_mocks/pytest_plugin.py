"""pytest fixtures: an inbox and the mock gateways, each on a free port. Names are those of the modules."""

from collections.abc import Iterator

import pytest

from smsotp_mocks.certificates import Certificates
from smsotp_mocks.http_gateway import HttpGateway
from smsotp_mocks.inbox import Inbox


@pytest.fixture
def sms_inbox() -> Inbox:
    """Give the inbox that all gateways of this test share."""
    return Inbox()


@pytest.fixture(scope="session")
def mock_certificates() -> Certificates:
    """Give an authority, and TLS contexts for mocks: good, expired, wrong name."""
    return Certificates()


@pytest.fixture
def http_gateway(sms_inbox: Inbox) -> Iterator[HttpGateway]:
    """Start an HTTP gateway: plain, Clickatell, GTX and Twilio by path."""
    with HttpGateway(sms_inbox) as gateway:
        yield gateway
