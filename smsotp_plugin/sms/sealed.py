"""
Seals messages that are kept where others may look: AES-256-GCM (NIST SP 800-38D), under a key that is used for nothing else.

Challenge, site and end are kept beside the sealed message in clear, and are authenticated with it, so that no message can be
moved to another log-in or made to live longer. Nonces are random, which is safe for 2 to the power of 32 messages of one key.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from smsotp_plugin.errors import CannotUnseal
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number

_NONCE_BYTES = 12
#: Gets another number when the form of what is sealed changes: whoever knows only one form cannot unseal the other.
_FORM = "smsotp message 2"


@dataclass(frozen=True, slots=True)
class Letter:
    """
    A message, and the gateways that were chosen for it.

    Attributes:
        message: The SMS.
        route: Name of the route.
        gateways: In the order in which they are tried for a first message.
    """

    message: Message
    route: str
    gateways: tuple[str, ...]


class MessageSealer:
    """
    Seals messages, and opens them again.

    Args:
        key: 32 bytes.
        random_bytes: Source of randomness; returns as many bytes as asked for.
        older_key: 32 bytes; what was sealed with it is still opened.
    """

    def __init__(
        self, key: bytes, random_bytes: Callable[[int], bytes], older_key: bytes | None = None
    ) -> None:
        self._cipher = AESGCM(key)
        self._older = None if older_key is None else AESGCM(older_key)
        self._random_bytes = random_bytes

    def seal(self, letter: Letter, site: str) -> bytes:
        """Seal a message for the log-in at a site."""
        message = letter.message
        written = json.dumps(
            (
                message.reference,
                message.user,
                message.number.e164,
                message.otp.get_secret_value(),
                message.sentence.get_secret_value(),
                message.login,
                message.code.get_secret_value(),
                message.budgets,
                message.price,
                letter.route,
                letter.gateways,
            )
        )
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(
            nonce, written.encode(), _beside(message.state, site, message.expires)
        )

    def unseal(self, sealed: bytes, *, state: str, site: str, expires: float, resends: int) -> Letter:
        """
        Open what `seal` has made for this State, site and end.

        Args:
            sealed: What it has made.
            state: Of the challenge.
            site: The virtual server of the log-in.
            expires: Unix seconds.
            resends: How often the code had been sent before; not sealed.

        Raises:
            CannotUnseal: It was made under another key, for something else, or was changed.
        """
        written = self._decrypt(sealed, _beside(state, site, expires))
        reference, user, number, otp, sentence, login, code, budgets, price, route, gateways = json.loads(
            written
        )
        message = Message(
            reference=reference,
            user=user,
            number=parse_number(number, None),
            otp=SecretStr(otp),
            sentence=SecretStr(sentence),
            expires=expires,
            state=state,
            login=login,
            resends=resends,
            code=SecretStr(code),
            budgets=tuple(budgets),
            price=price,
        )
        return Letter(message, route, tuple(gateways))

    def _decrypt(self, sealed: bytes, beside: bytes) -> bytes:
        for cipher in (self._cipher, self._older):
            with suppress(InvalidTag, ValueError):
                if cipher is not None:
                    return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], beside)
        raise CannotUnseal(
            "it cannot be unsealed: [store] key has another value since, or somebody else has changed the store"
        )


def _beside(state: str, site: str, expires: float) -> bytes:
    # A store may give back a whole number of seconds without a fraction.
    return repr((_FORM, state, site, float(expires))).encode()
