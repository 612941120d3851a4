"""The credentials that the mock gateways accept. Documented defaults; every one can be set."""

import re
from dataclasses import dataclass, field

_SMPP_ROOM = {"smpp_system_id": 15, "smpp_password": 8}  # octets, without the NUL (SMPP 3.4, section 4.1.1)


@dataclass(frozen=True, slots=True)
class Accounts:
    """
    What a client has to present. None of these open anything but a mock.

    Attributes:
        plain_username: Basic authentication that the plain HTTP face asks for; None asks for nothing.

    Raises:
        ValueError: No client could present one of them in its protocol.
    """

    clickatell_user: str = "clickatell-user"
    clickatell_password: str = field(default="clickatell-password", repr=False)
    clickatell_api_id: str = "3312345"
    gtx_user: str = "gtx-user"
    gtx_password: str = field(default="gtx-password", repr=False)
    twilio_sid: str = "AC00000000000000000000000000000001"
    twilio_token: str = field(default="twilio-token", repr=False)
    sipgate_username: str = "sipgate-user"
    sipgate_password: str = field(default="sipgate-password", repr=False)
    smtp_username: str = "smtp-user"
    smtp_password: str = field(default="smtp-password", repr=False)
    smpp_system_id: str = "smpp-user"
    smpp_password: str = field(default="smpppass", repr=False)
    plain_username: str | None = None
    plain_password: str = field(default="plain-password", repr=False)

    def __post_init__(self) -> None:
        for name, most in _SMPP_ROOM.items():
            if not re.fullmatch(rf"[\x01-\x7f]{{0,{most}}}", getattr(self, name)):
                raise ValueError(f"{name}: SMPP has room for at most {most} ASCII characters.")
        for name in ("sipgate_username", "plain_username"):
            if ":" in (getattr(self, name) or ""):
                raise ValueError(f"{name}: in basic authentication, a user name cannot hold a colon.")
        if not re.fullmatch("[0-9A-Za-z]+", self.twilio_sid):
            raise ValueError("twilio_sid: it is part of a URL, and holds letters and digits only.")
