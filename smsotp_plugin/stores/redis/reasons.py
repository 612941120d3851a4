"""Why a script has not done what it was asked to do: turns its words into our errors."""

from collections.abc import Callable, Mapping

from smsotp_plugin.errors import (
    AlreadyUsed,
    Expired,
    QueueFull,
    ResendRefused,
    StoreError,
    TooManyAttempts,
    UnknownChallenge,
)
from smsotp_plugin.grammar import agree
from smsotp_plugin.stores.redis.line import Reply

_REASONS: Mapping[bytes, Callable[[], Exception]] = {
    b"unknown": lambda: UnknownChallenge("no challenge of this user has this State"),
    b"used": lambda: AlreadyUsed("the code was used before"),
    b"spent": lambda: TooManyAttempts("an answer, but no try is left"),
    b"expired": lambda: Expired("the code has expired"),
    b"ended": lambda: Expired("the code is no longer valid"),
    b"too many": lambda: ResendRefused(None),
    b"raised": lambda: StoreError(
        "a challenge has more tries in the store than it had: somebody else has changed it there, or Redis has lost the last "
        "changes"
    ),
}


def explain_word(word: bytes) -> Exception:
    """
    Return why an answer was not looked at, or no further SMS is kept.

    Raises:
        KeyError: No script says so.
    """
    return _REASONS[word]()


def explain_full(kind: Reply = None, held: Reply = None) -> QueueFull:
    """Return why a message may not wait, as a script says it."""
    if not (isinstance(kind, bytes) and isinstance(held, int)):
        return QueueFull("as many messages as allowed wait for workers already (dispatch.queue)")
    return QueueFull(
        f"{held} {agree(held, 'message')} for this {kind.decode()} "
        f"{agree(held, 'is on its way', 'are on their way')} already, its share of dispatch.queue"
    )
