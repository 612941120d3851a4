"""
Reads what rlm_python3 hands over into a request for the flow. Pure: knows nothing of ``radiusd``.

rlm_python3 with ``pass_all_vps_dict`` gives a dictionary of lists (``request``, ``reply``, ``config``, ...); each is
None or a tuple of (name, text) pairs in the packet's order, octets written as ``0x`` and hexadecimal digits. The
control list is called ``config`` there. Bytes that are not UTF-8 appear as lone surrogates (`host.read_any_text`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from smsotp_plugin.errors import PacketError
from smsotp_plugin.login.request import LoginRequest

Pairs = Sequence[tuple[str, str]]
Packet = Mapping[str, Pairs | None]

#: What a client says about itself. The source of the packet counts only if the client says nothing: there may be a proxy in between.
_CLIENT_NAMES = ("NAS-IP-Address", "NAS-IPv6-Address", "NAS-Identifier")

_NOT_UTF8 = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class AttributePlace:
    """
    Where to look for an attribute.

    Attributes:
        list_name: As rlm_python3 names it: ``request``, ``config`` (the control list) or ``reply``.
        attribute: Its name in the dictionary.
    """

    list_name: str
    attribute: str

    @classmethod
    def parse(cls, text: str) -> "AttributePlace":
        """Read the form of unlang, for example ``control:SMSOTP-Phone``."""
        list_name, _, attribute = text.partition(":")
        return cls("config" if list_name == "control" else list_name, attribute)


class Attributes:
    """
    One list of attributes, to be read by name.

    Args:
        pairs: As rlm_python3 hands it over.
    """

    def __init__(self, pairs: Pairs | None) -> None:
        self._pairs = pairs or ()
        #: The first value of each name: they are put in from last to first, so that earlier ones replace later ones.
        self._first = dict(reversed(self._pairs))

    def single(self, name: str) -> str | None:
        """
        Return the only value of an attribute that a decision depends on; None if it is missing.

        Raises:
            PacketError: There are several values, or it is not UTF-8.
        """
        value = self._first.get(name)
        if value is None:
            return None
        if len(self._first) != len(self._pairs):
            times = sum(key == name for key, _ in self._pairs)
            if times > 1:
                raise PacketError(f"the request has {name} {times} times")
        if not value.isascii() and _NOT_UTF8.search(value):
            raise PacketError(f"{name} is not UTF-8 text")
        return value

    def show(self, name: str) -> str:
        """Return the first value of an attribute that is only shown to people, without unprintable characters."""
        value = self._first.get(name)
        if not value:
            return ""
        if value.isprintable():
            return value
        return "".join(char for char in _NOT_UTF8.sub("\ufffd", value) if char.isprintable())


def read_request(packet: Packet, places: Sequence[AttributePlace]) -> LoginRequest:
    """
    Read one packet.

    Args:
        packet: What rlm_python3 hands over.
        places: Where telephone numbers are looked for, in this order.

    Raises:
        PacketError: It has no User-Name; or an attribute that a decision depends on (User-Name, User-Password, State) is
            there several times, or is not UTF-8.
    """
    request, control = Attributes(packet.get("request")), Attributes(packet.get("config"))
    user, password, state = _read_what_decides(request, control)
    return LoginRequest(
        user=user,
        password=None if password is None else SecretStr(password),
        state=None if state is None else _decode_octets(state),
        client=_find_client(request),
        station=request.show("Calling-Station-Id"),
        site=request.show("SMSOTP-Site"),
        gateway=control.show("SMSOTP-Gateway"),
        language=control.show("SMSOTP-Language").lower(),
        notification=control.show("SMSOTP-Notify"),
        numbers=tuple(
            [
                value if value.isascii() else _NOT_UTF8.sub("\ufffd", value)
                for place in places
                for name, value in packet.get(place.list_name) or ()
                if name == place.attribute
            ]
        ),
    )


def has_state(packet: Packet) -> bool:
    """
    Tell whether a packet has a State, and so may be an answer.

    Raises:
        PacketError: As `read_request`.
    """
    *_, state = _read_what_decides(Attributes(packet.get("request")), Attributes(packet.get("config")))
    return state is not None


def read_refusal(packet: Packet) -> tuple[str, str]:
    """Return the User-Name of a request that the policies reject, or an empty text, and their reason."""
    request = Attributes(packet.get("request"))
    return request.show("User-Name"), request.show("SMSOTP-Refusal")


def _read_what_decides(request: Attributes, control: Attributes) -> tuple[str, str | None, str | None]:
    """Return User-Name, what was typed (a password or a code) and State; raises as `read_request` does."""
    user = request.single("User-Name")
    if not user:
        raise PacketError("the request has no User-Name")
    # smsotp_guard moves the answer to a challenge here, where no other module looks for a password.
    password = control.single("SMSOTP-Code")
    if password is None:
        password = request.single("User-Password")
    return user, password, request.single("State")


def _find_client(request: Attributes) -> str:
    said = [f"{name}={value}" for name in _CLIENT_NAMES if (value := request.show(name))]
    return " ".join(said) or request.show("SMSOTP-Client-Address")


def _decode_octets(value: str) -> str:
    """Return octets as text; empty, which is nobody's State, if they are not ASCII."""
    try:
        return bytes.fromhex(value.removeprefix("0x")).decode("ascii")
    except ValueError:
        return ""
