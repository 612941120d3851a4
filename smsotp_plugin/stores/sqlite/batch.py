"""Challenges that are committed together, and what waits for that."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.kept import KeptMessage

log = logging.getLogger("smsotp.store")


@dataclass(frozen=True, slots=True)
class _New:
    challenge: Challenge
    message: KeptMessage | None
    then: Callable[[], None]


class Batch:
    """New challenges; filled by one thread at a time, and looked into by all."""

    def __init__(self) -> None:
        self._by_state: dict[str, _New] = {}
        self._latest: dict[str, Challenge] = {}
        self._done = threading.Event()

    def __len__(self) -> int:
        return len(self._by_state)

    def __contains__(self, state: str) -> bool:
        return state in self._by_state

    def add(self, challenge: Challenge, message: KeptMessage | None, then: Callable[[], None]) -> None:
        """Add a challenge with its message, and what is to happen once it is kept."""
        self._by_state[challenge.state] = _New(challenge, message, then)
        self._latest[challenge.login] = challenge

    def latest(self, login: str) -> Challenge | None:
        """Return the last challenge of a log-in."""
        return self._latest.get(login)

    def challenges(self) -> list[Challenge]:
        return [new.challenge for new in self._by_state.values()]

    def messages(self) -> list[KeptMessage]:
        return [new.message for new in self._by_state.values() if new.message is not None]

    def call(self) -> None:
        """Call what waits for the challenges, for whoever has kept them and holds no lock; once."""
        try:
            for new in self._by_state.values():
                try:
                    new.then()
                except Exception:
                    log.exception("a user was asked for a code, but no SMS will be sent")
        finally:
            self._done.set()

    def wait(self) -> None:
        """Wait until all has been called."""
        self._done.wait()
