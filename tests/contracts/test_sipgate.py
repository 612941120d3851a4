"""The provider ``sipgate`` keeps the contract, and reads what the mock says as the real service says it."""

from collections.abc import Iterator
from typing import Any

import pytest

from smsotp_conformance import CLOCK, ProviderContract, message, within
from smsotp_mocks.gateways.http.sipgate import SipgateGateway
from smsotp_plugin.errors import AuthFailed, BadMessage, BadRecipient, DeliveryError, Throttled
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.sipgate import SipgateProvider, SipgateSettings


def make(mock: SipgateGateway, **settings: Any) -> SipgateProvider:
    known = mock.configuration()["gateways.sipgate"]
    return SipgateProvider(
        GatewayContext("contract", CLOCK),
        SipgateSettings.model_validate({"TIMEOUT": 30, **known, **settings}),
    )


class TestSipgate(ProviderContract):
    """As the mock's own configuration says."""

    provider_class, mock_class = SipgateProvider, SipgateGateway
    settings = staticmethod(lambda mock: mock.configuration()["gateways.sipgate"])


@pytest.fixture
def mock() -> Iterator[SipgateGateway]:
    with SipgateGateway() as mock:
        yield mock


def test_a_wrong_password_is_an_authentication_failure(mock: SipgateGateway) -> None:
    provider = make(mock, PASSWORD="wrong")

    with pytest.raises(AuthFailed):
        provider.submit(message(), within(30))
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
        provider.submit(message(), within(30))
    provider.close()
