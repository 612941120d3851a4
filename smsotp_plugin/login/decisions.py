"""What the flow can decide about a request, and the words that go with it."""

from dataclasses import dataclass, field

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import reference_of
from smsotp_plugin.fields.template import Template
from smsotp_plugin.stores.base import Challenge


@dataclass(frozen=True, slots=True)
class Ask:
    """
    Access-Challenge.

    Attributes:
        state: State, printable ASCII.
        prompt: Reply-Message, at most 253 bytes of UTF-8.
        seconds: Session-Timeout: how long the code is good, at least 1.
    """

    state: str
    prompt: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Accept:
    """Access-Accept."""


@dataclass(frozen=True, slots=True)
class Reject:
    """
    Access-Reject.

    Attributes:
        text: Reply-Message for the user, at most 253 bytes of UTF-8; empty for none.
        reason: For the administrator, in the words of the log.
    """

    text: str
    reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class NotOurs:
    """The State is not one of ours: the request is a first leg, if it is anything."""


def explain_undelivered(challenge: Challenge) -> str:
    """Say why somebody is rejected whose code was never sent."""
    return f"rejected, because no SMS with the code got out ({challenge.undelivered})"


class Prompter:
    """
    Asks for codes, and says why an answer is rejected.

    Args:
        clock: Time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def ask(self, challenge: Challenge, prompt: Template) -> Ask:
        """
        Ask for the code of a challenge.

        Args:
            challenge: The challenge.
            prompt: With ``{number}`` and ``{reference}`` still to be filled.
        """
        filled = prompt.fill(number=challenge.number, reference=_find_reference(prompt, challenge.state))
        return Ask(challenge.state, filled, max(1, round(challenge.expires - self._clock.time())))

    def refuse(self, state: str, text: Template, reason: str) -> Reject:
        """
        Reject an answer to a challenge.

        Args:
            state: Of the challenge.
            text: With ``{reference}`` still to be filled.
            reason: For the administrator.
        """
        return Reject(text.fill(reference=_find_reference(text, state)), reason)


def _find_reference(text: Template, state: str) -> str:
    return reference_of(state) if "reference" in text.tags else ""
