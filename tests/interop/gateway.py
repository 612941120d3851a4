"""Our providers as the tests make them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from smsotp_conformance import CLOCK
from smsotp_plugin.providers.base import DeliveryReceipt, GatewayContext, Provider


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
    provider = kind(GatewayContext("interop", CLOCK, on_delivery_receipt=found.append), settings)
    provider.open()
    try:
        yield provider
    finally:
        provider.close()
