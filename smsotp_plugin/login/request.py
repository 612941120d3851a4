"""One Access-Request, as the flow knows it."""

from dataclasses import dataclass, field

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """
    One Access-Request, as far as it concerns a log-in.

    Attributes:
        user: User-Name, as sent, 1 to 253 bytes.
        password: User-Password: the first factor, or the code. None where the packet has none (CHAP, EAP).
        state: State as text; empty if it is not ASCII, and so not one of ours; None if the packet has none.
        client: Who asks, in the client's own words, such as ``NAS-IP-Address=192.0.2.1 NAS-Identifier=vpn``, or its address
            where it says nothing: the same log-in sent through another server has the same.
        station: Calling-Station-Id, or empty.
        site: The virtual server that the request came to, or empty where the policies are not ours.
        gateway: SMSOTP-Gateway of the control list: the gateway for this user, or empty.
        language: SMSOTP-Language of the control list in lower case, or empty.
        notification: SMSOTP-Notify of the control list: the name of the notification to send, or empty.
        numbers: The telephone numbers found in the configured places, in the order of these, as written there.
    """

    user: str
    password: SecretStr | None
    state: str | None
    client: str
    station: str
    site: str
    gateway: str
    language: str
    notification: str
    numbers: tuple[str, ...] = field(repr=False)

    @property
    def client_name(self) -> str:
        """The client as people call it: its NAS-Identifier, else its address."""
        address, _, identifier = self.client.partition("NAS-Identifier=")
        return identifier or address.partition("=")[2].partition(" ")[0] or address
