"""The credentials that the mock gateways accept. Documented defaults; every one can be set."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Accounts:
    """
    What a client has to present. None of these open anything but a mock.

    Attributes:
        plain_username: Basic authentication that the plain HTTP face asks for; None asks for nothing.
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
