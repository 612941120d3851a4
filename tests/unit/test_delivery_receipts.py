"""What the network says of messages later reaches whoever asked for it, whatever other messages do at that moment."""

from collections.abc import Callable
from random import Random

from pydantic import SecretStr

from smsotp_plugin.providers.base import DeliveryReceipt, GatewayContext, GatewaySettings, Provider
from smsotp_plugin.providers.masking import Secrets
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number
from tests.support.clock import FakeClock
from tests.support.interruption import interrupt_at_each_step
from tests.support.sending import Gateway


def telling(told: list[DeliveryReceipt]) -> Gateway:
    gateway = Gateway("mine", FakeClock())
    Provider.__init__(
        gateway,
        GatewayContext("mine", FakeClock(), Random(1), told.append),
        GatewaySettings(provider="test"),
    )
    return gateway


def test_a_receipt_whose_id_another_message_has_forgotten_at_that_moment_is_handed_on() -> None:
    told: list[DeliveryReceipt] = []
    gateway = telling(told)
    receipt = DeliveryReceipt("mine", "id-1", "delivered", "")

    def come() -> tuple[Callable[[], None], Callable[[], None]]:
        gateway._names["id-1"] = "id-1", frozenset()
        return lambda: gateway.context.on_delivery_receipt(receipt), gateway._names.clear

    calls = interrupt_at_each_step(Provider._hand_on, come)

    assert told == [receipt] * len(calls)


def test_a_receipt_that_comes_just_as_its_message_ends_shows_no_code() -> None:
    told: list[DeliveryReceipt] = []
    gateway = telling(told)
    code = SecretStr("4913")
    message = Message("r", "bob", parse_number("+491701234567", None), code, code, 1e9, code=code)

    def come() -> tuple[Callable[[], None], Callable[[], None]]:
        hidden = Secrets(message, "+491701234567", ())
        gateway._names.clear()
        gateway._under_way = {hidden}

        def end() -> None:
            gateway._name("id-4913", {hidden})
            gateway._under_way.discard(hidden)

        receipt = DeliveryReceipt("mine", "id-4913", "delivered", "DELIVRD, error 4913")
        return lambda: gateway.context.on_delivery_receipt(receipt), end

    calls = interrupt_at_each_step(Provider._hand_on, come)

    assert told == [DeliveryReceipt("mine", "", "delivered", "DELIVRD, error ***")] * len(calls)
