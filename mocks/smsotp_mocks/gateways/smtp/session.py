"""One client's connection to the mail mock: the dialogue of RFC 5321, answered as Postfix does."""

import base64
import binascii
import contextlib
import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from smsotp_mocks.faults.words import Fault
from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.smtp.mail import find_number_in_address
from smsotp_mocks.gateways.smtp.postbox import Postbox, Reply, Transaction
from smsotp_mocks.net.certificates import Tls
from smsotp_mocks.net.tcp_server import finish, reset

MOST_LINE = 2048  # RFC 5321 section 4.5.3.1 asks for 512 and 1000; extensions may add to it
MOST_MAIL = 256 * 1024
MOST_RECIPIENTS = 100
_REVERSE_PATH = re.compile(r"(?i)FROM:\s*<([^<>\s]*)>(?:\s+(.*))?")
_FORWARD_PATH = re.compile(r"(?i)TO:\s*<([^<>\s]*)>(?:\s+(.*))?")
#: Of MAIL: what may stand behind its path (RFC 1870, 6152, 6531, 4954).
_MAIL_PARAMETERS = re.compile(r"(?i)SIZE=.*|BODY=(?:7BIT|8BITMIME)|SMTPUTF8|AUTH=\S+")
_SIZE = re.compile(r"[0-9]{1,20}")
_LOGGED_IN = "235 2.7.0 Authentication successful"
_GARBAGE = b"\x00\xff\xfe this is no reply\r\n"
_TROUBLE = {
    "throttle": "451 4.7.1 Error: too much mail, try again later",
    "refuse": "550 5.1.1 Error: recipient address rejected: user unknown",
    "unavailable": "451 4.3.0 Error: service unavailable, try again later",
}


class _Closed(ConnectionAbortedError):
    """The session is over."""


@dataclass(frozen=True, slots=True)
class SmtpTerms:
    """
    What is offered to every client.

    Attributes:
        banner: The server's name.
        login: A log-in is demanded.
        starttls: What to present when a client turns to TLS; None: that is not offered.
    """

    banner: str
    login: bool
    starttls: Tls | None


