"""Our providers as the tests make them, and the message that they send."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from smsotp_plugin.clock import Clock, Deadline, SystemClock
from smsotp_plugin.message import Message
from smsotp_plugin.phone import parse_number
from smsotp_plugin.providers.base import DeliveryReceipt, GatewayContext, Provider

NUMBER = "+491701234567"
_CLOCK: Clock = SystemClock()


def message(text: str = "123456 is your code", number: str = NUMBER) -> Message:
    """Return an SMS with this text, whatever the provider's template is."""
    return Message(
        reference="interop",
        user="bob",
        number=parse_number(number, None),
        otp=SecretStr(text),
        sentence=SecretStr(text),
        expires=_CLOCK.time() + 300,
    )


def within(seconds: float) -> Deadline:
    return Deadline.after(seconds, _CLOCK)


@contextmanager
def opened(
    kind: type[Provider[Any, Any, Any]],
    table: dict[str, Any],
    receipts: list[DeliveryReceipt] | None = None,
    context: dict[str, Any] | None = None,
) -> Iterator[Provider[Any, Any, Any]]:
    """
    Make and open a provider.

    Args:
        kind: Its class.
        table: Its configuration.
        receipts: Takes the delivery receipts.
        context: What the validation of the configuration needs besides.
    """
    settings = kind.Settings.model_validate(table, context=context)
    found = receipts if receipts is not None else []
    provider = kind(GatewayContext("interop", _CLOCK, on_delivery_receipt=found.append), settings)
    provider.open()
    try:
        yield provider
    finally:
        provider.close()
