"""What travels from the flow through the dispatcher to a provider, and what comes back."""

from dataclasses import dataclass, field
from functools import partial

from pydantic import SecretStr

from smsotp_plugin.sms.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class Message:
    """
    One SMS to one number.

    Attributes:
        reference: Short name of the message in logs and for the help desk; no secret.
        user: Whom it is for, as the log names people.
        number: Where it goes.
        otp: What the tag ``{otp}`` becomes: the bare code, or the whole text where ``[otp] text`` is set.
        sentence: What a provider without a template of its own sends: always a whole sentence.
        expires: Unix seconds after which the code is worthless and nothing is sent any more.
        state: Of the challenge; when that is over, nothing more is tried. Empty for a notification.
        login: Fingerprint of the log-in; a later message of the same one replaces this one. Empty for a notification.
        resends: How often the code of the challenge had been sent before: challenge and this number together name a message.
        code: The code alone, to find it in what a gateway says; empty if the text holds none, or if it is not known.
        budgets: The keys of the budgets that it counts for.
        price: What it costs, in millionths of the currency of ``[limits]``.
        stand_in: The name by which a store keeps a notification, in place of a State; empty if no store keeps it.
    """

    reference: str
    user: str
    number: PhoneNumber
    otp: SecretStr
    sentence: SecretStr
    expires: float
    state: str = field(default="", repr=False)
    login: str = field(default="", repr=False)
    resends: int = 0
    code: SecretStr = field(default_factory=partial(SecretStr, ""))
    budgets: tuple[str, ...] = field(default=(), repr=False)
    price: int = 0
    stand_in: str = field(default="", repr=False)

    @property
    def known_as(self) -> str:
        """The name by which a store keeps it, together with `resends`; empty if no store keeps it."""
        return self.state or self.stand_in


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    What a gateway said when it took a message.

    Attributes:
        gateway_id: The gateway's own id of the message, at most 128 printable characters, empty where it gave none.
        segments: How many SMS the text became, 0 where the gateway does not say and the provider cannot know.
    """

    gateway_id: str = ""
    segments: int = 0
