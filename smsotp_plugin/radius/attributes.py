"""
From what rlm_python3 hands over to what the flow works with. Pure: knows nothing of ``radiusd``.

rlm_python3 with ``pass_all_vps_dict`` gives a dictionary of lists (``request``, ``reply``, ``config``, ...); each is
None or a tuple of (name, text) pairs in the packet's order, octets written as ``0x`` and hexadecimal digits. The
control list is called ``config`` there. Bytes that are not UTF-8 are lone surrogates in it (`host.read_any_text`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from smsotp_plugin.errors import PacketError
from smsotp_plugin.login.request import LoginRequest

Pairs = Sequence[tuple[str, str]]
Packet = Mapping[str, Pairs | None]

#: What a client says about itself; the packet's source only counts where it says nothing (a proxy may stand between).
_CLIENT_NAMES = ("NAS-IP-Address", "NAS-IPv6-Address", "NAS-Identifier")

_NOT_UTF8 = re.compile("[\ud800-\udfff]")


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
        PacketError: It has no User-Name, or an attribute twice that may be there once, or one that is not UTF-8.
    """
    request, control = packet.get("request") or (), packet.get("config") or ()
    user = _single(request, "User-Name")
    if not user:
        raise PacketError("the request has no User-Name")
    # smsotp_guard takes the answer to a challenge out of sight of all other modules.
    password = _single(control, "SMSOTP-Code")
    if password is None:
        password = _single(request, "User-Password")
    state = _single(request, "State")
    return LoginRequest(
        user=user,
        password=None if password is None else SecretStr(password),
        state=None if state is None else _text_of_octets(state),
        client=_client(request),
        station=_first(request, "Calling-Station-Id"),
        site=_first(request, "SMSOTP-Site"),
        gateway=_first(control, "SMSOTP-Gateway"),
        language=_first(control, "SMSOTP-Language").lower(),
        notification=_first(control, "SMSOTP-Notify"),
        numbers=tuple(
            _NOT_UTF8.sub("\ufffd", value)
            for place in places
            for name, value in packet.get(place.list_name) or ()
            if name == place.attribute
        ),
    )


def read_refusal(packet: Packet) -> tuple[str, str]:
    """Return the User-Name of a request that the policies reject, as far as it has one, and their reason."""
    request = packet.get("request") or ()
    return _first(request, "User-Name"), _first(request, "SMSOTP-Refusal")


def _single(pairs: Pairs, name: str) -> str | None:
    values = [value for key, value in pairs if key == name]
    if len(values) > 1:
        raise PacketError(f"the request has {name} {len(values)} times")
    if values and _NOT_UTF8.search(values[0]):
        raise PacketError(f"{name} is not UTF-8 text")
    return values[0] if values else None


def _first(pairs: Pairs, name: str) -> str:
    """Return what only informs: the first value, without what cannot be printed."""
    value = next((value for key, value in pairs if key == name), "")
    if value.isprintable():
        return value
    return "".join(char for char in _NOT_UTF8.sub("\ufffd", value) if char.isprintable())


def _client(request: Pairs) -> str:
    said = [f"{name}={value}" for name in _CLIENT_NAMES if (value := _first(request, name))]
    return " ".join(said) or _first(request, "SMSOTP-Client-Address")


def _text_of_octets(value: str) -> str:
    """Return octets as text; what is not ASCII becomes a State that nobody has."""
    try:
        return bytes.fromhex(value.removeprefix("0x")).decode("ascii")
    except ValueError:
        return ""
