"""An SMTP provider, and a message for it."""

from random import Random

from pydantic import SecretStr

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.fields.smtp_server import Security, SmtpServer
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.smtp import SmtpProvider, SmtpSettings
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number

CLOCK = SystemClock()
SERVER = SmtpServer(host="mail.example.com", sender="otp@example.com", timeout=7)
UNPROTECTED = SmtpServer(host="localhost", security=Security.NONE, sender="otp@example.com")
SMALLEST = {"provider": "smtp", "SMTPIDENTIFIED": "relay", "MAILTO": "sms@example.net"}


def settings(server: SmtpServer = SERVER, **changes: object) -> SmtpSettings:
    return SmtpSettings.model_validate(SMALLEST | changes, context={"smtp_servers": {"relay": server}})


def provider(server: SmtpServer = SERVER, **changes: object) -> SmtpProvider:
    return SmtpProvider(GatewayContext("mail", CLOCK, Random(1)), settings(server, **changes))


def message(otp: str = "123456") -> Message:
    number = parse_number("+491701234567", None)
    return Message(
        reference="ref-1",
        user="bob",
        number=number,
        otp=SecretStr(otp),
        sentence=SecretStr(f"Your code is {otp}"),
        expires=CLOCK.time() + 300,
    )
