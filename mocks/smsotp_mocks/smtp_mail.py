"""Finding number and text in a mail that asks for an SMS. RFC 5322; which part holds the number is each service's own."""

import email
import email.policy
import re
from dataclasses import dataclass

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


def read_mail(source: bytes) -> Mail:
    """Read a mail; parts that cannot be decoded show replacement characters."""
    message = email.message_from_bytes(source, policy=email.policy.default)
    part = message.get_body(("plain", "html"))
    text = ""
    if part is not None:
        payload = part.get_payload(decode=True)
        raw = payload if isinstance(payload, bytes) else b""
        text = _decoded(raw, part.get_content_charset("utf-8"))
    return Mail(str(message.get("Subject", "")), text.replace("\r\n", "\n").rstrip("\n"))


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


def _decoded(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset, "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")
