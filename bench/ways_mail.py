"""Ways to send by mail: smtplib, and our provider."""

import smtplib
from email.message import EmailMessage

from provider_race import NUMBER, TEXT, THREADS, Way, race_in_parallel, send_through_provider

from smsotp_plugin.fields.smtp_server import SmtpServer
from smsotp_plugin.providers.smtp import SmtpProvider


def _make_mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "otp@example.com", f"{NUMBER}@sms.example.com", f"+{NUMBER}"
    mail.set_content(TEXT)
    return mail


def _send_with_a_new_connection(port: int, count: int) -> None:
    for _ in range(count):
        _send_over_one_connection(port, 1)


def _send_over_one_connection(port: int, count: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as server:
        for _ in range(count):
            server.send_message(_make_mail())


def _send_with_the_provider(port: int, messages: int) -> None:
    server = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "otp@example.com"}
    table = {
        "provider": "smtp",
        "SMTPIDENTIFIED": "bench",
        "MAILTO": "{phone}@sms.example.com",
        "BODY": TEXT.replace("123456", "{otp}"),
    }
    servers = {"smtp_servers": {"bench": SmtpServer.model_validate(server)}}
    send_through_provider(SmtpProvider, table, THREADS, messages, servers)


SMTP = (
    race_in_parallel("new smtplib.SMTP for each message", _send_with_a_new_connection, 0.2),
    race_in_parallel("one smtplib.SMTP a thread", _send_over_one_connection),
    Way("provider smtp", _send_with_the_provider),
)
