"""
Mock SMS gateways on real sockets, with one inbox: every SMS can be seen, and every gateway can be broken on purpose.

Nothing here knows the plugin. The mocks judge what they receive as strictly as the real gateways would.
"""

from smsotp_mocks.faults.plan import BadFault, Fault, FaultPlan, Rule
from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.gateways.http.sipgate import SipgateGateway
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.gateways.smpp.receipts import ReceiptPolicy
from smsotp_mocks.gateways.smtp.gateway import SmtpGateway
from smsotp_mocks.inbox.inbox import Inbox, NoMessage
from smsotp_mocks.inbox.messages import ReceivedMessage
from smsotp_mocks.page.server import InboxPage

__all__ = [
    "Accounts",
    "BadFault",
    "Fault",
    "FaultPlan",
    "HttpGateway",
    "Inbox",
    "InboxPage",
    "NoMessage",
    "ReceiptPolicy",
    "ReceivedMessage",
    "Rule",
    "SipgateGateway",
    "Smsc",
    "SmtpGateway",
]
