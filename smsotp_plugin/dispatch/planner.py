"""Chooses the gateways of a message by routes, health and room in the queue. No threads, no gateways, no I/O."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Protocol

from smsotp_plugin.clock import Clock
from smsotp_plugin.dispatch.health import Condition, GatewayHealth
from smsotp_plugin.dispatch.people import Person
from smsotp_plugin.dispatch.routes import Plan, Recipient, RouteTable
from smsotp_plugin.dispatch.slots import Slots
from smsotp_plugin.errors import NoGatewayAlive


class HealthView(Protocol):
    """What is known of the gateways, wherever they are."""

    def find_health(self, gateway: str, person: Person | None = None) -> GatewayHealth:
        """Return the health of a gateway: for everybody, or for one person as far as that is known."""

    def find_last_hopes(self, gateways: Sequence[str], person: Person) -> frozenset[str]:
        """Return which of these gateways may still be tried with one message for this person, although all of them are dead."""


class Planner:
    """
    Chooses gateways.

    Args:
        routes: Which gateways for which message.
        view: What is known of them.
        slots: How many messages there is room for.
        deadline: Seconds that a message may take in all.
        clock: Time.
    """

    def __init__(
        self, routes: RouteTable, view: HealthView, slots: Slots, deadline: float, clock: Clock
    ) -> None:
        self._routes = routes
        self._view = view
        self._slots = slots
        self._deadline = deadline
        self._clock = clock
        self._hope_numbers = count()

    def plan(self, recipient: Recipient) -> Plan:
        """See `Outbox.plan`."""
        slot = self._slots.take(
            user=recipient.user,
            number=recipient.number,
            station=recipient.station,
            client=recipient.client,
        )
        plan = self._routes.plan(recipient, slot)
        person = Person(recipient.user, recipient.number)
        health = [self._view.find_health(gateway, person) for gateway in plan.gateways]
        if self._can_use_any(health):
            return plan
        hopes = self._view.find_last_hopes(plan.gateways, person)
        if not hopes:
            seconds = max(0.0, min(each.until for each in health) - self._clock.monotonic())
            raise NoGatewayAlive(
                f"no gateway of route {plan.route} is alive ({', '.join(plan.gateways)}); the next probe is "
                f"in {seconds:.0f} s"
            )
        # Each message begins with another gateway, so that a gateway that is back is soon found.
        return replace(plan.turn(next(self._hope_numbers)), hopes=hopes)

    def find_hopes(
        self, gateways: Sequence[str], person: Person, health: Sequence[GatewayHealth]
    ) -> frozenset[str] | None:
        """Return which gateways may be tried although all are dead; None if not all of them are."""
        return None if self._can_use_any(health) else self._view.find_last_hopes(gateways, person)

    def _can_use_any(self, health: Sequence[GatewayHealth]) -> bool:
        before = self._clock.monotonic() + self._deadline
        return any(each.condition is not Condition.DEAD and each.until < before for each in health)
