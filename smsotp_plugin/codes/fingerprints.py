"""
States, references and fingerprints: they stand for things without revealing them, under keys that the store does not hold.

Nothing here can derive a code: that is left to `onetime`.
"""

import hmac
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Self

from smsotp_plugin.codes.account import fold_account
from smsotp_plugin.codes.keyed import HEX_DIGITS, make_mac
from smsotp_plugin.codes.names import mask_name
from smsotp_plugin.sms.phone import PhoneNumber

#: The last digits of a State say which site it is for, and those before them whose challenge it names, and until when. The
#: others are random.
_SITE_DIGITS, _OWNER_DIGITS = 8, 8
_RANDOM_DIGITS = HEX_DIGITS - _OWNER_DIGITS - _SITE_DIGITS
#: Seconds. A State says when its challenge ends, to within this many; stores keep a challenge as long after its end.
PERIOD = 600.0
_REFERENCE_DIGITS = 8
#: Accounts, names and numbers whose fingerprints are remembered.
_REMEMBERED = 16384


def reference_of(state: str) -> str:
    """
    Return the short name of a challenge for logs and the help desk: 8 digits that give nothing away.

    Made without a key, so that it stays the same when the key is changed: 32 bits of the digest of 128 random ones lead nowhere.
    """
    return sha256(state.encode(errors="surrogatepass")).hexdigest()[:_REFERENCE_DIGITS]


class Fingerprints:
    """
    Makes States, marks and fingerprints.

    Args:
        key: At least 32 bytes that the store does not hold.
        length: Characters of a code, 4 to 10.
        alphabet: What codes are made of.
        random_bytes: Source of randomness; returns as many bytes as asked for.
        older: The maker for the key before this one, which still recognises what it has made; it makes nothing new.
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
        #: One for each key, the present one first.
        self._each: tuple[Self, ...] = (self,) if older is None else (self, older)
        self._mark_mac = make_mac(key, "smsotp mark")
        self._print_mac = make_mac(key, "smsotp fingerprint")
        self._length = length
        self._alphabet = alphabet
        self._random_bytes = random_bytes
        self._accounts = lru_cache(_REMEMBERED)(self._make_accounts)
        self._number_hash = lru_cache(_REMEMBERED)(self._make_number_hash)
        self._masked_user = lru_cache(_REMEMBERED)(self._mask_user)

    def make_state(self, site: str, user: str = "", end: float = 0.0) -> str:
        """
        Return a fresh State: `HEX_DIGITS` hexadecimal digits, answered at this site only.

        Args:
            site: Where the challenge is made.
            user: Whose challenge it is; empty where there is none.
            end: When it ends, in Unix seconds.
        """
        fresh = self._random_bytes(_RANDOM_DIGITS // 2).hex()
        fresh += self._hash_owner(fresh, user, int(end // PERIOD))
        return fresh + self._hash_site(fresh, site)

    def is_for(self, state: str, site: str) -> bool:
        """Tell whether a State was made with this very key for this site; of others, one in 2 to the power of 32 passes."""
        return state[-_SITE_DIGITS:] == self._hash_site(state[:-_SITE_DIGITS], site)

    def is_of(self, state: str, user: str, now: float, life: float) -> bool:
        """
        Tell whether a State of this key names a challenge of this user that has not ended, or less than `PERIOD` ago.

        Args:
            state: One that `is_for` its site.
            user: User-Name as the client sent it.
            now: Unix seconds.
            life: Seconds that challenges last, at most an hour; one that was given longer is not recognized.
        """
        fresh, owner = state[:_RANDOM_DIGITS], state[_RANDOM_DIGITS:-_SITE_DIGITS]
        # The latest end first: most challenges are answered soon after they were made.
        periods = range(int((now + life) // PERIOD), int(now // PERIOD) - 1, -1)
        return any(owner == self._hash_owner(fresh, user, period) for period in periods)

    def _hash_owner(self, fresh: str, user: str, period: int) -> str:
        return self.fingerprint("owner", fresh, user, str(period))[:_OWNER_DIGITS]

    def _hash_site(self, fresh: str, site: str) -> str:
        return self.fingerprint("site", fresh, site)[:_SITE_DIGITS]

    def mark(self, *parts: str) -> str:
        """Return a mark for these parts, in this order, which nobody can make without the key."""
        return self._mark_mac.digest(repr(parts)).hex()[:HEX_DIGITS]

    def is_mark(self, mark: str, *parts: str) -> bool:
        """Tell whether a mark was made for these parts, with this key or the older one."""
        if hmac.compare_digest(mark.encode(), self.mark(*parts).encode()):
            return True
        return self._older is not None and self._older.is_mark(mark, *parts)

    def mask_user(self, user: str) -> str:
        """
        Return a User-Name as log and delivery log show it, the same for the same name.

        Anything in it that reads as a telephone number or as a code is hidden, and 8 digits that give nothing away are added.
        """
        return self._masked_user(user)

    def _mask_user(self, user: str) -> str:
        masked = mask_name(user, self._length, self._alphabet)
        return user if masked == user else f"{masked} ({self.fingerprint('name', user)[:8]})"

    def mask_user_each(self, user: str) -> tuple[str, ...]:
        """Return all forms in which log and delivery log may show a User-Name, the present one first: one for each key."""
        return tuple(dict.fromkeys(names.mask_user(user) for names in self._each))

    def accounts(self, user: str) -> tuple[str, ...]:
        """Return the fingerprints of an account, the same for all spellings of its name, the present one first: one for each key."""
        return self._accounts(user)

    def _make_accounts(self, user: str) -> tuple[str, ...]:
        return self.fingerprints("account", fold_account(user))

    def number_hash(self, number: PhoneNumber) -> str:
        """Return the fingerprint of a number, by which it can be found again without being readable."""
        return self._number_hash(number.e164)

    def _make_number_hash(self, number: str) -> str:
        return self.fingerprint("number", number)

    def number_hashes(self, number: PhoneNumber) -> tuple[str, ...]:
        """Return the fingerprints of a number, the present one first: one for each key."""
        return tuple([names.number_hash(number) for names in self._each])

    def fingerprints(self, *parts: str) -> tuple[str, ...]:
        """Return the fingerprints of some parts, the present one first: one for each key."""
        return tuple([names.fingerprint(*parts) for names in self._each])

    def fingerprint(self, *parts: str) -> str:
        """Return the same digits for the same parts in the same order; they reveal nothing about the parts."""
        return self._print_mac.digest(repr(parts)).hex()[:HEX_DIGITS]
