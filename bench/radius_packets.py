"""
RADIUS packets for a load: encoded before the clock starts, decoded no further than necessary (RFC 2865).

This is not a RADIUS client: to find out whether a packet answers a request, call `is_answer`.
"""

import hashlib
import hmac
import os
import struct

ACCEPT, REJECT, CHALLENGE = 2, 3, 11
#: The secret that FreeRADIUS shares with its own machine, and so with every load.
SECRET = b"testing123"

_USER_NAME, _USER_PASSWORD, _REPLY_MESSAGE, _STATE, _CALLING_STATION, _MESSAGE_AUTHENTICATOR = (
    1,
    2,
    18,
    24,
    31,
    80,
)
_HEADER, _AUTHENTICATOR = 20, slice(4, 20)
_SIGNATURE_AT = _HEADER + 2
#: Identifiers that a socket uses if the caller chooses none. The server keeps its answers for five seconds, by address and identifier,
#: and holds no more than ``max_requests`` of them.
_IDENTIFIERS = 8


def pack_access_request(
    user: str, password: str, station: str, state: bytes = b"", identifier: int | None = None
) -> bytes:
    """
    Encode and sign an Access-Request.

    Args:
        station: Calling-Station-Id: the same user at another station is another log-in.
        state: The State of the challenge that is answered; empty for a first leg.
        identifier: 0 to 255; None for any of a few.
    """
    authenticator = os.urandom(16)
    attributes = b"".join(
        (
            _pack_attribute(_MESSAGE_AUTHENTICATOR, bytes(16)),
            _pack_attribute(_USER_NAME, user.encode()),
            _pack_attribute(_USER_PASSWORD, _hide(password.encode(), authenticator)),
            _pack_attribute(_CALLING_STATION, station.encode()),
            _pack_attribute(_STATE, state) if state else b"",
        )
    )
    if identifier is None:
        identifier = authenticator[0] % _IDENTIFIERS
    packet = struct.pack("!BBH16s", 1, identifier, _HEADER + len(attributes), authenticator) + attributes
    signature = hmac.digest(SECRET, packet, "md5")
    return packet[:_SIGNATURE_AT] + signature + packet[_SIGNATURE_AT + len(signature) :]


def is_answer(answer: bytes, request: bytes) -> bool:
    """Return whether one packet answers the other (RFC 2865 section 3, Response Authenticator)."""
    signed = answer[:4] + request[_AUTHENTICATOR] + answer[_HEADER:] + SECRET
    return answer[1] == request[1] and hashlib.md5(signed).digest() == answer[_AUTHENTICATOR]


def find_state(answer: bytes) -> bytes:
    """Return the State of an answer, empty if it has none."""
    return _find_attribute(answer, _STATE)


def find_message(answer: bytes) -> str:
    """Return what an answer says to the person, empty if it says nothing."""
    return _find_attribute(answer, _REPLY_MESSAGE).decode()


def _find_attribute(answer: bytes, wanted: int) -> bytes:
    """Return the first attribute of a kind, empty if there is none."""
    place = _HEADER
    while place < len(answer):
        kind, length = answer[place], answer[place + 1]
        if kind == wanted:
            return answer[place + 2 : place + length]
        place += length
    return b""


def _pack_attribute(kind: int, value: bytes) -> bytes:
    return bytes((kind, 2 + len(value))) + value


def _hide(password: bytes, authenticator: bytes) -> bytes:
    """Hide a password as RFC 2865 section 5.2 says."""
    padded = password + bytes(-len(password) % 16)
    hidden, before = b"", authenticator
    for start in range(0, len(padded), 16):
        mask = hashlib.md5(SECRET + before).digest()
        before = bytes(a ^ b for a, b in zip(padded[start : start + 16], mask, strict=True))
        hidden += before
    return hidden
