"""Finding number and text in a mail that asks for an SMS. RFC 5322; which part holds the number is each service's own."""

import email
import email.policy
import re
from dataclasses import dataclass
from email.errors import MessageError

from smsotp_mocks.inbox.characters import simplify
from smsotp_mocks.inbox.well_formed import make_well_formed

#: What stands between the digits of a number.
_BETWEEN = r"[ ()\[\]/._~-]"
#: Without a plus or zeros at its head a short run beside other digits is only the end of a number.
_DIGITS = re.compile(
    rf"(?<![0-9+])[0-9]{{10,15}}(?![0-9])|"
    rf"(?<![0-9+])(?<![0-9]{_BETWEEN})(?<![0-9]{_BETWEEN}{{2}})[0-9]{{7,9}}(?!{_BETWEEN}{{0,3}}[0-9])"
)
#: With a plus or zeros at its head a number may be written in groups, as people do; without them where it stands alone.
_GROUP = rf"(?:{_BETWEEN}{{0,3}}[0-9])"
_WRITTEN = re.compile(rf"(?:\+|(?<![0-9+])\(?(?=0)){_GROUP}{{7,15}}(?![0-9])")
_ALONE = re.compile(rf"{_GROUP}{{7,15}} *")
_INTERNATIONAL = re.compile(rf"\+{_GROUP}{{7,15}}(?![0-9])")
_TRUNK_ZERO = re.compile(r"\(0\)")


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
    """The bytes are not a mail that can be read."""


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


def find_number_in_address(address: str) -> str | None:
    """Return the phone number in the local part of a mail address: ``+49170...@``, ``sms.0049170...@``."""
    local = simplify(address.rpartition("@")[0])
    found = re.search(r"(?<![0-9])\+?[0-9]{7,15}(?![0-9])", local)
    return _join(_ALONE.fullmatch(local) or _WRITTEN.search(local) or found)


def find_number(address: str, mail: Mail) -> str | None:
    """Return the phone number from the address, else the subject, else (with ``+`` only) the text; its groups joined."""
    subject = simplify(mail.subject)
    return find_number_in_address(address) or _join(
        _ALONE.fullmatch(subject)
        or _WRITTEN.search(subject)
        or _DIGITS.search(subject)
        or _INTERNATIONAL.search(simplify(mail.text))
    )


def _join(found: re.Match[str] | None) -> str | None:
    """Return a number without what stands between its digits; ``(0)`` is said at home only."""
    if found is None:
        return None
    plus = "+" if found[0].startswith("+") else ""
    return plus + re.sub(r"[^0-9]", "", _TRUNK_ZERO.sub("", found[0]))


def _read(source: bytes) -> Mail:
    message = email.message_from_bytes(source, policy=email.policy.default)
    part = message.get_body(("plain", "html"))
    payload = part.get_payload(decode=True) if part is not None else b""
    charset = part.get_content_charset("utf-8") if part is not None else "utf-8"
    text = _decode(payload if isinstance(payload, bytes) else b"", charset)
    return Mail(make_well_formed(str(message.get("Subject", ""))), text.replace("\r\n", "\n").rstrip("\n"))


def _decode(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset, "replace")
    except (LookupError, ValueError):
        return raw.decode("utf-8", "replace")
