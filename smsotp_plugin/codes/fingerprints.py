"""
States, references and what else stands for something without telling it, all under keys that the store does not hold.

Nothing here can derive a code: that is left to `onetime`.
"""

from collections.abc import Callable

from smsotp_plugin.codes.keyed import HEX_DIGITS, digest, mac_for
from smsotp_plugin.codes.names import mask_name
from smsotp_plugin.sms.phone import PhoneNumber

#: Of a State: how many digits at its end say which site it is for.
_SITE_DIGITS = 8


class Fingerprints:
    """
    Makes names for things.

    Args:
        key: At least 32 bytes that the store does not hold.
        length: Characters of a code, 4 to 10.
        alphabet: What codes are made of.
        random_bytes: Source of randomness; returns as many bytes as asked for.
    """

    def __init__(self, key: bytes, length: int, alphabet: str, random_bytes: Callable[[int], bytes]) -> None:
        self._mark_mac = mac_for(key, "smsotp mark")
        self._print_mac = mac_for(key, "smsotp fingerprint")
        self._length = length
        self._alphabet = alphabet
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

    def mark(self, *parts: str) -> str:
        """Return what nobody can make for these parts, in this order, without the key."""
        return digest(self._mark_mac, repr(parts)).hex()[:HEX_DIGITS]

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
        return digest(self._print_mac, repr(parts)).hex()[:HEX_DIGITS]
