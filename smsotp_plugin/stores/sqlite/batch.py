"""Challenges that are committed together, and the messages that are sent after that."""

import logging
import threading

from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.budgets import Spending
from smsotp_plugin.stores.kept import KeptListener, KeptMessage, Parcel

log = logging.getLogger("smsotp.store")


class Batch:
    """New challenges; filled by one thread at a time, and read by all."""

    def __init__(self) -> None:
        self._by_state: dict[str, tuple[Challenge, Parcel]] = {}
        self._latest: dict[str, Challenge] = {}
        self._done = threading.Event()

    def __len__(self) -> int:
        return len(self._by_state)

    def __contains__(self, state: str) -> bool:
        return state in self._by_state

    def add(self, challenge: Challenge, parcel: Parcel) -> None:
        """Add a challenge, and what goes with it."""
        self._by_state[challenge.state] = challenge, parcel
        self._latest[challenge.login] = challenge

    def latest(self, login: str) -> Challenge | None:
        """Return the last challenge of a log-in."""
        return self._latest.get(login)

    def challenges(self) -> list[Challenge]:
        return [challenge for challenge, _ in self._by_state.values()]

    def seal(self) -> list[KeptMessage]:
        """
        Return the messages of all challenges.

        A challenge whose message cannot be sealed is removed, so that nobody else's code waits for it.
        """
        messages = []
        for challenge, parcel in list(self._by_state.values()):
            try:
                messages.append(parcel.seal())
            except Exception:
                log.exception("a user was asked for a code, but no SMS will be sent")
                del self._by_state[challenge.state]
                self._latest.pop(challenge.login, None)
        return messages

    def spendings(self) -> list[Spending]:
        return [parcel.spending for _, parcel in self._by_state.values()]

    def tell(self, listener: KeptListener) -> None:
        """Tell the listener what was kept; called once, by the thread that has kept it, without a lock."""
        try:
            listener([parcel for _, parcel in self._by_state.values()])
        except BaseException:  # the thread has to live
            log.exception("users were asked for codes, but no SMS will be sent")
        finally:
            self._done.set()

    def wait(self) -> None:
        """Wait until the listener has been told."""
        self._done.wait()
