"""One SMSC that a test plays, and a provider that sends to it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from smsotp_plugin.providers.base import DeliveryReceipt, GatewayContext
from smsotp_plugin.providers.smpp import SmppProvider

from .smpp_peer import (
    CLOCK,
    Peer,
    Submit,
    make_provider,
)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as listening:
        yield listening


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


@pytest.fixture
def provider(peer: Peer) -> Iterator[SmppProvider]:
    made = make_provider(peer.port)
    made.open()
    yield made
    peer.hang_up()
    made.close()


@pytest.fixture
def telling(peer: Peer) -> Iterator[tuple[SmppProvider, list[DeliveryReceipt]]]:
    """Give an open provider, and what it tells of delivery receipts."""
    told: list[DeliveryReceipt] = []
    settings = make_provider(peer.port).settings
    made = SmppProvider(GatewayContext("faulty", CLOCK, on_delivery_receipt=told.append), settings)
    made.open()
    yield made, told
    peer.hang_up()
    made.close()


@pytest.fixture
def submit(provider: SmppProvider, pool: ThreadPoolExecutor) -> "Submit":
    return Submit(provider, pool)
