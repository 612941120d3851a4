"""
The provider ``smtp``: a mail to a mail-to-SMS gateway (RFC 5321, 5322).

The mail is what such gateways can read: one part of text/plain, 7-bit where the text allows it, else quoted-printable
UTF-8, never base64.
"""

import re
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, ValidationInfo, model_validator

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import (
    AuthFailed,
    BadMessage,
    BadRecipient,
    DeliveryError,
    GatewayUnavailable,
    ProtocolViolation,
    Throttled,
)
from smsotp_plugin.fields.smtp_server import (
    Security,
    SmtpServer,
    SmtpServerSetting,
    find_machine_name,
    read_address,
)
from smsotp_plugin.fields.template import GATEWAY_TAGS, Template, TemplateSetting, explain_missing_tag
from smsotp_plugin.providers.base import GatewayContext, GatewaySettings, Provider
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.wire.smtp.pool import Answer, Mail, MailServer, SmtpPool, Stage

#: Characters in a line of quoted-printable text (RFC 2045 section 6.7) and of encoded headers (RFC 2047 section 2).
_FOLDED = 76
#: RFC 5322 section 2.1.1, without the line end.
_LONGEST_LINE = 998
#: What 7-bit text may hold besides the printable characters.
_PLAIN_TEXT = re.compile(r"[\x20-\x7e\t\r\n]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: How Postfix, Exim and Sendmail name their queue entry when they take a mail.
_QUEUE_ID = re.compile(
    r"queued as ([\w.-]+)|\bid=([\w.-]+)|(?<![\w.-])([\w.-]+) Message accepted", re.IGNORECASE | re.ASCII
)


#: What is wrong with the sender's address, or with what we say, and not with the recipient (RFC 3463 sections 3.2 and 3.6).
#: Servers tell it with RCPT, so that their log has the recipient.
_BLAMES_OTHERS = re.compile(r"5\.(?:1\.[78]|5\.[0-9]{1,3})")
#: How servers say the same that give no enhanced codes, such as Exim and qmail.
_BLAMES_RIGHTS = re.compile(
    r"\brelay(?! recipient table)|\bauthenti|\brcpthosts\b|\bclient host reject", re.IGNORECASE
)
_BLAMES_SENDER = re.compile(r"\bsender (?:verif|address|domain|reject|unknown|denied)", re.IGNORECASE)
_NAMES_GREETING = re.compile(r"\b(?:HELO|EHLO)\b", re.IGNORECASE)
#: What is an address or the name of a host, and not a word.
_NAME = re.compile(r"@|\w\.\w")


def _check_address_template(template: Template) -> Template:
    read_address(template.fill_with_examples())
    return template


class SmtpSettings(GatewaySettings):
    """
    What a gateway behind a mail server needs.

    Attributes:
        SMTPIDENTIFIED: Name of a ``[smtp_servers.NAME]``.
        SMTPIDENTIFIER: Another spelling of the same; set one of the two.
        MAILTO: Address of the mail-to-SMS gateway; may hold tags.
        SUBJECT: May hold tags.
        BODY: May hold tags and several lines.
        TIMEOUT: As everywhere. Not set: the server's ``timeout``, if it has one.
    """

    SMTPIDENTIFIED: SmtpServerSetting = None
    SMTPIDENTIFIER: SmtpServerSetting = None
    MAILTO: Annotated[TemplateSetting, AfterValidator(_check_address_template)]
    SUBJECT: TemplateSetting = GATEWAY_TAGS.read("{phone}")
    BODY: TemplateSetting = GATEWAY_TAGS.read("{otp}")

    @model_validator(mode="before")
    @classmethod
    def _take_the_servers_timeout(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict) or "TIMEOUT" in data:
            return data
        name = data.get("SMTPIDENTIFIED", data.get("SMTPIDENTIFIER"))
        server = (info.context or {}).get("smtp_servers", {}).get(name) if isinstance(name, str) else name
        limit = server.timeout if isinstance(server, SmtpServer) else None
        return data if limit is None else {**data, "TIMEOUT": limit}

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        if (self.SMTPIDENTIFIED is None) == (self.SMTPIDENTIFIER is None):
            raise ValueError(
                "SMTPIDENTIFIED must name one of the [smtp_servers.NAME] (or SMTPIDENTIFIER, not both)"
            )
        return self

    @property
    def server(self) -> SmtpServer:
        """The chosen mail server."""
        server = self.SMTPIDENTIFIED or self.SMTPIDENTIFIER
        assert server is not None
        return server

    def problems(self) -> list[str]:
        """Return which tags are missing."""
        templates = [self.MAILTO, self.SUBJECT, self.BODY]
        found = super().problems()
        if phone := explain_missing_tag(templates, "phone"):
            found.append(f"SUBJECT: {phone}, or the gateway cannot know the number")
        if otp := explain_missing_tag(templates, "otp"):
            found.append(f"BODY: {otp}, or no SMS holds the code")
        return found

    def warnings(self) -> list[str]:
        """Return what is allowed but probably not meant."""
        found = super().warnings()
        for key, template in (("MAILTO", self.MAILTO), ("SUBJECT", self.SUBJECT), ("BODY", self.BODY)):
            found += [f"{key}: {problem}." for problem in template.explain_unknown()]
        return found


class SmtpProvider(Provider[SmtpSettings, Mail, Answer]):
    """Sends through a mail server."""

    Settings: ClassVar[type[GatewaySettings]] = SmtpSettings

    def __init__(self, context: GatewayContext, settings: SmtpSettings) -> None:
        super().__init__(context, settings)
        self._pool = SmtpPool(_describe_server(settings.server), context.clock, settings.CONNECTIONS)

    def close(self) -> None:
        """Say QUIT on idle connections and end busy ones."""
        self._pool.close()

    def compose(self, message: Message) -> Mail:
        """Build the mail."""
        tags = {"phone": self.written_number(message.number), "otp": message.otp.get_secret_value()}
        try:
            recipient = read_address(self.settings.MAILTO.fill(**tags))
        except ValueError:
            raise BadMessage("MAILTO, with its tags filled in, is not a mail address") from None
        sender = self.settings.server.sender
        rules = policy.SMTP if recipient.isascii() and sender.isascii() else policy.SMTPUTF8
        mail = EmailMessage(policy=rules.clone(max_line_length=_FOLDED))
        mail["From"] = sender
        mail["To"] = recipient
        # A header is one line: a line break in a text becomes a blank and can never begin another header.
        mail["Subject"] = _CONTROL.sub(" ", self.settings.SUBJECT.fill(**tags)).strip()
        mail["Date"] = format_datetime(datetime.fromtimestamp(self.context.clock.time(), UTC))
        mail["Message-ID"] = self._make_message_id(message.reference)
        mail["Auto-Submitted"] = "auto-generated"
        _set_body(mail, self.settings.BODY.fill(**tags))
        content = mail.as_bytes()
        return Mail(sender, recipient, content)

    def exchange(self, request: Mail, deadline: Deadline) -> Answer:
        """Hand the mail over."""
        return self._pool.send(request, deadline)

    def judge(self, answer: Answer) -> Receipt:
        """Read the reply code, its enhanced code and the step that it answers."""
        if answer.stage is Stage.CONTENT and 200 <= answer.code < 300:
            queued = _QUEUE_ID.search(answer.text)
            return Receipt(gateway_id=next(filter(None, queued.groups()))[:128] if queued else "")
        raise self._judge_failure(answer)

    def show_request(self, request: Mail) -> str:
        """Return the mail."""
        return f"mail: {request.content.decode('utf-8', 'replace')!r}"

    def show_answer(self, answer: Answer) -> str:
        """Return the reply and what it answers."""
        return f"{answer.stage}: {answer.code} {answer.text}"

    def probe(self, deadline: Deadline) -> None:
        """Connect, log in and say NOOP."""
        answer = self._pool.check(deadline)
        if answer.stage is not Stage.CHECK or answer.code != 250:
            raise self._judge_failure(answer)

    def _judge_failure(self, answer: Answer) -> DeliveryError:
        error = self._find_meaning(answer)
        error.said = answer.words
        return error

    def _find_meaning(self, answer: Answer) -> DeliveryError:
        told = f"the mail server answered {answer.code} {answer.enhanced}".rstrip() + f" to {answer.stage}"
        if _blames_greeting(answer):
            told += ": it refuses the name in EHLO, so set `helo` of the server to another one"
            return GatewayUnavailable(told)
        if answer.code >= 500:
            return self._judge_permanent(answer)(told)
        if answer.stage is Stage.CONTENT and answer.code < 400:
            return ProtocolViolation(told)
        busy = answer.enhanced.startswith("4.7.") and answer.stage is not Stage.AUTH
        return Throttled(told) if busy else GatewayUnavailable(told)

    def _judge_permanent(self, answer: Answer) -> type[DeliveryError]:
        addresses = (Stage.SENDER, Stage.RECIPIENT)
        if answer.stage is Stage.AUTH or answer.code == 530:
            return AuthFailed
        if answer.stage in addresses and _blames_rights(answer):
            return AuthFailed
        if answer.stage is Stage.RECIPIENT and "phone" in self.settings.MAILTO.tags:
            return GatewayUnavailable if _blames_others(answer) else BadRecipient
        if answer.stage in (Stage.DATA, Stage.CONTENT):
            return BadMessage
        # What is left concerns every mail alike: a sender or a fixed mailbox that the server does not know.
        return GatewayUnavailable

    def _make_message_id(self, reference: str) -> str:
        domain = self.settings.server.sender.rpartition("@")[2]
        name = re.sub(r"[^A-Za-z0-9-]", "", reference) or "sms"
        return f"<{name}.{self.context.random.getrandbits(96):024x}@{domain}>"


def _find_words(words: re.Pattern[str], answer: Answer) -> bool:
    """Tell whether a server says one of these, and not only repeats the recipient at relay.example.com."""
    said = " ".join(word for word in answer.words.split() if not _NAME.search(word))
    return words.search(said) is not None


def _blames_rights(answer: Answer) -> bool:
    if answer.enhanced:
        return answer.enhanced.startswith("5.7.")
    return _find_words(_BLAMES_RIGHTS, answer)


def _blames_others(answer: Answer) -> bool:
    if answer.enhanced:
        return _BLAMES_OTHERS.fullmatch(answer.enhanced) is not None
    return _find_words(_BLAMES_SENDER, answer)


def _blames_greeting(answer: Answer) -> bool:
    """Tell whether a server wants another name in EHLO; many say so only when they are told the recipient."""
    if answer.stage in (Stage.HELLO, Stage.OLD_HELLO):
        return answer.code >= 500
    before_mail = answer.stage in (Stage.SENDER, Stage.RECIPIENT, Stage.DATA)
    return before_mail and answer.code >= 400 and _find_words(_NAMES_GREETING, answer)


def _set_body(mail: EmailMessage, text: str) -> None:
    lines = text.splitlines()
    if _PLAIN_TEXT.fullmatch(text) and all(len(line) <= _LONGEST_LINE for line in lines):
        mail.set_content(text, charset="us-ascii", cte="7bit")
    else:
        mail.set_content(text, charset="utf-8", cte="quoted-printable")


def _describe_server(server: SmtpServer) -> MailServer:
    return MailServer(
        host=server.host,
        port=server.port,
        tls=server.make_tls_context(),
        starttls=server.security is Security.STARTTLS,
        username=server.username,
        password=server.password,
        helo=server.helo or find_machine_name(),
    )
