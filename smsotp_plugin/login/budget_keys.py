"""The keys under which SMS are counted: digits that give nothing away, for account, number and all else that has a limit."""

from collections.abc import Sequence
from functools import lru_cache

from smsotp_plugin.codes.fingerprints import Fingerprints
from smsotp_plugin.sms.phone import PhoneNumber
from smsotp_plugin.stores.budgets import Scope

#: Of a fingerprint: enough that two of a site's users never share one.
_KEY_DIGITS = 16
#: Stations, clients and blocks whose fingerprints are remembered.
_REMEMBERED = 16384
#: The purpose of SMS that carry no code.
NO_CODE = "no code"


class Keys:
    """
    Makes the keys under which SMS are counted.

    Args:
        names: Makes fingerprints.
    """

    def __init__(self, names: Fingerprints) -> None:
        self._names = names
        self._of = lru_cache(_REMEMBERED)(self._make)

    def user(self, user: str) -> tuple[str, ...]:
        """Return the keys of an account: one for each secret key, like all methods below."""
        return _cut(Scope.USER, self._names.accounts(user))

    def number(self, number: PhoneNumber) -> tuple[str, ...]:
        """Return the keys of a number."""
        return _cut(Scope.NUMBER, self._names.number_hashes(number))

    def with_purpose(self, purpose: str, user: str, number: PhoneNumber | None) -> tuple[str, ...]:
        """Return the keys of an account and of a number for SMS that have budgets of their own."""
        of_all = (self.user(user), () if number is None else self.number(number))
        return tuple(
            [
                made
                for keys in of_all
                for key in keys[:1]
                for made in self._of(Scope(key[0]), f"{purpose} {key}")
            ]
        )

    def other(self, scope: Scope, text: str) -> tuple[str, ...]:
        """Return the keys of anything else that is counted in a scope; none if the text is empty."""
        return self._of(scope, text) if text else ()

    def _make(self, scope: Scope, text: str) -> tuple[str, ...]:
        return _cut(scope, self._names.fingerprints(scope.name, text))


def _cut(scope: Scope, fingerprints: Sequence[str]) -> tuple[str, ...]:
    return tuple([scope + digits[:_KEY_DIGITS] for digits in fingerprints])
