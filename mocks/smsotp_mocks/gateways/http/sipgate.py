"""The sipgate mock: the XML-RPC face on a server of its own."""

from typing import Any

from smsotp_mocks.faults import words
from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.http.faces.sipgate import SipgateFace
from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Tls, set_authority


class SipgateGateway(HttpGateway):
    """
    Mock of sipgate's SAMURAI service at ``/RPC2``. Everything else is as in `HttpGateway`.

    Attributes:
        faults: Those of HTTP, and ``xml-fault CODE "text"``.
    """

    kind = "sipgate"
    words = words.XML_RPC

    def __init__(  # noqa: PLR0913  (every one is an option with a default, given by name)
        self,
        inbox: Inbox | None = None,
        *,
        name: str = "sipgate",
        host: str = "127.0.0.1",
        port: int = 0,
        tls: Tls | None = None,
        accounts: Accounts | None = None,
    ) -> None:
        known = accounts or Accounts()
        super().__init__(
            inbox, name=name, host=host, port=port, tls=tls, accounts=known, faces=[SipgateFace(known)]
        )

    @property
    def address(self) -> str:
        """The endpoint."""
        return f"{self.url}/RPC2"

    def configuration(self) -> dict[str, dict[str, Any]]:
        """Return the TOML table, by dotted name, that makes the plugin send through this mock."""
        return {
            "gateways.sipgate": {
                "provider": "sipgate",
                "URL": self.address,
                "USERNAME": self.accounts.sipgate_username,
                "PASSWORD": self.accounts.sipgate_password,
                **set_authority(self.tls, "CHECK_SSL"),
            }
        }
