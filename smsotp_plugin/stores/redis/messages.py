"""Messages in Redis: whose they are, which gateway may have one, and what the dead leave."""

import itertools
import secrets
import threading
from collections.abc import Sequence
from functools import partial
from typing import cast

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.kept import KeptMessage, LeftMessage
from smsotp_plugin.stores.redis.lazy import Lazy
from smsotp_plugin.stores.redis.scripts import Scripts

#: Seconds for which an owner is believed to live after it has said so, which it does once a second.
LIFE = 5.0
#: Messages that one script takes over.
_PIECE = 500

_Left = tuple[bytes, bytes, bytes, bytes, bytes, int, list[bytes]]


class Messages:
    """
    The messages of one store.

    Args:
        scripts: Runs changes.
        lazy: Writes what nobody waits for.

    Attributes:
        owner: Stands for this store.
    """

    def __init__(self, scripts: Scripts, lazy: Lazy) -> None:
        self.owner = secrets.token_hex(8)
        self._scripts = scripts
        self._lazy = lazy
        self._keys = ["owners", f"messages:{self.owner}"]
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        #: The numbers of the attempts that have begun, by message and gateway.
        self._begun: dict[str, dict[str, int]] = {}

    def live(self) -> float:
        """
        Say that this store lives.

        Returns:
            The moment by the store's own clock, in Unix seconds.

        Raises:
            StoreError: That cannot be said.
        """
        turn, _ = cast(
            "tuple[bytes, object]", self._scripts.run("take_over", self._keys, self.owner, LIFE, 0)
        )
        return float(turn)

    def leave(self) -> None:
        """
        Say that it lives no more.

        Raises:
            StoreError: As above.
        """
        self._scripts.run("leave", self._keys, self.owner)

    def begin_attempt(self, name: str, gateway: str) -> None:
        """
        See `MessageStore.begin_attempt`.

        Args:
            name: Of the message, as ``STATE:RESENDS``, also in what follows.
            gateway: Its name.
        """
        number = next(self._numbers)
        if not self._scripts.run("begin_attempt", [f"message:{name}"], gateway, self.owner, number):
            raise StoreError("another server has taken this one for dead, and the message over")
        with self._lock:
            self._begun.setdefault(name, {})[gateway] = number

    def end_attempt(self, name: str, gateway: str) -> None:
        """See `MessageStore.end_attempt`."""
        with self._lock:
            number = self._begun.get(name, {}).pop(gateway, None)
        if number is not None:
            self._lazy.add(
                partial(self._scripts.command, "end_attempt", [f"message:{name}"], gateway, number)
            )

    def forget(self, name: str) -> None:
        """See `MessageStore.forget_message`."""
        with self._lock:
            self._begun.pop(name, None)
        keys = [f"message:{name}", f"messages:{self.owner}"]
        self._lazy.add(partial(self._scripts.command, "forget_message", keys, name, self.owner))

    def take_over(self, now: float) -> Sequence[LeftMessage]:
        """See `MessageStore.take_over`."""
        left: list[LeftMessage] = []
        while True:
            reply = self._scripts.run("take_over", self._keys, self.owner, LIFE, _PIECE, now=now)
            _, piece = cast("tuple[bytes, list[_Left]]", reply)
            left += map(_read, piece)
            if len(piece) < _PIECE:
                return sorted(left, key=lambda each: (each.message.expires, each.message.resends))


def _read(left: _Left) -> LeftMessage:
    state, resends, site, expires, sealed, is_needed, gateways = left
    return LeftMessage(
        KeptMessage(state.decode(), site.decode(), float(expires), sealed, int(resends)),
        is_needed=bool(is_needed),
        may_have_it=frozenset(gateway.decode() for gateway in gateways),
    )