class SmtpSession:
    """
    Reads commands and answers them until the client has gone.

    Args:
        gateway: Whose journal, faults and accounts.
        terms: What is offered.
        postbox: Takes the mails.
        connection: The client's.

    Attributes:
        user: Who has logged in, else empty.
        encrypted: TLS is in use.
    """

    def __init__(
        self, gateway: Gateway, terms: SmtpTerms, postbox: Postbox, connection: socket.socket
    ) -> None:
        self._gateway = gateway
        self._terms = terms
        self._postbox = postbox
        self._connection = connection
        self._buffer = b""
        self._greeted = False
        self._mail = Transaction()
        self.user = ""
        self.encrypted = isinstance(connection, ssl.SSLSocket)

    def run(self) -> None:
        """Serve until the connection ends."""
        commands = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail_from,
            "RCPT": self._rcpt_to,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": lambda _: self._say("250 2.0.0 Ok"),
            "VRFY": self._vrfy,
            "QUIT": self._quit,
        }
        with contextlib.suppress(_Closed):
            self._reply("connect", f"220 {self._terms.banner} ESMTP")
            while (line := self._read_line(MOST_LINE)) is not None:
                word, _, argument = line.decode("utf-8", "replace").strip().partition(" ")
                handle = commands.get(word.upper())
                if handle is None:
                    self._say(f"500 5.5.2 Error: {'command not recognized' if word else 'bad syntax'}")
                else:
                    handle(argument.strip())

    def _ehlo(self, argument: str) -> None:
        if not argument:
            self._reject("501 Syntax: EHLO hostname")
            return
        lines = [
            self._terms.banner,
            f"SIZE {MOST_MAIL}",
            "PIPELINING",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
        ]
        if self._terms.starttls and not self.encrypted:
            lines.append("STARTTLS")
        if self._may_log_in:
            lines.append("AUTH PLAIN LOGIN")
        self._greeted, self._mail = True, Transaction()
        self._reply("helo", _write_reply(250, lines))

    def _helo(self, argument: str) -> None:
        if not argument:
            self._reject("501 Syntax: HELO hostname")
            return
        self._greeted, self._mail = True, Transaction()
        self._reply("helo", f"250 {self._terms.banner}")

    @property
    def _may_log_in(self) -> bool:
        return self._terms.login and (self.encrypted or not self._terms.starttls)

    def _starttls(self, argument: str) -> None:
        if argument:
            self._say("501 5.5.4 Syntax: STARTTLS")
        elif self._terms.starttls is None:
            self._say("502 5.5.1 Error: command not implemented")
        elif self.encrypted:
            self._say("554 5.5.1 Error: TLS already active")
        elif self._reply("starttls", "220 2.0.0 Ready to start TLS"):
            # What came in clear behind the command is thrown away (CVE-2011-0411).
            self._buffer = b""
            self._connection = self._gateway.encrypt(self._connection, self._terms.starttls)
            self.encrypted, self._greeted, self._mail = True, False, Transaction()

    def _auth(self, argument: str) -> None:
        if not self._may_log_in:
            self._reject("503 5.5.1 Error: authentication not enabled")
        elif self.user:
            self._reject("503 5.5.1 Error: already authenticated")
        elif self._mail.sender is not None:
            self._reject("503 5.5.1 Error: MAIL transaction in progress")
        elif not argument:
            self._reject("501 5.5.4 Syntax: AUTH mechanism")
        elif not self._strike("auth", _LOGGED_IN):
            self._log_in(argument)

    def _log_in(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        try:
            if mechanism.upper() == "PLAIN":
                _, user, password = self._read_secret(initial, "").split(b"\0")
            elif mechanism.upper() == "LOGIN":
                user = self._read_secret(initial, "VXNlcm5hbWU6")  # Username:
                password = self._read_secret("", "UGFzc3dvcmQ6")  # Password:
            else:
                self._reject("535 5.7.8 Error: authentication failed: Invalid authentication mechanism")
                return
        except (ValueError, binascii.Error):
            self._reject("501 5.5.2 Error: cannot decode the authentication")
            return
        accounts = self._gateway.accounts
        if (user, password) != (accounts.smtp_username.encode(), accounts.smtp_password.encode()):
            self._reject("535 5.7.8 Error: authentication failed")
            return
        self.user = accounts.smtp_username
        self._say(_LOGGED_IN)

    def _read_secret(self, initial: str, prompt: str) -> bytes:
        if not initial:
            self._say(f"334 {prompt}")
            line = self._read_line(MOST_LINE)
            if line is None:
                raise _Closed
            initial = line.strip().decode("ascii")
        return base64.b64decode("" if initial == "=" else initial, validate=True)

    def _mail_from(self, argument: str) -> None:
        path = _REVERSE_PATH.fullmatch(argument)
        if not self._greeted:
            self._reject("503 5.5.1 Error: send HELO/EHLO first")
        elif self._mail.sender is not None:
            self._reject("503 5.5.1 Error: nested MAIL command")
        elif path is None:
            self._reject("501 5.5.4 Syntax: MAIL FROM:<address>")
        elif path.group(1).endswith("@"):
            self._reject("501 5.1.7 Bad sender address syntax")
        elif (wrong := _find_wrong_parameter(path.group(2))) is not None:
            self._reject(wrong)
        elif self._reply("mail", "250 2.1.0 Ok"):
            self._mail.sender = path.group(1)

    def _rcpt_to(self, argument: str) -> None:
        path = _FORWARD_PATH.fullmatch(argument)
        if self._mail.sender is None:
            self._reject("503 5.5.1 Error: need MAIL command")
        elif path is None:
            self._reject("501 5.5.4 Syntax: RCPT TO:<address>")
        elif not path.group(1).rpartition("@")[0] or path.group(1).endswith("@"):
            self._reject("501 5.1.3 Bad recipient address syntax")
        elif path.group(2):
            self._reject(f"555 5.5.4 Unsupported option: {path.group(2).split()[0][:40]}")
        elif self._terms.login and not self.user:
            self._reject(f"554 5.7.1 <{path.group(1)}>: Relay access denied")
        elif len(self._mail.recipients) >= MOST_RECIPIENTS:
            self._reject("452 4.5.3 Error: too many recipients")
        elif self._reply("rcpt", "250 2.1.5 Ok", find_number_in_address(path.group(1))):
            self._mail.recipients.append(path.group(1))

    def _data(self, argument: str) -> None:
        if argument:
            self._reject("501 5.5.4 Syntax: DATA")
            return
        if not self._mail.recipients:
            begun = self._mail.sender is not None
            self._reject(
                "554 5.5.1 Error: no valid recipients" if begun else "503 5.5.1 Error: need RCPT command"
            )
            return
        if not self._reply("data", "354 End data with <CR><LF>.<CR><LF>"):
            return
        source = self._read_content()
        mail, self._mail = self._mail, Transaction()
        if source is None:
            self._reject("552 5.3.4 Error: message file too big")
        else:
            self._answer(self._postbox.take(mail, source, user=self.user, encrypted=self.encrypted))

    def _answer(self, reply: Reply) -> None:
        if reply.fault is None:
            self._say(reply.line)
        else:
            self._break_off(reply.fault, reply.line)

    def _read_content(self) -> bytes | None:
        """Read up to the line with a single dot (RFC 5321 section 4.5.2); None: it was too large."""
        content = bytearray()
        size = 0
        # A line feed alone ends no line: a dot behind it is text.
        begins = True
        while (line := self._read_line(MOST_MAIL)) != b".\r\n" or not begins:
            if line is None:
                raise _Closed
            size += len(line)
            if size <= MOST_MAIL:
                content += line.removeprefix(b".") if begins else line
            begins = line.endswith(b"\r\n")
        return bytes(content) if size <= MOST_MAIL else None

    def _vrfy(self, argument: str) -> None:
        self._say("252 2.0.0 Ok" if argument else "501 5.5.4 Syntax: VRFY address [SMTPUTF8]")

    def _rset(self, argument: str) -> None:
        if argument:
            self._reject("501 5.5.4 Syntax: RSET")
            return
        self._mail = Transaction()
        self._say("250 2.0.0 Ok")

    def _quit(self, argument: str) -> None:
        if argument:
            self._reject("501 5.5.4 Syntax: QUIT")
            return
        self._say("221 2.0.0 Bye")
        raise _Closed

    def _reply(self, stage: str, normal: str, number: str | None = None) -> bool:
        """Answer at a stage, as a fault wants it or well; return whether the command took effect."""
        if self._strike(stage, normal, number):
            return False
        self._say(normal)
        return True

    def _strike(self, stage: str, normal: str, number: str | None = None) -> bool:
        """Let a fault of this stage strike; return False where all goes on as usual."""
        fault = self._gateway.faults.take(number, stage)
        if fault is None:
            return False
        self._gateway.note("fault", f"{fault.action} at {stage}", {})
        if fault.action == "delay":
            self._gateway.faults.pause(fault.seconds)
            return False
        self._break_off(fault, normal)
        return True

    def _break_off(self, fault: Fault, normal: str) -> None:
        """Answer wrongly, or not at all; `normal` would have been said."""
        if fault.action in ("hang", "mute"):
            self._gateway.faults.hang()
            raise _Closed
        if fault.action in ("reset-before", "reset-after"):
            reset(self._connection)
            raise _Closed
        if fault.action == "half":
            whole = normal.encode() + b"\r\n"
            self._end_with(whole[: len(whole) // 2 if fault.bytes is None else fault.bytes])
        if fault.action == "garbage":
            self._end_with(_GARBAGE)
        if fault.action == "smtp-reply":
            self._say(
                _write_reply(fault.code, re.split("\r\n|\r|\n", fault.text or "as the fault rule says"))
            )
        else:
            self._say(_TROUBLE[fault.action])

    def _reject(self, line: str) -> None:
        self._gateway.note("rejected", line, {}, answer=line)
        self._say(line)

    def _say(self, line: str) -> None:
        self._connection.sendall(line.encode() + b"\r\n")

    def _end_with(self, data: bytes) -> None:
        self._connection.sendall(data)
        finish(self._connection)
        raise _Closed

    def _read_line(self, most: int) -> bytes | None:
        """Return a line with its end; None at the end of the connection. A longer one ends the session."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > most:
                self._reject("500 5.5.2 Error: line too long")
                raise _Closed
            received = self._connection.recv(65536)
            if not received:
                return None
            self._buffer += received
        line, end, self._buffer = self._buffer.partition(b"\n")
        return line + end


def _write_reply(code: int | None, lines: Sequence[str]) -> str:
    """Return a reply of one line or several (RFC 5321 section 4.2.1)."""
    return "\r\n".join([*(f"{code}-{line}" for line in lines[:-1]), f"{code} {lines[-1]}"])


def _find_wrong_parameter(text: str | None) -> str | None:
    """Return what is to be answered to the parameters of MAIL where they cannot be taken (RFC 5321 section 4.1.1.11)."""
    for word in (text or "").split():
        if not _MAIL_PARAMETERS.fullmatch(word):
            return f"555 5.5.4 Unsupported option: {word[:40]}"
        name, _, value = word.partition("=")
        if name.upper() != "SIZE":
            continue
        if not _SIZE.fullmatch(value):
            return "501 5.5.4 Bad message size syntax"
        if int(value) > MOST_MAIL:
            return f"552 5.3.4 Message size exceeds fixed limit of {MOST_MAIL} bytes"
    return None
