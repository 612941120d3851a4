from collections.abc import Iterator

import pytest

from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.table import gateways_of
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.page.server import InboxPage


@pytest.fixture
def gateways(
    sms_inbox: Inbox,
    http_gateway: Gateway,
    sipgate_gateway: Gateway,
    smtp_gateway: Gateway,
    smpp_gateway: Gateway,
) -> dict[str, Gateway]:
    started = (http_gateway, sipgate_gateway, smtp_gateway, smpp_gateway)
    assert sms_inbox is http_gateway.inbox
    return dict(zip(gateways_of, started, strict=True))


@pytest.fixture
def page(sms_inbox: Inbox, gateways: dict[str, Gateway]) -> Iterator[InboxPage]:
    with InboxPage(sms_inbox, list(gateways.values())) as running:
        yield running
