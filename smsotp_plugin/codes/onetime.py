"""
Making one-time codes and sealing them, so that the store never holds one.

A code is not kept anywhere: it is derived from a random seed under a key that is not in the store
(HMAC-SHA-256, FIPS 198-1), so the same code can be sent again, and the store alone tells nothing about it. An answer
is compared by its seal, an HMAC under another key derived from the same one.
"""

from collections.abc import Callable
from typing import Self

from smsotp_plugin.codes.fingerprints import Fingerprints
from smsotp_plugin.codes.keyed import HEX_DIGITS, make_mac
from smsotp_plugin.sms.typed import fold_word


class CodeMaker:
    """
    Derives and seals codes.

    Args:
        key: At least 32 bytes that the store does not hold.
        length: Characters of a code, 4 to 10.
        alphabet: At least 2 distinct characters.
        random_bytes: Source of randomness; returns as many bytes as asked for.
        older: The maker for the key before this one, whose challenges can still be answered; it makes nothing new.

    Attributes:
        names: Makes States and fingerprints, for those who need no codes: it cannot derive one.
    """

    def __init__(
        self,
        key: bytes,
        length: int,
        alphabet: str,
        random_bytes: Callable[[int], bytes],
        older: Self | None = None,
    ) -> None:
        self._older = older
        self._code_mac = make_mac(key, "smsotp code")
        self._seal_mac = make_mac(key, "smsotp seal")
        self._length = length
        self._alphabet = alphabet
        self._codes = len(alphabet) ** length
        #: The value of each place of a code, like ones, tens and hundreds.
        self._powers = [len(alphabet) ** place for place in range(length)]
        self._folds_case = alphabet.casefold() == alphabet or alphabet.upper() == alphabet
        self._typed_alphabet = alphabet.casefold() if self._folds_case else alphabet
        self._random_bytes = random_bytes
        self.names: Fingerprints = Fingerprints(
            key, length, alphabet, random_bytes, None if older is None else older.names
        )

    def maker_of(self, state: str, site: str) -> Self | None:
        """Return the maker of a State for this site, which is this one or the older one; None if the State is not ours."""
        if self.names.is_for(state, site):
            return self
        return None if self._older is None else self._older.maker_of(state, site)

    def make_seed(self) -> str:
        """Return a fresh seed: `HEX_DIGITS` hexadecimal digits."""
        return self._random_bytes(HEX_DIGITS // 2).hex()

    def code(self, seed: str) -> str:
        """Return the code that belongs to a seed; uniform over the alphabet to within 2 to the power of -196."""
        number = int.from_bytes(self._code_mac.digest(seed)) % self._codes
        alphabet, characters = self._alphabet, len(self._alphabet)
        return "".join([alphabet[number // power % characters] for power in self._powers])

    def seal(self, state: str, answer: str) -> str:
        """
        Return what the store compares; it depends on the key, the challenge and the answer.

        Args:
            state: Of the challenge that is answered; the seal is worth nothing for any other challenge.
            answer: As typed. Separators and invisible characters are dropped, and digits may be of any script; case does not
                matter if the alphabet has only one.
        """
        return self._seal_mac.digest(f"{state} {self._read(answer)}").hex()[:HEX_DIGITS]

    def may_be_code(self, answer: str) -> bool:
        """Tell whether an answer as typed has the length and the characters of a code."""
        typed = self._read(answer)
        return len(typed) == self._length and not typed.strip(self._typed_alphabet)

    def _read(self, answer: str) -> str:
        typed = fold_word(answer)
        return typed.casefold() if self._folds_case else typed
