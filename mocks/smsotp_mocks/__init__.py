"""
Mock SMS gateways on real sockets, with one inbox: every SMS can be seen, every gateway can be broken on purpose.

Nothing here knows the plugin. The mocks judge what they receive as the real gateways would, and no more kindly.
"""

from smsotp_mocks.accounts import Accounts
from smsotp_mocks.faults import BadFault, Fault, FaultPlan, Rule
from smsotp_mocks.http_gateway import HttpGateway
from smsotp_mocks.inbox import Inbox, NoMessage, ReceivedMessage
from smsotp_mocks.receipts import ReceiptPolicy
from smsotp_mocks.sipgate import SipgateGateway
from smsotp_mocks.smsc import Smsc
from smsotp_mocks.smtp import SmtpGateway
from smsotp_mocks.web import InboxPage

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
