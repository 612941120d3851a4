"""What the network says of messages later reaches whoever asked for it, whatever other messages do at that moment."""

from collections.abc import Callable
from random import Random

from smsotp_plugin.providers.base import DeliveryReceipt, GatewayContext, GatewaySettings, Provider
from tests.support.clock import FakeClock
from tests.support.interruption import interrupt_at_each_step
from tests.support.sending import Gateway


def test_a_receipt_whose_id_another_message_has_forgotten_at_that_moment_is_handed_on() -> None:
    told: list[DeliveryReceipt] = []
    gateway = Gateway("mine", FakeClock())
    Provider.__init__(
        gateway,
        GatewayContext("mine", FakeClock(), Random(1), told.append),
        GatewaySettings(provider="test"),
    )
    receipt = DeliveryReceipt("mine", "id-1", "delivered", "")

    def come() -> tuple[Callable[[], None], Callable[[], None]]:
        gateway._names["id-1"] = "id-1"
        return lambda: gateway.context.on_delivery_receipt(receipt), gateway._names.clear

    calls = interrupt_at_each_step(Provider._hand_on, come)

    assert told == [receipt] * len(calls)
