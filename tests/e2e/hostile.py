"""Packets that no honest client sends: made from a seed, so that the same ones come each time. RFC 2865, RFC 2869."""

import hashlib
import hmac
import struct
from collections.abc import Callable, Iterator
from random import Random

_USER_NAME, _USER_PASSWORD, _CHAP_PASSWORD, _STATE, _VENDOR, _PROXY_STATE = 1, 2, 3, 24, 26, 33
_CHAP_CHALLENGE, _EAP_MESSAGE, _MESSAGE_AUTHENTICATOR = 60, 79, 80
_TEXTS = (_USER_NAME, 11, 18, 30, 31, 32, 77, 87)
_LARGEST = 4096

Attribute = tuple[int, bytes]


class HostilePackets:
    """
    Makes packets.

    Args:
        seed: The same seed makes the same packets.
        secret: The shared secret, so that most of them are looked at.
        names: Names of users that exist. None is ever sent with its password.
        states: States of challenges of other users than these.
    """

    def __init__(self, seed: int, secret: str, names: list[str], states: list[bytes]) -> None:
        self._random = Random(seed)
        self._secret = secret.encode()
        self._names = [name.encode() for name in names]
        self._states = states
        self._authenticator = bytes(16)
        self._kinds: tuple[Callable[[], bytes], ...] = (
            self._noise,
            self._bad_lengths,
            self._bad_attribute_lengths,
            self._unsigned,
            self._wrong_secret,
            self._huge,
            self._empty,
            *(self._signed,) * 10,
        )

    def packets(self, count: int) -> Iterator[bytes]:
        """Return so many packets, of every kind."""
        for _ in range(count):
            self._authenticator = self._random.randbytes(16)
            yield self._random.choice(self._kinds)()

    def _noise(self) -> bytes:
        return self._random.randbytes(self._random.choice((0, 1, 19, 20, 21, 100, _LARGEST)))

    def _bad_lengths(self) -> bytes:
        packet = bytearray(self._signed())
        struct.pack_into("!H", packet, 2, self._random.choice((0, 19, 20, len(packet) + 1, 4097, 65535)))
        return bytes(packet)

    def _bad_attribute_lengths(self) -> bytes:
        name = self._random.choice(self._names)
        broken = bytes((_STATE, self._random.choice((0, 1, 255)))) + self._random.randbytes(5)
        return self._packet(encoded((_USER_NAME, name)) + broken, signed=True)

    def _unsigned(self) -> bytes:
        return self._packet(b"".join(map(encoded, self._attributes())), signed=False)

    def _wrong_secret(self) -> bytes:
        right, self._secret = self._secret, b"wrong"
        try:
            return self._signed()
        finally:
            self._secret = right

    def _huge(self) -> bytes:
        attributes = list(self._attributes())
        while sum(len(value) + 2 for _, value in attributes) < _LARGEST - 20 - 18 - 255:
            attributes.append((self._random.choice((25, _PROXY_STATE, 18, 200)), self._random.randbytes(253)))
        return self._packet(b"".join(map(encoded, attributes)), signed=True)

    def _empty(self) -> bytes:
        return self._packet(b"", signed=self._random.random() < 0.5)

    def _signed(self) -> bytes:
        return self._packet(b"".join(map(encoded, self._attributes())), signed=True)

    def _attributes(self) -> Iterator[Attribute]:
        random = self._random
        for _ in range(random.choice((0, 1, 1, 1, 1, 1, 1, 2, 5))):
            yield _USER_NAME, random.choice((random.choice(self._names), self._value()))
        for _ in range(random.choice((0, 1, 1, 1, 2))):
            yield _USER_PASSWORD, self._password()
        for _ in range(random.choice((0, 1, 1, 2, 9))):
            yield _STATE, random.choice((*self._states, self._value(), random.randbytes(16).hex().encode()))
        for _ in range(random.choice((0, 0, 1, 4))):
            yield random.choice(_TEXTS), self._value()
        for _ in range(random.choice((0, 0, 1, 3))):
            yield _VENDOR, struct.pack("!L", random.choice((0, 9, 311, 99999))) + self._value()[:200]
        for kind in (_CHAP_PASSWORD, _CHAP_CHALLENGE, _EAP_MESSAGE, random.randrange(256)):
            if random.random() < 0.1 and kind != _MESSAGE_AUTHENTICATOR:
                yield kind, self._value()

    def _password(self) -> bytes:
        random = self._random
        typed = random.choice((b"", b"wrong", b"000000", "пароль".encode(), b"0" * 128, random.randbytes(16)))
        return hidden(typed, self._secret, self._authenticator)

    def _value(self) -> bytes:
        random = self._random
        return random.choice(
            (
                b"",
                b"\x00",
                b"bob\x00",
                b"%{User-Password}",
                b"' OR 1=1 --",
                b"\xc3\x28",
                b"\xed\xa0\x80",
                b"\xf4\x90\x80\x80",
                "\u202eud\u200b\ufdfa\U0001f600".encode(),
                b'\r\nsmsotp: user "bob": accepted',
                random.randbytes(random.randint(1, 253)),
                b"9" * 253,
            )
        )

    def _packet(self, attributes: bytes, *, signed: bool) -> bytes:
        # Not 12, Status-Server: FreeRADIUS itself answers that with an Access-Accept (RFC 5997 section 3).
        kind = self._random.choice((1,) * 30 + (0, 2, 4, 11, 40, 255))
        identifier, authenticator = self._random.randrange(256), self._authenticator
        if not signed:
            return struct.pack("!BBH", kind, identifier, 20 + len(attributes)) + authenticator + attributes
        head = struct.pack("!BBH", kind, identifier, 38 + len(attributes)) + authenticator
        mark = bytes((_MESSAGE_AUTHENTICATOR, 18))
        digest = hmac.digest(self._secret, head + mark + bytes(16) + attributes, hashlib.md5)
        return head + mark + digest + attributes


def hidden(password: bytes, secret: bytes, authenticator: bytes) -> bytes:
    """Return User-Password as it stands in a packet (RFC 2865 section 5.2)."""
    padded = password.ljust(max(16, -(-len(password) // 16) * 16), b"\0")
    result, last = b"", authenticator
    for place in range(0, len(padded), 16):
        mask = hashlib.md5(secret + last).digest()
        last = bytes(a ^ b for a, b in zip(padded[place : place + 16], mask, strict=True))
        result += last
    return result


def encoded(attribute: Attribute) -> bytes:
    """Return an attribute as it stands in a packet, cut to what it can hold."""
    kind, value = attribute
    return bytes((kind, len(value[:253]) + 2)) + value[:253]
