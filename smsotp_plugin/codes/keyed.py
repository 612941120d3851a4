"""Keyed digests, each under a key for one purpose (HMAC-SHA-256, FIPS 198-1)."""

import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

#: State, seed, seal and fingerprint are all written as this many hexadecimal digits: 128 bits.
HEX_DIGITS = 32
_NAME_DIGITS = 16
_HASH = "sha256"


class Mac:
    """
    HMAC-SHA-256 of many short texts under one key.

    Not the standard library's: `hmac.new` takes twice as long, and `hmac.digest` also gives up the interpreter's lock. A
    log-in needs about ten of these.
    """

    def __init__(self, key: bytes) -> None:
        #: Never fed itself: only its copies are.
        self._keyed = HMAC(key, SHA256())

    def digest(self, text: str) -> bytes:
        """Return the 32 bytes that belong to a text."""
        fed = self._keyed.copy()
        # Text that came over the wire may hold lone surrogates, and must not fail here.
        fed.update(text.encode("utf-8", "surrogatepass"))
        return fed.finalize()


def make_mac(key: bytes, purpose: str) -> Mac:
    """Return what makes digests for one purpose."""
    return Mac(hmac.digest(key, purpose.encode(), _HASH))


def derive_message_key(key: bytes) -> bytes:
    """Return the 32 bytes under which messages are sealed, and nothing else."""
    return hmac.digest(key, b"smsotp message", _HASH)


def name_key(key: bytes) -> str:
    """Return 16 hexadecimal digits that stand for a key where others may look, and reveal nothing of it."""
    return make_mac(key, "smsotp name of the key").digest("").hex()[:_NAME_DIGITS]
