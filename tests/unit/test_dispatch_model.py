"""
The whole dispatcher against what it promises, on a clock of its own and without threads.

Attempts take time, and other things happen while they do: the simulation runs what is due inside of each exchange.
"""

import contextlib
from collections import Counter
from dataclasses import dataclass

from hypothesis import event, given, settings
from hypothesis import strategies as st

from smsotp_plugin.clock import Deadline
from smsotp_plugin.dispatch.delivery import DispatchRules, RetryRules
from smsotp_plugin.dispatch.health import Condition
from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    BadRecipient,
    ConnectFailed,
    DeliveryError,
    GatewayUnavailable,
    NoGatewayAlive,
    NotSent,
    Outcome,
    ProtocolViolation,
    Refused,
    Throttled,
    Unknown,
)
from smsotp_plugin.settings.sections.dispatch import OnUnknown
from smsotp_plugin.sms.message import Message, Receipt
from tests.unit.dispatch_simulation import DEADLINE, Simulation, Turn

CONNECTIONS = 2
#: Attempts at a dead gateway, to find out: a few for each time that it was found to be alive, and a few a minute.
FEW = 10

ERRORS: list[DeliveryError] = [
    BadRecipient("x"),
    ConnectFailed("x"),
    AuthFailed("x"),
    Throttled("x"),
    Throttled("x", retry_after=9.0),
    GatewayUnavailable("x", retry_after=40.0),
    AnswerTimeout("x"),
    ProtocolViolation("x"),
]


@dataclass(frozen=True)
class Scenario:
    gateways: int
    rounds: int
    on_unknown: OnUnknown
    hedge_after: float
    turns: list[Turn]
    probes: list[bool]
    arrivals: list[float]
    lifetimes: list[float]


class Scripted(Simulation):
    """Runs a scenario; every promise is looked at when an attempt begins or a message ends."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.submitted: dict[str, float] = {}
        self._under_way: Counter[str] = Counter()
        self._never_again: set[tuple[str, str]] = set()
        self._rests: dict[str, float] = {}
        self._turn = 0
        self._probes = 0
        super().__init__(
            [f"g{number}" for number in range(scenario.gateways)],
            self._behave,
            self._probe,
            DispatchRules(
                1000, DEADLINE, RetryRules(scenario.rounds, scenario.on_unknown), scenario.hedge_after
            ),
            CONNECTIONS,
        )

    def run(self) -> None:
        for number, (gap, lifetime) in enumerate(
            zip(self.scenario.arrivals, self.scenario.lifetimes, strict=False)
        ):
            self.advance(gap)
            with contextlib.suppress(NoGatewayAlive):
                until = self.clock.monotonic() + min(DEADLINE, lifetime)
                self.submitted[f"m{number}"] = until
                person = number % 6
                self.submit(f"m{number}", f"user{person}", f"+49170123456{person}", lifetime=lifetime)
                continue
            del self.submitted[f"m{number}"]
        self.advance(DEADLINE + 20)

    def attempt(self, gateway: str, message: Message, deadline: Deadline) -> Receipt:
        """Begin and end one attempt: here is what must never happen."""
        reference, now = message.reference, self.clock.monotonic()
        assert now < self.submitted[reference], "an attempt after the deadline"
        assert not self.ended[reference], "an attempt after the end"
        assert (gateway, reference) not in self._never_again, "a gateway was asked again"
        assert self.scenario.hedge_after or not self._under_way[reference], "two attempts at once"
        assert now >= self._rests.get(gateway, 0.0), "retry_after was not obeyed"
        condition = self.dispatcher._lanes[gateway].breaker.health(now).condition
        assert condition in (Condition.ALIVE, Condition.DEAD)
        self._under_way[reference] += 1
        try:
            return super().attempt(gateway, message, deadline)
        except DeliveryError as error:
            self._remember(gateway, reference, error)
            raise
        finally:
            self._under_way[reference] -= 1

    def _behave(self, gateway: str, message: Message) -> Turn:  # noqa: ARG002  (the script is for all alike)
        self._turn += 1
        return self.scenario.turns[(self._turn - 1) % len(self.scenario.turns)]

    def _probe(self, gateway: str) -> bool:  # noqa: ARG002  (as above)
        self._probes += 1
        return self.scenario.probes[(self._probes - 1) % len(self.scenario.probes)]

    def _remember(self, gateway: str, reference: str, error: DeliveryError) -> None:
        if isinstance(error, Refused | Unknown):
            self._never_again.add((gateway, reference))
        if isinstance(error, NotSent):
            if not error.retry_here:
                self._never_again.add((gateway, reference))
            if error.retry_after:
                self._rests[gateway] = self.clock.monotonic() + error.retry_after


seconds = st.sampled_from([0.0, 0.1, 1.0, 3.0, 6.0])
scenarios = st.builds(
    Scenario,
    gateways=st.integers(1, 3),
    rounds=st.integers(1, 4),
    on_unknown=st.sampled_from(OnUnknown),
    hedge_after=st.sampled_from([0.0, 0.5, 2.0]),
    turns=st.lists(
        st.builds(Turn, seconds, st.one_of(st.none(), st.sampled_from(ERRORS))), min_size=1, max_size=12
    ),
    probes=st.lists(st.booleans(), min_size=1, max_size=4),
    arrivals=st.lists(st.sampled_from([0.0, 0.0, 0.3, 2.0, 20.0]), min_size=1, max_size=12),
    lifetimes=st.lists(st.sampled_from([300.0, 300.0, 5.0, 0.0]), min_size=12, max_size=12),
)


@given(scenario=scenarios)
@settings(deadline=None, max_examples=300)
def test_whatever_gateways_do_every_promise_holds(scenario: Scenario) -> None:
    simulation = Scripted(scenario)

    simulation.run()

    event(f"ends: {sorted(set(simulation.outcomes.values()))}")
    assert simulation.ended == Counter(dict.fromkeys(simulation.submitted, 1))
    assert len(simulation.dispatcher._on_the_way) == 0
    assert simulation.dispatcher._slots.count_taken() == 0
    successes = 1 + sum(simulation.accepted.values())
    assert all(hopes <= FEW * successes for hopes in simulation.hopes.values())
    assert {name for name, outcome in simulation.outcomes.items() if outcome is Outcome.ACCEPTED} == set(
        simulation.accepted
    )
    # A second SMS is sent only where another gateway had left it open, or where it was wished for.
    doubled = {reference for reference, count in simulation.accepted.items() if count > 1}
    assert doubled == set() or scenario.hedge_after
