"""
One connection to a mail server, from the greeting to QUIT; `smsotp_plugin.wire.smtp.pool` keeps several.

RFC 5321, with STARTTLS (RFC 3207), AUTH PLAIN and LOGIN (RFC 4954) and SMTPUTF8 (RFC 6531). What is in the mail and what
an answer means is not decided here.

Not built on `smtplib`: that counts its time limit anew for every read, takes answers of any length, and can log in only
with ASCII passwords.
"""

import contextlib
import re
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import SecretStr

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    BadRecipient,
    GatewayUnavailable,
    ProtocolViolation,
)
from smsotp_plugin.wire.channel import Broken, Channel, Silent

_MOST_LINES = 100
_REPLY_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?")
_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")
#: What SASL mechanisms are called (RFC 4422 section 3.1); nothing else of an offer gets into a log.
_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}")
#: A mechanism that is not served, is too weak or needs more than this: not a wrong password (RFC 4954 section 6, RFC 5321).
_TRY_ANOTHER = frozenset({500, 501, 502, 503, 504, 534, 538})


class Stage(StrEnum):
    """What the server was asked when it answered."""

    GREETING = "greeting"
    HELLO = "EHLO"
    OLD_HELLO = "HELO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    CHECK = "NOOP"
    RESET = "RSET"
    SENDER = "MAIL FROM"
    RECIPIENT = "RCPT TO"
    DATA = "DATA"
    CONTENT = "end of data"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The reply that ended an exchange.

    Attributes:
        stage: What it answers.
        code: Reply code, 200 to 599.
        text: All lines without their codes, Latin-1, joined by line breaks. May repeat parts of the mail.
    """

    stage: Stage
    code: int
    text: str = field(repr=False)

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463) such as ``5.7.1``, or nothing."""
        found = _ENHANCED.match(self.text)
        return found[0] if found else ""

    @property
    def words(self) -> str:
        """What it says to people: all lines in one, without enhanced codes."""
        lines = (
            _ENHANCED.sub("", line, count=1) if _ENHANCED.match(line) else line
            for line in self.text.split("\n")
        )
        return " ".join(stripped for line in lines if (stripped := line.strip()))


@dataclass(frozen=True, slots=True)
class MailServer:
    """
    A mail server and how to talk to it.

    Attributes:
        host: Name or address; certificates are compared with it.
        port: TCP port.
        tls: What certificates are checked with; None: the connection stays in clear.
        starttls: With `tls`: the connection begins in clear.
        username: For AUTH, or None.
        password: Belongs to `username`.
        helo: The name that we greet with; empty: our address, as a literal (RFC 5321 section 4.1.3).
    """

    host: str
    port: int
    tls: ssl.SSLContext | None
    starttls: bool = False
    username: str | None = None
    password: SecretStr | None = None
    helo: str = ""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Mail:
    """
    One mail to one recipient.

    Attributes:
        sender: Envelope address.
        recipient: Envelope address.
        content: Header and body with CRLF line ends, the last line ended too.
    """

    sender: str
    recipient: str = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def needs_utf8(self) -> bool:
        """Whether an address can only be written with SMTPUTF8."""
        return not (self.sender.isascii() and self.recipient.isascii())


