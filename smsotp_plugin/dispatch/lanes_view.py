"""What is known of the gateways that this process itself has."""

from collections.abc import Mapping, Sequence

from smsotp_plugin.clock import Clock
from smsotp_plugin.dispatch.delivery import Delivery, HealthOf
from smsotp_plugin.dispatch.health import Condition, GatewayHealth
from smsotp_plugin.dispatch.lane import Lane
from smsotp_plugin.dispatch.people import Person
from smsotp_plugin.dispatch.prober import Prober


class LanesView:
    """
    The health of lanes; see `HealthView`.

    Args:
        lanes: By the names of their gateways.
        prober: Finds out about those that are dead.
        clock: Time.
    """

    def __init__(self, lanes: Mapping[str, Lane], prober: Prober, clock: Clock) -> None:
        self._lanes = lanes
        self._prober = prober
        self._clock = clock

    def has_hope(self, gateway: str) -> bool:
        """Tell whether a message may be tried at a gateway although it counts as dead."""
        return self._lanes[gateway].breaker.has_hope(self._clock.monotonic())

    def find_health(self, gateway: str, person: Person | None = None) -> GatewayHealth:
        """See `HealthView.find_health`."""
        breaker, now = self._lanes[gateway].breaker, self._clock.monotonic()
        return breaker.health(now) if person is None else breaker.health_for(person, now)

    def find_last_hopes(self, gateways: Sequence[str], person: Person) -> frozenset[str]:
        """See `HealthView.find_last_hopes`; the others are probed if a probe tells anything."""
        now = self._clock.monotonic()
        for gateway in gateways:
            self._prober.hurry(self._lanes[gateway])
        return frozenset(
            gateway
            for gateway in gateways
            if self._lanes[gateway].breaker.may_try(person, now, last_hope=True)
        )

    def show(self, delivery: Delivery, now: float) -> HealthOf:
        """
        Return how one message sees the gateways: some may be tried with it although they count as dead.

        The caller holds the lock that guards the message.
        """

        def find_health(gateway: str) -> GatewayHealth:
            health = self._lanes[gateway].breaker.health_for(delivery.person, now)
            if health.condition is Condition.DEAD and self._may_hope(delivery, gateway, now):
                return GatewayHealth(Condition.ALIVE, 0.0)
            return health

        return find_health

    def _may_hope(self, delivery: Delivery, gateway: str, now: float) -> bool:
        breaker = self._lanes[gateway].breaker
        if gateway not in delivery.hopes and breaker.may_try(delivery.person, now, last_hope=False):
            delivery.hopes.add(gateway)
        return gateway in delivery.hopes
