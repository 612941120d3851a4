"""What the flow hands messages to. The flow does not know whether threads, another process or another machine sends them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from smsotp_plugin.dispatch.routes import Plan, Recipient
from smsotp_plugin.errors import Outcome
from smsotp_plugin.sms.message import Message

#: Told once for each message, from any thread, how it ended: nothing more is tried.
EndListener = Callable[[Message, Outcome], None]
#: Told, from any thread, by how many SMS the cost of a message has changed; below 0 if too many were counted.
CostListener = Callable[[Message, int], None]


class Outbox(Protocol):
    """
    Takes messages.

    One `EndListener` is told how each message ended, and one `CostListener` what it cost; whoever builds the outbox sets both.
    """

    def plan(self, recipient: Recipient) -> Plan:
        """
        Choose the gateways for a message that is about to be promised to somebody. No I/O.

        Raises:
            QueueFull: There is no room for one more message.
            NoRoute: No gateway is meant for this recipient.
            NoGatewayAlive: All gateways of the route are known to be dead.
        """

    def submit(self, message: Message, plan: Plan) -> None:
        """
        Accept a message for sending; returns at once.

        Args:
            message: The SMS. A later one of the same log-in replaces the earlier ones.
            plan: What `plan` chose.
        """

    def submit_all(self, batch: Sequence[tuple[Message, Plan]]) -> None:
        """Accept messages as `submit` does, one after the other; cheaper for many at once."""

    def withdraw(self, state: str) -> None:
        """Stop sending the messages of a challenge that is over; what a gateway already has stays there."""


def ignore_end(message: Message, outcome: Outcome) -> None:
    """Note nothing."""


def ignore_cost(message: Message, copies: int) -> None:
    """Note nothing."""
