"""The provider ``sipgate`` keeps the contract, and reads what the mock says as the real service says it."""

import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from smsotp_mocks.inbox import Inbox
from smsotp_mocks.sipgate import SipgateGateway
from smsotp_plugin.errors import AuthFailed, BadMessage, BadRecipient, DeliveryError, Throttled
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.sipgate import SipgateProvider, SipgateSettings

from .contract import CLOCK, ProviderContract, message, within


def make(mock: SipgateGateway, **settings: Any) -> SipgateProvider:
    known = mock.configuration()["gateways.sipgate"]
    return SipgateProvider(
        GatewayContext("contract", CLOCK), SipgateSettings.model_validate({**known, **settings})
    )


class TestSipgate(ProviderContract):
    """As the mock's own configuration says."""

    def serve(self, inbox: Inbox, tls: ssl.SSLContext | None) -> AbstractContextManager[SipgateGateway]:
        return SipgateGateway(inbox, tls=tls)

    def make(self, mock: SipgateGateway, check_tls: bool | Path) -> SipgateProvider:  # noqa: FBT001  (as in the settings)
        return make(mock, CHECK_SSL=check_tls if isinstance(check_tls, bool) else str(check_tls))


@pytest.fixture
def mock() -> Iterator[SipgateGateway]:
    with SipgateGateway() as mock:
        yield mock


def test_a_wrong_password_is_an_authentication_failure(mock: SipgateGateway) -> None:
    provider = make(mock, PASSWORD="wrong")

    with pytest.raises(AuthFailed):
        provider.submit(message(), within(5))
    provider.close()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ('xml-fault 412 "Too many requests."', Throttled),
        ('xml-fault 506 "Malformed SIP URI."', BadRecipient),
        ('xml-fault 405 "Invalid parameter name"', BadMessage),
        ("status 401", AuthFailed),
    ],
)
def test_a_fault_has_its_meaning(mock: SipgateGateway, fault: str, error: type[DeliveryError]) -> None:
    mock.faults.add(fault)
    provider = make(mock)

    with pytest.raises(error):
        provider.submit(message(), within(5))
    provider.close()
