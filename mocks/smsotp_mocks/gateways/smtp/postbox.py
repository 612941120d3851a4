"""Turns a whole mail into SMS: judges it, and says how it is to be answered."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from smsotp_mocks.faults.words import Fault
from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.gsm import count_segments
from smsotp_mocks.gateways.smtp.mail import BadMail, Mail, find_number, read_mail


@dataclass(slots=True)
class Transaction:
    """
    One mail on its way in.

    Attributes:
        sender: None until MAIL was accepted.
    """

    sender: str | None = None
    recipients: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What is answered to a mail.

    Attributes:
        line: The reply, without its end.
        fault: What is done instead; None: nothing.
    """

    line: str
    fault: Fault | None = None


class Postbox:
    """
    Takes the mails of one gateway.

    Args:
        gateway: Whose inbox, journal and faults.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def take(self, transaction: Transaction, source: bytes, *, user: str, encrypted: bool) -> Reply:
        """
        Judge a whole mail; what it asks for arrives in the inbox.

        Args:
            transaction: What was said before it.
            source: The mail itself, after the removal of dot-stuffing.
            user: Who has logged in, else empty.
            encrypted: It came over TLS.
        """
        try:
            mail = read_mail(source)
        except BadMail:
            recipients = {"recipients": transaction.recipients}
            return self._reject("554 5.6.0 Error: the message cannot be read", recipients)
        found = [(address, find_number(address, mail)) for address in transaction.recipients]
        numbers = [number for _, number in found if number is not None]
        wire = {
            "mail_from": transaction.sender,
            "recipients": transaction.recipients,
            "subject": mail.subject,
            "user": user,
            "tls": encrypted,
            "source": source.decode("utf-8", "replace"),
        }
        if len(numbers) < len(found):
            return self._reject("554 5.7.1 Error: no phone number in recipient, subject or text", wire)
        faults = (self._gateway.faults.take(number) for number in numbers)
        fault = next((fault for fault in faults if fault is not None), None)
        self._gateway.note("fault" if fault else "accepted", fault.action if fault else "", wire)
        return self._settle(fault, mail, numbers, wire)

    def _reject(self, line: str, wire: dict[str, Any]) -> Reply:
        self._gateway.note("rejected", line, wire, answer=line)
        return Reply(line)

    def _settle(self, fault: Fault | None, mail: Mail, numbers: list[str], wire: dict[str, Any]) -> Reply:
        well = f"250 2.0.0 Ok: queued as {secrets.token_hex(5).upper()}"
        if fault is not None and fault.action == "delay":
            self._gateway.faults.pause(fault.seconds)
        for number in numbers * (1 if fault is None else fault.copies):
            self._gateway.inbox.add(
                gateway=self._gateway.name,
                protocol="smtp",
                number=number,
                text=mail.text,
                segments=count_segments(mail.text),
                wire=wire,
            )
        return Reply(well, None if fault is None or fault.well else fault)
