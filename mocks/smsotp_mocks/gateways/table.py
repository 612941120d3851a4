"""The table of all gateways, for whoever starts them by name."""

from collections.abc import Callable
from dataclasses import dataclass, field

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.gateways.http.sipgate import SipgateGateway
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.gateways.smpp.receipts import ReceiptPolicy
from smsotp_mocks.gateways.smtp.gateway import Security, SmtpGateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates


@dataclass(frozen=True, slots=True)
class GatewaySetup:
    """
    Where a gateway listens, and how.

    Attributes:
        host: Address.
        port: 0 takes a free one.
        tls: The certificates to present, over STARTTLS for mail; None: no TLS.
        accounts: The credentials that the gateway accepts.
        receipts: How the SMSC reports delivery.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: Certificates | None = None
    accounts: Accounts = field(default_factory=Accounts)
    receipts: ReceiptPolicy = field(default_factory=ReceiptPolicy)


def _make_smtp(inbox: Inbox, at: GatewaySetup) -> SmtpGateway:
    security: Security = "starttls" if at.tls else "none"
    return SmtpGateway(
        inbox, host=at.host, port=at.port, security=security, certificate=at.tls, accounts=at.accounts
    )


def _make_smpp(inbox: Inbox, at: GatewaySetup) -> Smsc:
    return Smsc(inbox, host=at.host, port=at.port, tls=at.tls, accounts=at.accounts, receipts=at.receipts)


GATEWAYS: dict[str, Callable[[Inbox, GatewaySetup], Gateway]] = {
    "http": lambda inbox, at: HttpGateway(
        inbox, host=at.host, port=at.port, tls=at.tls, accounts=at.accounts
    ),
    "sipgate": lambda inbox, at: SipgateGateway(
        inbox, host=at.host, port=at.port, tls=at.tls, accounts=at.accounts
    ),
    "smtp": _make_smtp,
    "smpp": _make_smpp,
}
