"""The provider ``smpp`` keeps the contract."""

import ssl
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from smsotp_conformance import CLOCK, ProviderContract
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.smpp import SmppProvider
from smsotp_plugin.providers.smpp.settings import SmppSettings


class TestTransceiver(ProviderContract):
    """Messages and receipts on one session."""

    host = "127.0.0.1"
    more: dict[str, Any] = {}  # noqa: RUF012  (never changed)

    def serve(self, inbox: Inbox, tls: ssl.SSLContext | None) -> AbstractContextManager[Smsc]:
        return Smsc(inbox, host=self.host, tls=tls)

    def make(self, mock: Smsc, check_tls: bool | Path) -> SmppProvider:  # noqa: FBT001  (as in the settings)
        table = {
            "TIMEOUT": 30,
            **mock.configuration()["gateways.smpp"],
            "TLS": mock.tls is not None,
            "CHECK_SSL": check_tls if isinstance(check_tls, bool) else str(check_tls),
            **self.more,
        }
        return SmppProvider(GatewayContext("contract", CLOCK), SmppSettings.model_validate(table))


class TestTransmitter(TestTransceiver):
    """The bind that only sends."""

    more = {"BIND_TYPE": "transmitter", "VALIDITY_PERIOD": "absolute", "WINDOW": 1}  # noqa: RUF012  (never changed)


class TestVersion6(TestTransceiver):
    """IPv6, and the sender's type found by itself."""

    host = "::1"
    more = {"S_ADDR_TON": None, "S_ADDR_NPI": None}  # noqa: RUF012  (never changed)