class Declined(Exception):
    """The server answered a step with something other than what it takes to go on."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.stage)
        self.answer = answer


class Connection:
    """
    One connection; used by one thread at a time, except for `abort`.

    Every step raises `Broken` when the connection fails under it and `Declined` when the server does not take it. What the
    server does not offer is not asked for: that is an error of its own, in words of ours.
    """

    def __init__(self, server: MailServer) -> None:
        self.server = server
        self.extensions: dict[str, str] = {}
        #: The reply to EHLO where only HELO was taken, which offers nothing.
        self._refusal: Answer | None = None
        #: Monotonic seconds of the last use, kept by the owner.
        self.used_at = 0.0
        self.channel = Channel(str(server))
        self._opened = False
        self._in_step = False
        self._in_transaction = False

    @property
    def reusable(self) -> bool:
        """Whether the last command has its complete answer and another one may follow."""
        return self._opened and self._in_step

    def open(self, deadline: Deadline) -> None:
        """
        Connect, agree on TLS and log in.

        Raises:
            AuthFailed: The server offers no way to log in that we know.
        """
        server = self.server
        self.channel.connect(server.host, server.port, deadline, None if server.starttls else server.tls)
        self._read_expected(Stage.GREETING, (220,), deadline)
        self._greet(deadline)
        if server.tls is not None and server.starttls:
            self._start_tls(server.tls, deadline)
        if server.username is not None and server.password is not None:
            self._log_in(server.username, server.password.get_secret_value(), deadline)
        self._opened = True

    def check(self, deadline: Deadline) -> Answer:
        """Find out whether the server still listens."""
        return self._ask(Stage.CHECK, "NOOP", (250,), deadline)

    def begin(self, mail: Mail, deadline: Deadline) -> None:
        """
        Name the sender of a mail; the first step of a transaction.

        Raises:
            BadRecipient: The recipient's address needs SMTPUTF8, which the server does not offer.
            GatewayUnavailable: The sender's does.
        """
        if self._in_transaction:
            self._ask(Stage.RESET, "RSET", (250,), deadline)
        extension = ""
        if mail.needs_utf8:
            self._demand_utf8(mail)
            extension = " SMTPUTF8"
        self._in_transaction = True
        self._ask(Stage.SENDER, f"MAIL FROM:<{mail.sender}>{extension}", (250,), deadline)

    def finish(self, mail: Mail, deadline: Deadline) -> Answer:
        """
        Name the recipient, hand over the content and wait for the last answer, whatever it is.

        Raises:
            Unknown: The mail was complete when the connection failed or fell silent.
        """
        self._ask(Stage.RECIPIENT, f"RCPT TO:<{mail.recipient}>", (250, 251), deadline)
        self._ask(Stage.DATA, "DATA", (354,), deadline)
        # A line that begins with a dot gets a second one (RFC 5321 section 4.5.2).
        self._in_step = False
        self.channel.write(re.sub(rb"(?m)^\.", b"..", mail.content), deadline)
        if not self.channel.quiet():
            # It has gone, or has given the answer to the mail before it has the mail: nobody could tell it from the real one.
            raise Broken(f"{self.server} spoke, or hung up, before it had the complete mail")
        # Written apart: whatever fails up to the end of this line, the server has no complete mail.
        self.channel.write(b".\r\n", deadline)
        try:
            answer = self._read_answer(Stage.CONTENT, deadline)
        except Silent as exc:
            raise AnswerTimeout(f"{self.server} did not answer after the mail was written") from exc
        except Broken as exc:
            raise ProtocolViolation(f"the mail was written, then: {exc}") from exc
        self._in_transaction = False
        return answer

    def quit(self, deadline: Deadline) -> None:
        """Take leave and close; never raises."""
        with contextlib.suppress(Broken, Declined):
            if self.reusable:
                self._ask(Stage.CHECK, "QUIT", (221,), deadline)
        self.close()

    def close(self) -> None:
        """Hang up without a word."""
        self._opened = False
        self.channel.close()

    def _greet(self, deadline: Deadline) -> None:
        name = self.server.helo or self._write_own_literal()
        self.extensions, self._refusal = {}, None
        try:
            answer = self._ask(Stage.HELLO, f"EHLO {name}", (250,), deadline)
        except Declined as exc:
            if exc.answer.code < 500:
                raise
            self._refusal = exc.answer
            self._ask(Stage.OLD_HELLO, f"HELO {name}", (250,), deadline)
        else:
            self.extensions = _read_extensions(answer.text)

    def _start_tls(self, tls: ssl.SSLContext, deadline: Deadline) -> None:
        if "STARTTLS" not in self.extensions:
            raise Broken(f"{self._offers_no('STARTTLS')}; nothing is sent in clear")
        self._ask(Stage.STARTTLS, "STARTTLS", (220,), deadline)
        self.channel.encrypt(tls, self.server.host, deadline)
        # What was offered in clear proves nothing: it is asked for again (RFC 3207 section 4.2).
        self._greet(deadline)

    def _write_own_literal(self) -> str:
        own = self.channel.own_address()
        return f"[IPv6:{own}]" if ":" in own else f"[{own}]"

    def _demand_utf8(self, mail: Mail) -> None:
        if "SMTPUTF8" in self.extensions:
            return
        lacking = f"{self._offers_no('SMTPUTF8')}, which"
        if mail.sender.isascii():
            raise BadRecipient(f"{lacking} the recipient's address needs: write it in ASCII")
        raise GatewayUnavailable(f"{lacking} the sender's address needs: write `sender` in ASCII")

    def _log_in(self, username: str, password: str, deadline: Deadline) -> None:
        offered = self.extensions.get("AUTH", "").upper().split()
        ways = [name for name in ("PLAIN", "LOGIN") if name in offered]
        if not ways:
            raise AuthFailed(self._explain_no_way_in(offered))
        for name in ways:
            try:
                if name == "PLAIN":
                    self._log_in_plain(username, password, deadline)
                else:
                    self._log_in_login(username, password, deadline)
            except Declined as exc:
                if exc.answer.code not in _TRY_ANOTHER or name == ways[-1]:
                    raise
            else:
                return

    def _log_in_plain(self, username: str, password: str, deadline: Deadline) -> None:
        credentials = _encode_base64(f"\0{username}\0{password}")
        answer = self._ask(Stage.AUTH, f"AUTH PLAIN {credentials}", (235, 334), deadline)
        if answer.code == 334:
            # A server that does not read them on the line of the command asks for them.
            self._ask(Stage.AUTH, credentials, (235,), deadline)

    def _log_in_login(self, username: str, password: str, deadline: Deadline) -> None:
        self._ask(Stage.AUTH, "AUTH LOGIN", (334,), deadline)
        self._ask(Stage.AUTH, _encode_base64(username), (334,), deadline)
        self._ask(Stage.AUTH, _encode_base64(password), (235,), deadline)

    def _explain_no_way_in(self, offered: list[str]) -> str:
        if named := [name for name in offered if _MECHANISM.fullmatch(name)][:10]:
            return (
                f"{self.server} offers AUTH {', '.join(named)} only; PLAIN or LOGIN is needed: "
                f"let the server offer one of them to us, or use another server"
            )
        if self._refusal:
            return f"{self._offers_no('AUTH')}: set `helo` of the server to a name that it takes"
        secured = self.server.tls is not None
        hint = "" if secured else ' (many servers offer it after TLS only: security = "starttls")'
        return (
            f"{self.server} offers no AUTH{hint}: remove username and password, or use the port for log-ins"
        )

    def _offers_no(self, extension: str) -> str:
        if self._refusal is None:
            return f"{self.server} does not offer {extension}"
        code = f"{self._refusal.code} {self._refusal.enhanced}".rstrip()
        return f"{self.server} refuses EHLO ({code}), and offers no {extension} without it"

    def _ask(self, stage: Stage, command: str, wanted: tuple[int, ...], deadline: Deadline) -> Answer:
        self._in_step = False
        self.channel.write(command.encode() + b"\r\n", deadline)
        return self._read_expected(stage, wanted, deadline)

    def _read_expected(self, stage: Stage, wanted: tuple[int, ...], deadline: Deadline) -> Answer:
        answer = self._read_answer(stage, deadline)
        if answer.code not in wanted:
            raise Declined(answer)
        return answer

    def _read_answer(self, stage: Stage, deadline: Deadline) -> Answer:
        texts: list[str] = []
        first = b""
        for _ in range(_MOST_LINES):
            line = _REPLY_LINE.fullmatch(self.channel.read_line(deadline))
            if line is None:
                raise Broken(f"{self.server} sent something that is not an SMTP reply to {stage}")
            first = first or line[1][:1]
            if line[1][:1] != first:
                # All lines have the same code (RFC 5321 section 4.2.1); nobody can tell which of these is meant.
                raise Broken(f"{self.server} sent a reply to {stage} that says both yes and no")
            texts.append((line[3] or b"").decode("latin-1"))
            if line[2] != b"-":
                # 421: the server closes the connection after this answer.
                self._in_step = line[1] != b"421"
                return Answer(stage, int(line[1]), "\n".join(texts))
        raise Broken(f"{self.server} sent an endless reply to {stage}")


def _read_extensions(greeting: str) -> dict[str, str]:
    """
    Read the answer to EHLO: keyword in capitals -> parameters (RFC 5321 section 4.1.1.1).

    Several lines with one keyword count together, and `AUTH=` is AUTH, as old servers and their clients have it.
    """
    found: dict[str, str] = {}
    for line in greeting.split("\n")[1:]:
        keyword, *parameters = re.sub(r"^AUTH=", "AUTH ", line, flags=re.IGNORECASE).split() or [""]
        found[keyword.upper()] = " ".join([found.get(keyword.upper(), ""), *parameters]).strip()
    return found


def _encode_base64(text: str) -> str:
    return b64encode(text.encode()).decode()
