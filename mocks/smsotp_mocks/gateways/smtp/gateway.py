"""The mail-to-SMS mock: an SMTP server on a real socket that turns every mail into an SMS."""

import socket
from typing import Any, Literal

from smsotp_mocks.faults import words
from smsotp_mocks.faults.plan import MESSAGE, FaultPlan, list_possible
from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.smtp.postbox import Postbox
from smsotp_mocks.gateways.smtp.session import SmtpSession, SmtpTerms
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Tls, set_authority

Security = Literal["none", "starttls", "tls"]
_EARLY = ("connect", "helo", "starttls", "auth", "mail", "rcpt", "data")
STAGES = (MESSAGE, *_EARLY)


class SmtpGateway(Gateway):
    """
    Mock of a mail-to-SMS service, as strict as Postfix.

    With STARTTLS a log-in is offered only after it; without a log-in RCPT is refused with 554; a wrong password gets
    535. The number is taken from the recipient's local part, else the subject, else (with ``+``) the text.

    Args:
        inbox: Where messages go; None makes one.
        name: The messages' `gateway`.
        host: Address to listen on, IPv4 or IPv6.
        port: 0 takes a free one.
        security: How the way is protected.
        certificate: What to present; needed unless `security` is ``none``.
        login: A log-in is demanded; None: where there is TLS.
        accounts: The user name and password that may log in.

    Attributes:
        faults: What to do wrong; ``message`` is the answer after the mail's last line, the other stages are commands.
    """

    kind = "smtp"
    banner = "mail.mock.invalid"

    def __init__(  # noqa: PLR0913  (every one is an option with a default, given by name)
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
        super().__init__(
            inbox,
            accounts,
            FaultPlan(list_possible(words.SMTP, certificate), STAGES, early=_EARLY, numbered=("rcpt",)),
            name=name,
            host=host,
            port=port,
            tls=certificate if security == "tls" else None,
        )
        self.security: Security = security
        self.certificate = certificate
        self.login = security != "none" if login is None else login
        self._postbox = Postbox(self)

    @property
    def address(self) -> str:
        """Where it listens, as a person would write it."""
        return f"{'smtps' if self.security == 'tls' else 'smtp'}://{self.authority}"

    def configuration(self) -> dict[str, dict[str, Any]]:
        """Return TOML tables, by dotted name, that make the plugin send through this mock."""
        server: dict[str, Any] = {"host": self.host, "port": self.port, "security": self.security}
        if self.login:
            server |= {"username": self.accounts.smtp_username, "password": self.accounts.smtp_password}
        server |= set_authority(self.certificate, "ca_file")
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

    def serve(self, connection: socket.socket) -> None:
        starttls = self.certificate if self.security == "starttls" else None
        terms = SmtpTerms(self.banner, login=self.login, starttls=starttls)
        SmtpSession(self, terms, self._postbox, connection).run()
