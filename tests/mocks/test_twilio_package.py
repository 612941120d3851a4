"""Twilio's own Python package against the Twilio face; only its base address is changed."""

import pytest

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.inbox.inbox import Inbox

rest = pytest.importorskip("twilio.rest", reason="the package twilio is not installed")
ACCOUNTS = Accounts()


def create(gateway: HttpGateway, token: str = ACCOUNTS.twilio_token, to: str = "+491701234567") -> object:
    client = rest.Client(ACCOUNTS.twilio_sid, token)
    client.api.base_url = gateway.url
    try:
        return client.messages.create(to=to, from_="+15005550006", body="Your code is 123456")
    finally:
        client.http_client.session.close()


def test_the_package_sends_through_the_gateway(gateway: HttpGateway, inbox: Inbox) -> None:
    message = create(gateway)

    assert (message.status, message.error_code, message.num_segments) == ("queued", None, "1")  # type: ignore[attr-defined]  # the package's own class
    assert inbox.wait("+491701234567", "twilio", timeout=0).code == "123456"


@pytest.mark.parametrize(
    ("token", "to", "status", "code"),
    [
        ("wrong", "+491701234567", 401, 20003),
        (ACCOUNTS.twilio_token, "49170", 400, 21211),
        (ACCOUNTS.twilio_token, "+4915550100009", 429, 20429),
    ],
)
def test_it_understands_refusals(gateway: HttpGateway, token: str, to: str, status: int, code: int) -> None:
    with pytest.raises(Exception, match="Unable to create record") as refusal:
        create(gateway, token, to)

    assert (refusal.value.status, refusal.value.code) == (status, code)  # type: ignore[attr-defined]  # the package's own class
