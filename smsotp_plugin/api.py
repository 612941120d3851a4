"""
What the provider of a third party may import, and all that it needs: names that stay where they are.

Everything else in this package may move. A name that is taken away from here breaks somebody's provider.
"""

from smsotp_plugin.clock import Clock, Deadline, SystemClock
from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    BadMessage,
    BadRecipient,
    ConnectFailed,
    CreditExhausted,
    DeliveryError,
    GatewayUnavailable,
    NotSent,
    ProtocolViolation,
    Refused,
    Throttled,
    Unknown,
)
from smsotp_plugin.fields.secret import SecretSetting
from smsotp_plugin.fields.tls import CheckSslSetting
from smsotp_plugin.fields.web import ProxySetting, WebAddressSetting
from smsotp_plugin.providers import find_provider
from smsotp_plugin.providers.base import DeliveryReceipt, GatewayContext, GatewaySettings, LogLevel, Provider
from smsotp_plugin.providers.judging import Reply, clean_id
from smsotp_plugin.providers.web import WebProvider
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import NumberFormat, PhoneNumber, parse_number
from smsotp_plugin.wire.channel import Broken, Channel, Silent
from smsotp_plugin.wire.http.client import HttpWire, Origin, basic_auth, make_request, retry_after, text_of
from smsotp_plugin.wire.tls import make_tls_context

__all__ = [
    "AnswerTimeout",
    "AuthFailed",
    "BadMessage",
    "BadRecipient",
    "Broken",
    "Channel",
    "CheckSslSetting",
    "Clock",
    "ConnectFailed",
    "CreditExhausted",
    "Deadline",
    "DeliveryError",
    "DeliveryReceipt",
    "GatewayContext",
    "GatewaySettings",
    "GatewayUnavailable",
    "HttpWire",
    "LogLevel",
    "Message",
    "NotSent",
    "NumberFormat",
    "Origin",
    "PhoneNumber",
    "ProtocolViolation",
    "Provider",
    "ProxySetting",
    "Receipt",
    "Refused",
    "Reply",
    "SecretSetting",
    "Silent",
    "SystemClock",
    "Throttled",
    "Unknown",
    "WebAddressSetting",
    "WebProvider",
    "basic_auth",
    "clean_id",
    "find_provider",
    "make_request",
    "make_tls_context",
    "parse_number",
    "retry_after",
    "text_of",
]
