"""What a face of the HTTP mock has to say; the server does the rest (faults, inbox, journal, bytes)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from smsotp_mocks.faults.words import Fault
from smsotp_mocks.net.http import Answer, Request

Trouble = Literal["throttle", "refuse", "unavailable"]


@dataclass(frozen=True, slots=True)
class Submission:
    """
    A request that the gateway would take.

    Attributes:
        number: As the request had it.
        sender: Empty when none was given.
    """

    number: str
    text: str
    sender: str = ""


class Rejected(Exception):
    """The real gateway would not take this request."""

    def __init__(self, answer: Answer, reason: str) -> None:
        super().__init__(reason)
        self.answer = answer
        self.reason = reason


class Face(ABC):
    """One gateway's API."""

    name: ClassVar[str]
    protocol: ClassVar[str] = "http"

    @abstractmethod
    def owns(self, path: str) -> bool:
        """Return whether a request to this path speaks this API."""

    @abstractmethod
    def read(self, request: Request) -> Submission | Answer:
        """
        Judge a request as the real gateway does.

        Returns:
            What is to be sent; or the answer to a good request that sends nothing.

        Raises:
            Rejected: With the real gateway's answer.
        """

    @abstractmethod
    def answer_accepted(self, request: Request, submission: Submission, message_id: str) -> Answer:
        """
        Return the answer for a message that was taken.

        Args:
            message_id: 32 hex digits.
        """

    @abstractmethod
    def answer_trouble(self, kind: Trouble, request: Request, submission: Submission) -> Answer:
        """Return how this API says that there are too many messages, that one is never possible, or that none is possible now."""

    def answer_fault(self, fault: Fault) -> Answer:
        """Return the answer of a fault that only this protocol knows."""
        raise NotImplementedError(fault.action)
