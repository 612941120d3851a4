"""
Making one-time codes and sealing them, so that the store never holds one.

A code is not kept anywhere: it is derived from a random seed under a key that is not in the store
(HMAC-SHA-256, FIPS 198-1), so the same code can be sent again, and the store alone tells nothing about it. An answer
is compared by its seal, an HMAC under another key derived from the same one.
"""

import hmac
from collections.abc import Callable

from smsotp_plugin.codes.names import mask_name
from smsotp_plugin.sms.phone import PhoneNumber
from smsotp_plugin.sms.typed import fold_word

#: State, seed, seal and fingerprint are all written as this many hexadecimal digits: 128 bits.
HEX_DIGITS = 32
#: Of a State: how many digits at its end say which site it is for.
_SITE_DIGITS = 8
_HASH = "sha256"


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
        self._code_mac = _mac(key, "smsotp code")
        self._seal_mac = _mac(key, "smsotp seal")
        self._mark_mac = _mac(key, "smsotp mark")
        self._print_mac = _mac(key, "smsotp fingerprint")
        self._length = length
        self._alphabet = alphabet
        self._codes = len(alphabet) ** length
        self._folds_case = alphabet.casefold() == alphabet or alphabet.upper() == alphabet
        self._random_bytes = random_bytes

    def new_state(self, site: str) -> str:
        """Return a fresh State: `HEX_DIGITS` hexadecimal digits, answered at this site only."""
        fresh = self._random_bytes((HEX_DIGITS - _SITE_DIGITS) // 2).hex()
        return fresh + self._site_digits(fresh, site)

    def is_for(self, state: str, site: str) -> bool:
        """Tell whether a State was made by us, for this site; a strange one passes once in 2 to the power of 32."""
        return state[-_SITE_DIGITS:] == self._site_digits(state[:-_SITE_DIGITS], site)

    def _site_digits(self, fresh: str, site: str) -> str:
        return self.fingerprint("site", fresh, site)[:_SITE_DIGITS]

    def new_seed(self) -> str:
        """Return a fresh seed: `HEX_DIGITS` hexadecimal digits."""
        return self._random_bytes(HEX_DIGITS // 2).hex()

    def code(self, seed: str) -> str:
        """Return the code that belongs to a seed; uniform over the alphabet to within 2 to the power of -196."""
        number = int.from_bytes(_digest(self._code_mac, seed)) % self._codes
        characters = []
        for _ in range(self._length):
            number, index = divmod(number, len(self._alphabet))
            characters.append(self._alphabet[index])
        return "".join(characters)

    def seal(self, state: str, answer: str) -> str:
        """
        Return what the store compares; it depends on the key, the challenge and the answer.

        Args:
            state: Of the challenge that is answered; one seal is worth nothing for another challenge.
            answer: As typed. What only separates or cannot be seen is dropped, digits of any script are the same; upper
                and lower case are one where the alphabet has only one.
        """
        typed = fold_word(answer)
        if self._folds_case:
            typed = typed.casefold()
        return _digest(self._seal_mac, f"{state} {typed}").hex()[:HEX_DIGITS]

    def mark(self, *parts: str) -> str:
        """Return what nobody can make for these parts, in this order, without the key."""
        return _digest(self._mark_mac, repr(parts)).hex()[:HEX_DIGITS]

    def reference(self, state: str) -> str:
        """Return the short name of a challenge for logs and the help desk: 8 digits that tell nothing of it."""
        return self.fingerprint("reference", state)[:8]

    def shown_name(self, user: str) -> str:
        """
        Return a User-Name as log and delivery log show it, the same for the same name.

        Where it reads as a telephone number or as a code, that is hidden, and 8 digits that tell nothing stand for it.
        """
        masked = mask_name(user, self._length, self._alphabet)
        return user if masked == user else f"{masked} ({self.fingerprint('name', user)[:8]})"

    def number_hash(self, number: PhoneNumber) -> str:
        """Return what stands for a number where it must be found again without being readable."""
        return self.fingerprint("number", number.e164)

    def fingerprint(self, *parts: str) -> str:
        """Return the same digits for the same parts in the same order; they tell nothing about the parts."""
        return _digest(self._print_mac, repr(parts)).hex()[:HEX_DIGITS]


def _mac(key: bytes, purpose: str) -> hmac.HMAC:
    """Return an HMAC that is keyed for one purpose and has seen nothing yet; only its copies are fed."""
    return hmac.new(hmac.digest(key, purpose.encode(), _HASH), digestmod=_HASH)


def _digest(mac: hmac.HMAC, text: str) -> bytes:
    # Not `hmac.digest`: it looks the hash up and gives up the interpreter's lock each time, several times a log-in.
    fed = mac.copy()
    # Text that came over the wire may hold what is no character; it must not fail here.
    fed.update(text.encode(errors="surrogatepass"))
    return fed.digest()
