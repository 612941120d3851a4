"""
Making one-time codes and sealing them, so that the store never holds one.

A code is not kept anywhere: it is derived from a random seed under a key that is not in the store
(HMAC-SHA-256, FIPS 198-1), so the same code can be sent again, and the store alone tells nothing about it. An answer
is compared by its seal, an HMAC under another key derived from the same one.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable

from pydantic import SecretStr

SEED_BYTES = 16
SEAL_BYTES = 16


class CodeMaker:
    """
    Derives and seals codes.

    Args:
        key: At least 32 bytes that the store does not hold.
        length: Characters of a code, 4 to 10.
        alphabet: At least 2 distinct characters.
        random_bytes: Source of randomness; returns as many bytes as asked for.
    """

    def __init__(self, key: bytes, length: int, alphabet: str, random_bytes: Callable[[int], bytes]) -> None:
        self._code_key = _derived(key, b"code")
        self._seal_key = _derived(key, b"seal")
        self._print_key = _derived(key, b"fingerprint")
        self._length = length
        self._alphabet = alphabet
        self._folds_case = alphabet.casefold() == alphabet or alphabet.upper() == alphabet
        self._random_bytes = random_bytes

    def new_state(self) -> str:
        """Return a fresh State: 32 hexadecimal digits, 128 bits of randomness."""
        return self._random_bytes(16).hex()

    def new_seed(self) -> bytes:
        """Return a fresh seed of `SEED_BYTES` bytes."""
        return self._random_bytes(SEED_BYTES)

    def code(self, seed: bytes) -> SecretStr:
        """Return the code that belongs to a seed; uniform over the alphabet to within 2 to the power of -190."""
        number = int.from_bytes(hmac.digest(self._code_key, seed, "sha256"))
        characters = []
        for _ in range(self._length):
            number, index = divmod(number, len(self._alphabet))
            characters.append(self._alphabet[index])
        return SecretStr("".join(characters))

    def seal(self, state: str, answer: str) -> bytes:
        """
        Return what the store compares: `SEAL_BYTES` bytes that depend on the key, the challenge and the answer.

        Args:
            state: Of the challenge that is answered; one seal is worth nothing for another challenge.
            answer: As typed. Blanks are dropped; upper and lower case are one where the alphabet has only one.
        """
        typed = "".join(answer.split())
        if self._folds_case:
            typed = typed.casefold()
        return hmac.digest(self._seal_key, f"{state}\0{typed}".encode(errors="surrogatepass"), "sha256")[
            :SEAL_BYTES
        ]

    def reference(self, state: str) -> str:
        """Return the short name of a challenge for logs and the help desk: 8 characters that tell nothing of it."""
        return base64.b32encode(self.fingerprint("reference", state)[:5]).decode()

    def fingerprint(self, *parts: str) -> bytes:
        """Return 16 bytes that are the same for the same parts in the same order, and tell nothing about them."""
        message = b"".join(
            len(part).to_bytes(4) + part for part in (text.encode(errors="surrogatepass") for text in parts)
        )
        return hmac.digest(self._print_key, message, "sha256")[:16]


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, b"smsotp " + purpose, hashlib.sha256)
