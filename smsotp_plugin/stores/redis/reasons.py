"""Why a script has not done what it was asked to do: turns its words into our errors."""

from collections.abc import Callable, Mapping
from typing import cast

from smsotp_plugin.errors import (
    AlreadyUsed,
    Expired,
    QueueFull,
    ResendRefused,
    StoreError,
    TooManyAttempts,
    UnknownChallenge,
)
from smsotp_plugin.stores.kept import explain_share
from smsotp_plugin.stores.redis.line import Reply

#: Of each script, what its words mean.
_Reasons = Mapping[bytes, Callable[[], Exception]]
_UNKNOWN: _Reasons = {b"unknown": lambda: UnknownChallenge("no challenge of this user has this State")}
ANSWER: _Reasons = {
    **_UNKNOWN,
    b"used": lambda: AlreadyUsed("the code was used before"),
    b"spent": lambda: TooManyAttempts("an answer, but no try is left"),
    b"expired": lambda: Expired("the code has expired"),
    b"raised": lambda: StoreError(
        "a challenge has more tries in the store than it had: somebody else has changed it there, or Redis has lost the last "
        "changes"
    ),
}
RESEND: _Reasons = {
    **_UNKNOWN,
    b"ended": lambda: Expired("the code is no longer valid"),
    b"too many": lambda: ResendRefused(None),
}


def explain_word(reasons: _Reasons, word: Reply) -> Exception:
    """
    Return why an answer was not looked at, or no further SMS is kept.

    Args:
        reasons: Those of the script.
        word: What it says.

    Raises:
        KeyError: It never says so.
        TypeError: It is no word.
    """
    return reasons[cast("bytes", word)]()


def explain_full(kind: Reply = None, held: Reply = None) -> QueueFull:
    """Return why a message may not wait, as a script says it."""
    if not (isinstance(kind, bytes) and isinstance(held, int)):
        return QueueFull("as many messages as allowed wait for workers already (dispatch.queue)")
    return explain_share(kind.decode(), held)
