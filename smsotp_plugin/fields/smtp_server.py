"""
The central definitions ``[smtp_servers.NAME]``: mail servers that gateways of the provider ``smtp`` choose by name.

Models only: who speaks SMTP is `smsotp_plugin.wire.smtp.pool`.
"""

import re
import socket
import ssl
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from smsotp_plugin.fields.host import encode_host, is_loopback
from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.fields.secret import SecretSetting
from smsotp_plugin.fields.tls import check_certificates
from smsotp_plugin.wire.tls import make_tls_context

#: RFC 5321 section 4.1.2: a dot-string before the "@", a name or an address literal behind it. RFC 6531 adds
#: everything beyond ASCII. Quoted local parts are left out: no mail-to-SMS service has them.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN = re.compile(r"(?:\w[\w-]{0,62})(?:\.\w[\w-]{0,62})*|\[[0-9A-Fa-f.:IPv]+\]", re.ASCII)


class Security(StrEnum):
    """How the way to a mail server is protected."""

    NONE = "none"
    """Not at all."""
    STARTTLS = "starttls"
    """In clear first, then TLS. A server that does not offer it is not used."""
    TLS = "tls"
    """TLS from the first byte."""


_USUAL_PORT = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}


def read_address(text: str) -> str:
    """
    Check a mail address and write it as SMTP wants it.

    Args:
        text: ``sms@example.com``; a domain beyond ASCII is turned into its ``xn--`` form.

    Returns:
        The address. It holds no character that could end a header or a command.

    Raises:
        ValueError: It is not a mail address; the text does not repeat it.
    """
    local, at, domain = text.rpartition("@")
    try:
        domain = domain if domain.isascii() else encode_host(domain)
    except ValueError:
        domain = ""
    if not (at and local.isprintable() and _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise ValueError("is not a mail address of the form name@example.com")
    # RFC 5321 section 4.5.3.1.
    if len(local.encode()) > 64 or len(local.encode()) + 1 + len(domain) > 254:
        raise ValueError("is longer than a mail address may be")
    return f"{local}@{domain}"


def _check_host(host: str) -> str:
    try:
        return encode_host(host)
    except ValueError:
        raise ValueError("must be a host name or an address, without a port") from None


def _check_helo(name: str) -> str:
    if name and not (len(name) <= 255 and _DOMAIN.fullmatch(name)):
        raise ValueError("must be a full host name such as radius.example.com, or an address in brackets")
    return name


def find_machine_name() -> str:
    """
    Return the full name of this machine, as a mail server may ask for in EHLO (RFC 5321 section 4.1.1.1).

    Returns:
        A name with a dot, or nothing where the machine has none. May ask the name service.
    """
    name = socket.gethostname()
    if "." not in name:
        name = socket.getfqdn(name)
    known = "." in name and _DOMAIN.fullmatch(name) and not name.startswith(("localhost", "["))
    return name if known and not name.replace(".", "").isdigit() else ""


class SmtpServer(SettingsModel):
    """
    One mail server.

    Attributes:
        host: Name or address. Certificates are compared with it.
        security: ``none``, ``starttls`` or ``tls``.
        port: 1 to 65535. Not set: 25, 587 or 465, depending on `security`.
        username: For AUTH. Not set: there is no log-in.
        password: Belongs to `username`.
        sender: Address that the mails come from.
        helo: Name that the server is greeted with. Not set: the machine's full name, or its address.
        timeout: Seconds that handing over one mail may take in all, from 0.1 to 120. Not set: the gateway's
            ``TIMEOUT``.
        ca_file: Trust these certificate authorities (PEM) only, not those of the system.
        verify: ``false`` accepts any certificate, so anybody on the way to the server can read the mails.
    """

    host: Annotated[str, AfterValidator(_check_host)]
    security: Security = Security.STARTTLS
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default_factory=lambda data: _USUAL_PORT[data.get("security", Security.STARTTLS)]
    )
    username: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    password: SecretSetting | None = None
    sender: Annotated[str, AfterValidator(read_address)]
    helo: Annotated[str, AfterValidator(_check_helo)] = ""
    timeout: Annotated[float, Field(ge=0.1, le=120)] | None = None
    ca_file: Annotated[Path, AfterValidator(check_certificates)] | None = None
    verify: Annotated[bool, Field(strict=True)] = True

    @model_validator(mode="after")
    def _credentials_are_a_pair(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together: set both or none")
        if "\0" in (self.username or "") or (self.password and "\0" in self.password.get_secret_value()):
            raise ValueError("username and password cannot hold a NUL character")
        return self

    @model_validator(mode="after")
    def _certificates_are_used(self) -> Self:
        if self.ca_file is not None and self.security is Security.NONE:
            raise ValueError('ca_file has no effect with security = "none"')
        return self

    def make_tls_context(self) -> ssl.SSLContext | None:
        """
        Make what TLS connections to this server are checked with.

        Returns:
            None where `security` is ``none``.

        Raises:
            OSError: `ca_file` cannot be read any more.
        """
        if self.security is Security.NONE:
            return None
        return make_tls_context(self.verify and (self.ca_file or True))

    def warnings(self) -> list[str]:
        """Return what is allowed but probably not meant, as sentences that begin with the key."""
        found = []
        if self.security is Security.NONE and not is_loopback(self.host):
            found.append(
                "security: none sends codes, and a password if there is one, over the network in clear."
            )
        if self.security is not Security.NONE and not self.verify:
            found.append("verify: false accepts any certificate; name the server's own authority in ca_file.")
        return found


def _find_server(value: Any, info: ValidationInfo) -> Any:
    if value is None or isinstance(value, SmtpServer):
        return value
    servers: dict[str, SmtpServer | None] = (info.context or {}).get("smtp_servers", {})
    if isinstance(value, str) and value in servers:
        if servers[value] is None:
            raise ValueError("must name a table without problems: those of this one are listed, too")
        return servers[value]
    known = ", ".join(sorted(servers)) or "none"
    raise ValueError(f"must name one of the tables [smtp_servers.NAME]; there are: {known}")


#: The name of a definition, looked up in ``smtp_servers`` of the validation context: name -> `SmtpServer`, or None for a
#: definition that could not be read.
SmtpServerSetting = Annotated[SmtpServer | None, BeforeValidator(_find_server)]
