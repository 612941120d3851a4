"""Texts through the provider, a real socket and the mock SMSC's own decoder: what arrives is what was sent."""

from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.smpp import SmppProvider
from smsotp_plugin.providers.smpp.settings import SmppSettings
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number

CLOCK = SystemClock()
VECTORS = Path(__file__).parents[1] / "vectors" / "gsm0338.txt"
GSM = [
    chr(int(line.split(" ")[1], 16)) for line in VECTORS.read_text().splitlines() if not line.startswith("#")
]
TEXTS = (
    st.text(st.sampled_from(GSM), min_size=1, max_size=700)
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
    | st.text("€a", min_size=1, max_size=400)
    | st.text("😀я", min_size=1, max_size=200)
)


class Line:
    """A provider and the mock at its other end."""

    def __init__(self, provider: SmppProvider, inbox: Inbox) -> None:
        self._provider = provider
        self._inbox = inbox

    def send(self, text: str) -> tuple[str, int]:
        """Send a text; return what arrived, and in how many parts."""
        self._inbox.clear()
        receipt = self._provider.submit(
            Message(
                "ref",
                "bob",
                parse_number("+491701234567", None),
                SecretStr(text),
                SecretStr(text),
                CLOCK.time() + 300,
            ),
            Deadline.after(10, CLOCK),
        )
        [arrived] = self._inbox.messages()
        assert arrived.segments == receipt.segments
        return arrived.text, receipt.segments


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    inbox = Inbox()
    with Smsc(inbox) as smsc:
        table = {**smsc.configuration()["gateways.smpp"], "REGISTERED_DELIVERY": 0}
        provider = SmppProvider(GatewayContext("line", CLOCK), SmppSettings.model_validate(table))
        provider.open()
        yield Line(provider, inbox)
        provider.close()


@pytest.mark.parametrize("character", GSM)
def test_every_character_of_the_gsm_alphabet_arrives(line: Line, character: str) -> None:
    assert line.send(f"<{character}>") == (f"<{character}>", 1)


def test_all_characters_at_once_arrive_in_one_sms(line: Line) -> None:
    text = "".join(GSM)

    assert line.send(text) == (text, 1)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_any_text_arrives_whole(line: Line, text: str) -> None:
    assert line.send(text)[0] == text


@pytest.mark.parametrize("length", [160, 161, 306, 307, 459, 460])
def test_a_text_takes_no_more_parts_than_it_must(line: Line, length: int) -> None:
    text = "x" * length

    assert line.send(text) == (text, 1 if length <= 160 else ceil(length / 153))
