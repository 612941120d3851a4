"""Keyed digests, each under a key for one purpose (HMAC-SHA-256, FIPS 198-1)."""

import hmac
from hashlib import sha256

#: State, seed, seal and fingerprint are all written as this many hexadecimal digits: 128 bits.
HEX_DIGITS = 32
_NAME_DIGITS = 16
_HASH = "sha256"
#: Bytes of a block of SHA-256, and what each byte of the key becomes in the inner and in the outer block.
_BLOCK = 64
_INNER, _OUTER = bytes(byte ^ 0x36 for byte in range(256)), bytes(byte ^ 0x5C for byte in range(256))


class Mac:
    """
    HMAC-SHA-256 for many short texts under one key (FIPS 198-1 section 4).

    Not `hmac`: its digests take twice the time, and a log-in needs ten. Not `hmac.digest` either: it looks the hash up and gives up
    the interpreter's lock each time.

    Args:
        key: At most 64 bytes.
    """

    def __init__(self, key: bytes) -> None:
        block = key.ljust(_BLOCK, b"\0")
        #: Only their copies are fed.
        self._inner, self._outer = sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))

    def digest(self, text: str) -> bytes:
        """Return the 32 bytes that belong to a text."""
        inner, outer = self._inner.copy(), self._outer.copy()
        # Text that came over the wire may hold what is no character; it must not fail here.
        inner.update(text.encode("utf-8", "surrogatepass"))
        outer.update(inner.digest())
        return outer.digest()


def make_mac(key: bytes, purpose: str) -> Mac:
    """Return what makes digests for one purpose."""
    return Mac(hmac.digest(key, purpose.encode(), _HASH))


def derive_message_key(key: bytes) -> bytes:
    """Return the 32 bytes under which messages are sealed, and nothing else."""
    return hmac.digest(key, b"smsotp message", _HASH)


def name_key(key: bytes) -> str:
    """Return 16 hexadecimal digits that stand for a key where others may look, and tell nothing of it."""
    return make_mac(key, "smsotp name of the key").digest("").hex()[:_NAME_DIGITS]
