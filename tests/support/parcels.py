"""What goes into a store together with a challenge, in tests of stores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from smsotp_plugin.stores.base import Challenge, ChallengeStore
from smsotp_plugin.stores.budgets import Spending
from smsotp_plugin.stores.kept import Attempt, KeptMessage, MessageStore, Parcel

SEALED = bytes(range(256))
#: A parcel that counts for nobody's budgets.
NO_COST = Spending(())


@dataclass(frozen=True, slots=True)
class SomeParcel:
    """The first message of a challenge."""

    challenge: Challenge
    sealed: bytes = SEALED
    spending: Spending = NO_COST
    holders: tuple[str, ...] = ()

    @property
    def resends(self) -> int:
        return self.challenge.resends

    def seal(self) -> KeptMessage:
        return KeptMessage(self.challenge.state, "default", self.challenge.expires, self.sealed)


def begin(store: ChallengeStore, new: Challenge) -> Challenge:
    """Open a challenge with some message; return what `open_challenge` returns."""
    return store.open_challenge(new, SomeParcel(new))


def begin_attempt(store: MessageStore, state: str, gateway: str, *, resends: int = 0) -> None:
    """
    Note that a gateway may have a message from now on.

    Raises:
        Exception: It is not noted; see `MessageStore.begin_attempts`.
    """
    (problem,) = store.begin_attempts([Attempt(state, resends, gateway)])
    if problem is not None:
        raise problem


def told_by(store: ChallengeStore) -> list[str]:
    """Listen to a store; return a list of the States of the challenges that it reports, which grows from then on."""
    told: list[str] = []

    def listen(kept: Sequence[Parcel]) -> None:
        told.extend(cast("SomeParcel", parcel).challenge.state for parcel in kept)

    store.listen(listen)
    return told
