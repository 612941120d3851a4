"""Our HTTP provider hands messages to Kannel's sendsms, which sends them on through the SMPP mock."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from smsotp_conformance import CODE, NUMBER, message, within
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_plugin.errors import AuthFailed, ConnectFailed, DeliveryError, Refused
from smsotp_plugin.providers.base import Provider
from smsotp_plugin.providers.http import HttpProvider

from .gateway import opened
from .kannel import PASSWORD, USERNAME, Kannel


@pytest.fixture
def kannel(smsc: Smsc, tmp_path: Path) -> Iterator[Kannel]:
    with Kannel(tmp_path, smsc) as running:
        running.wait_until_bound()
        yield running


@contextmanager
def provider(
    kannel: Kannel, options: dict[str, str] | None = None, **changes: Any
) -> Iterator[Provider[Any, Any, Any]]:
    """Open a gateway as docs/providers-http.md configures it."""
    account = {"username": USERNAME, "password": PASSWORD, "from": "smsotp"}
    text = {"to": "{phone}", "text": "{otp}", "charset": "UTF-8", "coding": "2"}
    table = {
        "provider": "http",
        "URL": kannel.sendsms_url,
        "RETURN_SUCCESS": "delivery",
        "options": account | text | (options or {}),
        **changes,
    }
    with opened(HttpProvider, table) as gateway:
        yield gateway


def test_a_message_arrives_at_the_sms_centre(kannel: Kannel, inbox: Inbox) -> None:
    with provider(kannel) as gateway:
        gateway.submit(message(), within(10))

    arrived = inbox.wait(NUMBER, timeout=60)
    assert (arrived.code, arrived.wire["sender"]) == (CODE, "smsotp")


@pytest.mark.parametrize(
    "text", ["Schlüssel für Zoë: 734921", "код 734921 🔑", "a&b=c<d>%20+\"'\\ {phone} 734921", "734921 " * 40]
)
def test_texts_arrive_as_they_were_written(kannel: Kannel, inbox: Inbox, text: str) -> None:
    with provider(kannel, {"coding": "0"} if text.isascii() else {}) as gateway:
        gateway.submit(message(text), within(10))

    assert inbox.wait(NUMBER, timeout=60).text.strip() == text.strip()


def test_many_messages_share_a_connection_and_arrive_once_each(kannel: Kannel, inbox: Inbox) -> None:
    texts = [f"{number:06} is your code" for number in range(30)]

    with provider(kannel) as gateway:
        for text in texts:
            gateway.submit(message(text), within(10))
    for sent_before in range(len(texts)):
        inbox.wait(after=sent_before, timeout=60)

    assert sorted(arrived.text for arrived in inbox.messages()) == texts


def test_a_message_that_kannel_keeps_for_later_is_accepted(kannel: Kannel, smsc: Smsc, inbox: Inbox) -> None:
    before = kannel.bearerbox.mark()
    smsc.stop()
    kannel.bearerbox.wait_for("Couldn't connect to SMS center", before)

    with provider(kannel) as gateway:
        gateway.submit(message(), within(10))
    smsc.start()

    assert inbox.wait(NUMBER, timeout=60).code == CODE


@pytest.mark.parametrize(
    ("options", "error"),
    [({"password": "guess"}, AuthFailed), ({"to": "nobody"}, Refused), ({"username": "other"}, AuthFailed)],
)
def test_what_kannel_refuses_is_an_error(
    kannel: Kannel, inbox: Inbox, options: dict[str, str], error: type[DeliveryError]
) -> None:
    with provider(kannel, options) as gateway, pytest.raises(error):
        gateway.submit(message(), within(10))

    assert inbox.messages() == ()


def test_a_kannel_that_has_stopped_has_sent_nothing(kannel: Kannel) -> None:
    kannel.smsbox.stop()

    with provider(kannel) as gateway, pytest.raises(ConnectFailed):
        gateway.submit(message(), within(10))
