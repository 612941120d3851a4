"""The mail-to-SMS mock: an SMTP server on a real socket that turns every mail into an SMS."""

import secrets
import socket
import time
from typing import Any, Literal

from smsotp_mocks.faults import words
from smsotp_mocks.faults.plan import MESSAGE, FaultPlan, possible
from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.gsm import segments
from smsotp_mocks.gateways.smtp.mail import BadMail, Mail, find_number, read_mail
from smsotp_mocks.gateways.smtp.session import SmtpSession, Transaction
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.inbox.journal import Entry, Journal, Verdict
from smsotp_mocks.net.certificates import Kind, Tls, trusted_by
from smsotp_mocks.net.tcp_server import TcpServer

Security = Literal["none", "starttls", "tls"]
STAGES = (MESSAGE, "connect", "helo", "starttls", "auth", "mail", "rcpt", "data")


class SmtpGateway(TcpServer):
    """
    Mock of a mail-to-SMS service, as strict as Postfix.

    With STARTTLS a log-in is offered only after it; without a log-in RCPT is refused with 554; a wrong password gets
    535. The number is taken from the recipient's local part, else the subject, else (with `+`) the text.

    Args:
        inbox: Where messages go; None makes one.
        name: The messages' `gateway`.
        host: Address to listen on, IPv4 or IPv6.
        port: 0 takes a free one.
        security: How the way is protected.
        certificate: What to present; needed unless `security` is `none`.
        login: A log-in is demanded; None: where there is TLS.
        accounts: The user name and password that may log in.

    Attributes:
        faults: What to do wrong; `message` is the answer after the mail's last line, the other stages are commands.
    """

    kind = "smtp"
    banner = "mail.mock.invalid"

    def __init__(  # noqa: PLR0913  every one is an option with a default, given by name
        self,
        inbox: Inbox | None = None,
        *,
        name: str = "smtp",
        host: str = "127.0.0.1",
        port: int = 0,
        security: Security = "none",
        certificate: Tls | None = None,
        login: bool | None = None,
        accounts: Accounts | None = None,
    ) -> None:
        if security != "none" and certificate is None:
            raise ValueError(
                f"security={security!r} needs a certificate, such as Certificates().server_context()."
            )
        super().__init__(host=host, port=port, tls=certificate if security == "tls" else None)
        self.inbox = inbox if inbox is not None else Inbox()
        self.name = name
        self.security: Security = security
        self.certificate = certificate
        self.login = security != "none" if login is None else login
        self.accounts = accounts or Accounts()
        self.faults = FaultPlan(possible(words.SMTP, certificate), STAGES)
        self._journal = Journal()

    @property
    def offers_starttls(self) -> bool:
        """Whether a client may turn to TLS after the greeting."""
        return self.security == "starttls"

    @property
    def address(self) -> str:
        """Where it listens, as a person would write it."""
        return f"{'smtps' if self.security == 'tls' else 'smtp'}://{self.authority}"

    @property
    def requests(self) -> tuple[Entry, ...]:
        """Mails that came and commands that were refused, oldest first. Never a password."""
        return self._journal.entries()

    def configuration(self) -> dict[str, dict[str, Any]]:
        """Return TOML tables, by dotted name, that make the plugin send through this mock."""
        server: dict[str, Any] = {"host": self.host, "port": self.port, "security": self.security}
        if self.login:
            server |= {"username": self.accounts.smtp_username, "password": self.accounts.smtp_password}
        server |= trusted_by(self.certificate, "ca_file")
        return {
            "smtp_servers.mock": server | {"sender": "otp@mock.invalid"},
            "gateways.smtp": {
                "provider": "smtp",
                "SMTPIDENTIFIER": "mock",
                "MAILTO": "{phone}@sms.mock.invalid",
                "SUBJECT": "{phone}",
                "BODY": "{otp}",
            },
        }

    def clear(self) -> None:
        """Forget faults and requests. The inbox may be shared and is left alone."""
        self.faults.clear()
        self._journal.clear()

    def certificate_kind(self) -> Kind:
        return self.faults.certificate()

    def before_stop(self) -> None:
        self.faults.release()

    def serve(self, connection: socket.socket) -> None:
        SmtpSession(self, connection).run()

    def note(self, verdict: Verdict, reason: str, wire: dict[str, Any]) -> None:
        """Write into the journal. For sessions."""
        self._journal.add(
            Entry(time.time(), self.name, verdict, reason, wire, reason if verdict == "rejected" else "")
        )
        if verdict != "accepted":
            self.inbox.reject(self.name, reason)

    def receive(self, session: SmtpSession, transaction: Transaction, source: bytes) -> None:
        """Judge a whole mail and answer it. For sessions."""
        try:
            mail = read_mail(source)
        except BadMail:
            self._reject(
                session, "554 5.6.0 Error: the message cannot be read", {"recipients": transaction.recipients}
            )
            return
        found = [(address, find_number(address, mail)) for address in transaction.recipients]
        numbers = [(address, number) for address, number in found if number is not None]
        wire = {
            "mail_from": transaction.sender,
            "recipients": transaction.recipients,
            "subject": mail.subject,
            "user": session.user,
            "tls": session.encrypted,
            "source": source.decode("utf-8", "replace"),
        }
        if len(numbers) < len(found):
            self._reject(session, "554 5.7.1 Error: no phone number in recipient, subject or text", wire)
            return
        faults = (self.faults.take(number) for _, number in numbers)
        fault = next((fault for fault in faults if fault is not None), None)
        self.note("fault" if fault else "accepted", fault.action if fault else "", wire)
        self._settle(session, fault, mail, [number for _, number in numbers], wire)

    def _reject(self, session: SmtpSession, reply: str, wire: dict[str, Any]) -> None:
        self.note("rejected", reply, wire)
        session.say(reply)

    def _settle(
        self,
        session: SmtpSession,
        fault: words.Fault | None,
        mail: Mail,
        numbers: list[str],
        wire: dict[str, Any],
    ) -> None:
        action = fault.action if fault else ""
        well = f"250 2.0.0 Ok: queued as {secrets.token_hex(5).upper()}"
        if fault is not None and action == "delay":
            self.faults.pause(fault.seconds)
        copies = {"duplicate": 2, "lose": 0}.get(action, 1)
        if action in ("", "delay", "duplicate", "lose", "mute", "reset-after", "half", "garbage"):
            for number in numbers * copies:
                self._arrive(number, mail, wire)
        if fault is None or action in ("delay", "duplicate", "lose"):
            session.say(well)
        else:
            session.broken(fault, well)

    def _arrive(self, number: str, mail: Mail, wire: dict[str, Any]) -> None:
        self.inbox.add(
            gateway=self.name,
            protocol="smtp",
            number=number,
            text=mail.text,
            segments=segments(mail.text),
            wire=wire,
        )
