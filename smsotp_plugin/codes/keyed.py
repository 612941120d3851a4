"""Keyed digests, each under a key for one purpose (HMAC-SHA-256, FIPS 198-1)."""

import hmac

#: State, seed, seal and fingerprint are all written as this many hexadecimal digits: 128 bits.
HEX_DIGITS = 32
_NAME_DIGITS = 16
_HASH = "sha256"


def make_mac(key: bytes, purpose: str) -> hmac.HMAC:
    """Return an HMAC that is keyed for one purpose and has seen nothing yet; only its copies are fed."""
    return hmac.new(hmac.digest(key, purpose.encode(), _HASH), digestmod=_HASH)


def derive_message_key(key: bytes) -> bytes:
    """Return the 32 bytes under which messages are sealed, and nothing else."""
    return hmac.digest(key, b"smsotp message", _HASH)


def name_key(key: bytes) -> str:
    """Return 16 hexadecimal digits that stand for a key where others may look, and tell nothing of it."""
    return make_mac(key, "smsotp name of the key").hexdigest()[:_NAME_DIGITS]


def digest(mac: hmac.HMAC, text: str) -> bytes:
    """Return the digest of a text; the HMAC stays as it is."""
    # Not `hmac.digest`: it looks the hash up and gives up the interpreter's lock each time, several times a log-in.
    fed = mac.copy()
    # Text that came over the wire may hold what is no character; it must not fail here.
    fed.update(text.encode(errors="surrogatepass"))
    return fed.digest()
