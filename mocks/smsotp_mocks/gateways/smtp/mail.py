"""Finding number and text in a mail that asks for an SMS. RFC 5322; which part holds the number is each service's own."""

import email
import email.policy
import re
from dataclasses import dataclass
from email.errors import MessageError

from smsotp_mocks.inbox.well_formed import well_formed

_NUMBER = re.compile(r"(?<![0-9])\+?[0-9]{7,15}(?![0-9])")
_INTERNATIONAL = re.compile(r"\+[0-9]{7,15}(?![0-9])")


@dataclass(frozen=True, slots=True)
class Mail:
    """
    What a mail-to-SMS service reads.

    Attributes:
        text: The plain text part without the line break at its end.
    """

    subject: str
    text: str


class BadMail(Exception):
    """The bytes are no mail that can be read."""


def read_mail(source: bytes) -> Mail:
    """
    Read a mail; parts that cannot be decoded show replacement characters.

    Raises:
        BadMail: It is broken beyond that.
    """
    # The parser is lenient with most mistakes and raises whatever comes to hand with a few.
    try:
        return _read(source)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, MessageError):
        raise BadMail from None


def number_in_address(address: str) -> str | None:
    """Return the phone number in the local part of a mail address: `+49170...@`, `sms.0049170...@`."""
    found = _NUMBER.search(address.rpartition("@")[0])
    return found.group() if found else None


def find_number(address: str, mail: Mail) -> str | None:
    """Return the phone number from the address, else the subject, else (with `+` only) the text."""
    in_subject, in_text = _NUMBER.search(mail.subject), _INTERNATIONAL.search(mail.text)
    return (
        number_in_address(address)
        or (in_subject.group() if in_subject else None)
        or (in_text.group() if in_text else None)
    )


def _read(source: bytes) -> Mail:
    message = email.message_from_bytes(source, policy=email.policy.default)
    part = message.get_body(("plain", "html"))
    payload = part.get_payload(decode=True) if part is not None else b""
    charset = part.get_content_charset("utf-8") if part is not None else "utf-8"
    text = _decoded(payload if isinstance(payload, bytes) else b"", charset)
    return Mail(well_formed(str(message.get("Subject", ""))), text.replace("\r\n", "\n").rstrip("\n"))


def _decoded(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset, "replace")
    except (LookupError, ValueError):
        return raw.decode("utf-8", "replace")
