"""A RADIUS client as a NAS would be one: log in, answer a challenge. RFC 2865; pyrad makes and checks the packets."""

import io
import select
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from smsotp_mocks.net.extra import needs_extra

with needs_extra():
    from pyrad import dictionary, packet

Code = Literal["accept", "challenge", "reject"]

# pyrad ships no dictionary; these are what a log-in needs (RFC 2865 section 5, RFC 2869 section 5.14).
_DICTIONARY = """
ATTRIBUTE User-Name 1 string
ATTRIBUTE User-Password 2 string
ATTRIBUTE NAS-IP-Address 4 ipaddr
ATTRIBUTE NAS-Port 5 integer
ATTRIBUTE Service-Type 6 integer
ATTRIBUTE Filter-Id 11 string
ATTRIBUTE Reply-Message 18 string
ATTRIBUTE State 24 octets
ATTRIBUTE Class 25 octets
ATTRIBUTE Session-Timeout 27 integer
ATTRIBUTE Idle-Timeout 28 integer
ATTRIBUTE Called-Station-Id 30 string
ATTRIBUTE Calling-Station-Id 31 string
ATTRIBUTE NAS-Identifier 32 string
ATTRIBUTE Proxy-State 33 octets
ATTRIBUTE Connect-Info 77 string
ATTRIBUTE Message-Authenticator 80 octets
"""
_CODES: dict[int, Code] = {
    packet.AccessAccept: "accept",
    packet.AccessChallenge: "challenge",
    packet.AccessReject: "reject",
}
_USER_NAME, _USER_PASSWORD, _STATE = 1, 2, 24


class NoAnswer(Exception):
    """The server sent no valid answer. A wrong shared secret looks the same: its answers are dropped."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What the server said.

    Attributes:
        reply_messages: Every Reply-Message, in order.
        state: Byte for byte; empty when there is none.
        signed: The answer carried a Message-Authenticator (it was right, or this answer would not exist).
        attributes: All of them by name, or by number where the small dictionary has no name.
    """

    code: Code
    reply_messages: tuple[str, ...]
    state: bytes
    signed: bool
    attributes: Mapping[str | int, tuple[Any, ...]] = field(repr=False)

    @property
    def prompt(self) -> str:
        """The first Reply-Message, the one that clients show; empty when there is none."""
        return self.reply_messages[0] if self.reply_messages else ""


class RadiusClient:
    """
    Sends Access-Requests from a new port each time, so it can be used by many threads at once.

    Args:
        address: Host and port of the server.
        secret: The shared secret.
        timeout: Seconds to wait for an answer, after each sending.
        tries: How often the same packet is sent.
        demand_signature: Take only answers that carry a Message-Authenticator.
    """

    def __init__(
        self,
        address: tuple[str, int],
        secret: str = "testing123",  # noqa: S107  (FreeRADIUS's own well-known secret for 127.0.0.1)
        *,
        timeout: float = 10.0,
        tries: int = 1,
        demand_signature: bool = False,
    ) -> None:
        self.address = address
        self.timeout = timeout
        self.tries = tries
        self.demand_signature = demand_signature
        self._secret = secret.encode()
        self._dictionary = dictionary.Dictionary(io.StringIO(_DICTIONARY))

    def log_in(self, user: str | bytes, password: str | bytes, **attributes: Any) -> Answer:
        """
        Send a first leg.

        Args:
            attributes: Further ones, ``_`` for ``-``: ``Calling_Station_Id="192.0.2.7"``.

        Raises:
            NoAnswer: Nothing valid came in time.
        """
        return self.exchange(self.request(user, password, **attributes))

    def answer(self, user: str | bytes, code: str | bytes, state: bytes, **attributes: Any) -> Answer:
        """
        Send an answer leg.

        Args:
            code: What the user typed.
            state: As in the challenge.

        Raises:
            NoAnswer: Nothing valid came in time.
        """
        return self.exchange(self.request(user, code, state, **attributes))

    def request(
        self, user: str | bytes, password: str | bytes, state: bytes | None = None, **attributes: Any
    ) -> packet.AuthPacket:
        """Return an Access-Request that `exchange` can send, as often as wanted."""
        request = packet.AuthPacket(
            secret=self._secret, dict=self._dictionary, message_authenticator=True, **attributes
        )
        request[_USER_NAME] = [_encode(user)]
        request[_USER_PASSWORD] = [request.PwCrypt(_encode(password))]
        if state is not None:
            request[_STATE] = [state]
        return request

    def exchange(self, request: packet.AuthPacket) -> Answer:
        """
        Send a packet and return the server's answer. The same packet again is a retransmission with a new port.

        Raises:
            NoAnswer: Nothing valid came in time.
        """
        family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.connect(self.address)
            for _ in range(self.tries):
                found = self._try(connection, request)
                if found is not None:
                    return found
        host, port = self.address
        raise NoAnswer(f"{host}:{port} sent no valid answer within {self.timeout * self.tries:g} s.")

    def _try(self, connection: socket.socket, request: packet.AuthPacket) -> Answer | None:
        try:
            connection.send(request.RequestPacket())
            deadline = time.monotonic() + self.timeout
            while (left := deadline - time.monotonic()) > 0:
                if select.select([connection], [], [], left)[0]:
                    answer = self._check_answer(request, connection.recv(4096))
                    if answer is not None:
                        return answer
        except ConnectionRefusedError:
            host, port = self.address
            raise NoAnswer(f"Nothing listens on {host}:{port}.") from None
        return None

    def _check_answer(self, request: packet.AuthPacket, raw: bytes) -> Answer | None:
        try:
            reply = request.CreateReply(packet=raw)
        except packet.PacketError:
            return None
        if not request.VerifyReply(reply, raw, enforce_ma=self.demand_signature) or reply.code not in _CODES:
            return None
        attributes = {name: tuple(reply[name]) for name in reply.keys()}  # noqa: SIM118  (a packet is no dict)
        return Answer(
            code=_CODES[reply.code],
            reply_messages=attributes.get("Reply-Message", ()),
            state=attributes.get("State", (b"",))[0],
            signed="Message-Authenticator" in attributes,
            attributes=attributes,
        )


def _encode(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
