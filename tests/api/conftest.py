from collections.abc import Iterator

import pytest

from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.table import GATEWAYS
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.page.server import InboxPage


@pytest.fixture
def gateways(
    smsotp_inbox: Inbox,
    smsotp_http_gateway: Gateway,
    smsotp_sipgate_gateway: Gateway,
    smsotp_smtp_gateway: Gateway,
    smsotp_smpp_gateway: Gateway,
) -> dict[str, Gateway]:
    started = (smsotp_http_gateway, smsotp_sipgate_gateway, smsotp_smtp_gateway, smsotp_smpp_gateway)
    assert smsotp_inbox is smsotp_http_gateway.inbox
    return dict(zip(GATEWAYS, started, strict=True))


@pytest.fixture
def page(smsotp_inbox: Inbox, gateways: dict[str, Gateway]) -> Iterator[InboxPage]:
    with InboxPage(smsotp_inbox, list(gateways.values())) as running:
        yield running
