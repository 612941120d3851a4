"""
From what rlm_python3 hands over to what the flow works with. Pure: knows nothing of ``radiusd``.

rlm_python3 with ``pass_all_vps_dict`` gives a dictionary of lists (``request``, ``reply``, ``config``, ...); each is
None or a tuple of (name, text) pairs in the packet's order, octets written as ``0x`` and hexadecimal digits. The
control list is called ``config`` there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from smsotp_plugin.errors import PacketError
from smsotp_plugin.login.request import LoginRequest

Pairs = Sequence[tuple[str, str]]
Packet = Mapping[str, Pairs | None]

#: What a client says about itself; the packet's source only counts where it says nothing (a proxy may stand between).
_CLIENT_NAMES = ("NAS-Identifier", "NAS-IP-Address", "NAS-IPv6-Address")


@dataclass(frozen=True, slots=True)
class AttributePlace:
    """
    Where an attribute stands.

    Attributes:
        list_name: As rlm_python3 names it: ``request``, ``config`` (the control list) or ``reply``.
        attribute: As in the dictionary.
    """

    list_name: str
    attribute: str

    @classmethod
    def parse(cls, text: str) -> "AttributePlace":
        """Read the form of unlang, for example ``control:SMSOTP-Phone``."""
        list_name, _, attribute = text.partition(":")
        return cls("config" if list_name == "control" else list_name, attribute)


def read_request(packet: Packet, places: Sequence[AttributePlace]) -> LoginRequest:
    """
    Read one packet.

    Args:
        packet: What rlm_python3 hands over.
        places: Where telephone numbers are looked for, in this order.

    Raises:
        PacketError: It has no User-Name, or an attribute twice that may be there once.
    """
    request, control = packet.get("request") or (), packet.get("config") or ()
    user = _single(request, "User-Name")
    if not user:
        raise PacketError("the request has no User-Name")
    password = _single(request, "User-Password")
    state = _single(request, "State")
    return LoginRequest(
        user=user,
        password=None if password is None else SecretStr(password),
        state=None if state is None else _text_of_octets(state),
        client=_client(request),
        station=_single(request, "Calling-Station-Id") or "",
        site=_single(request, "SMSOTP-Site") or "",
        gateway=_first(control, "SMSOTP-Gateway"),
        language=_first(control, "SMSOTP-Language").lower(),
        notification=_first(control, "SMSOTP-Notify"),
        numbers=tuple(
            value
            for place in places
            for name, value in packet.get(place.list_name) or ()
            if name == place.attribute
        ),
    )


def _single(pairs: Pairs, name: str) -> str | None:
    values = [value for key, value in pairs if key == name]
    if len(values) > 1:
        raise PacketError(f"the request has {name} {len(values)} times")
    return values[0] if values else None


def _first(pairs: Pairs, name: str) -> str:
    return next((value for key, value in pairs if key == name), "")


def _client(request: Pairs) -> str:
    said = [f"{key}={value}" for key, value in request if key in _CLIENT_NAMES]
    return " ".join(sorted(said)) or _single(request, "SMSOTP-Client-Address") or ""


def _text_of_octets(value: str) -> str:
    """Return octets as text; what is not ASCII becomes a State that nobody has."""
    try:
        return bytes.fromhex(value.removeprefix("0x")).decode("ascii")
    except ValueError:
        return ""
