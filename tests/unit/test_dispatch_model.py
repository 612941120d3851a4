"""
The whole dispatcher against what it promises, on a clock of its own and without threads.

Attempts take time, and other things happen while they do: the simulation runs what is due inside of each exchange.
"""

import contextlib
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from smsotp_plugin.clock import Deadline
from smsotp_plugin.dispatch.delivery import Delivery, Final, RetryRules
from smsotp_plugin.dispatch.dispatcher import Dispatcher, DispatchRules
from smsotp_plugin.dispatch.health import Condition
from smsotp_plugin.dispatch.lane import Lane
from smsotp_plugin.dispatch.routes import Recipient, RouteTable
from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    BadRecipient,
    ConnectFailed,
    DeliveryError,
    GatewayUnavailable,
    NoGatewayAlive,
    NotSent,
    ProtocolViolation,
    Refused,
    Throttled,
    Unknown,
)
from smsotp_plugin.providers.base import GatewayContext, GatewaySettings, Provider
from smsotp_plugin.settings.sending import OnUnknown
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import parse_number
from tests.support.clock import FakeClock

NUMBER = "+491701234567"
DEADLINE = 30.0
CONNECTIONS = 2

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
class Turn:
    """How one attempt goes: how long it takes, and its error, None for a receipt."""

    seconds: float
    error: DeliveryError | None


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


class Gateway(Provider[GatewaySettings, Message, Receipt]):
    Settings = GatewaySettings

    def __init__(self, name: str, world: "Simulation") -> None:
        context = GatewayContext(name, world.clock)
        super().__init__(context, GatewaySettings(provider="test", CONNECTIONS=CONNECTIONS, TIMEOUT=5))
        self._world = world

    def compose(self, message: Message) -> Message:
        return message

    def exchange(self, request: Message, deadline: Deadline) -> Receipt:
        return self._world.attempt(self.context.name, request.reference, deadline)

    def judge(self, answer: Receipt) -> Receipt:
        return answer

    def probe(self, deadline: Deadline) -> None:  # noqa: ARG002  (probes take no time here)
        self._world.probe()


class Nothing:
    def record(self, event: object) -> None:
        pass


class Simulation:
    """Runs a scenario; every promise is looked at when an attempt begins or a message ends."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.clock = FakeClock()
        self.submitted: dict[str, float] = {}
        self.ended: Counter[str] = Counter()
        self.finals: dict[str, Final] = {}
        self.accepted: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()
        self._busy: Counter[str] = Counter()
        self._never_again: set[tuple[str, str]] = set()
        self._rests: dict[str, float] = {}
        self._turn = 0
        self._probes = 0
        names = [f"g{number}" for number in range(scenario.gateways)]
        log: Any = Nothing()
        self.dispatcher = Dispatcher(
            providers=[Gateway(name, self) for name in names],
            routes=RouteTable([], names),
            rules=DispatchRules(
                queue=1000,
                deadline=DEADLINE,
                retries=RetryRules(scenario.rounds, scenario.on_unknown),
                hedge_after=scenario.hedge_after,
            ),
            delivery_log=log,
            clock=self.clock,
            random=Random(1),
        )

    def run(self) -> None:
        for number, (gap, lifetime) in enumerate(
            zip(self.scenario.arrivals, self.scenario.lifetimes, strict=False)
        ):
            self.advance(gap)
            with contextlib.suppress(NoGatewayAlive):
                self.submit(f"m{number}", lifetime)
        self.advance(DEADLINE + 20)

    def submit(self, reference: str, lifetime: float) -> None:
        plan = self.dispatcher.plan(Recipient(NUMBER))
        self.submitted[reference] = self.clock.monotonic() + min(DEADLINE, lifetime)
        message = Message(
            reference=reference,
            user="bob",
            number=parse_number(NUMBER, None),
            otp=SecretStr("1"),
            sentence=SecretStr("1"),
            expires=self.clock.time() + lifetime,
        )
        self.dispatcher.submit(message, plan, lambda final: self.end(reference, final))

    def end(self, reference: str, final: Final) -> None:
        self.ended[reference] += 1
        self.finals[reference] = final

    def advance(self, seconds: float) -> None:
        """Let time pass, with everything that is due in it."""
        until = self.clock.monotonic() + seconds
        while True:
            while sum(self._work(lane) for lane in self.dispatcher._lanes.values()):
                pass
            calls = self.dispatcher._timer._calls
            if not calls or calls[0][0] > until:
                break
            self._go_to(calls[0][0])
            function = self.dispatcher._timer._next()
            assert function is not None
            function()
        self._go_to(until)

    def attempt(self, gateway: str, reference: str, deadline: Deadline) -> Receipt:
        """Begin and end one attempt: here is what must never happen."""
        now = self.clock.monotonic()
        assert now < self.submitted[reference], "an attempt after the deadline"
        assert not self.ended[reference], "an attempt after the end"
        assert (gateway, reference) not in self._never_again, "a gateway was asked again"
        assert self.scenario.hedge_after or not self._under_way[reference], "two attempts at once"
        assert now >= self._rests.get(gateway, 0.0), "retry_after was not obeyed"
        assert self.dispatcher._lanes[gateway].breaker.health(now).condition is Condition.ALIVE
        turn = self.scenario.turns[self._turn % len(self.scenario.turns)]
        self._turn += 1
        self._under_way[reference] += 1
        try:
            self.advance(min(turn.seconds, deadline.remaining()))
        finally:
            self._under_way[reference] -= 1
        error = AnswerTimeout("x") if deadline.passed() else turn.error
        self._remember(gateway, reference, error)
        if error is not None:
            raise error
        self.accepted[reference] += 1
        return Receipt()

    def probe(self) -> None:
        alive = self.scenario.probes[self._probes % len(self.scenario.probes)]
        self._probes += 1
        if not alive:
            raise ConnectFailed("x")

    def _remember(self, gateway: str, reference: str, error: DeliveryError | None) -> None:
        if isinstance(error, Refused | Unknown):
            self._never_again.add((gateway, reference))
        if isinstance(error, NotSent):
            if not error.retry_here:
                self._never_again.add((gateway, reference))
            if error.retry_after:
                self._rests[gateway] = self.clock.monotonic() + error.retry_after

    def _work(self, lane: Lane) -> bool:
        if self._busy[lane.name] == CONNECTIONS or not lane._queue._heap:
            return False
        item = lane._queue._take()
        self._busy[lane.name] += 1
        try:
            if isinstance(item, Delivery):
                lane._attempt(lane, item)
            else:
                lane._probe_now()
        finally:
            self._busy[lane.name] -= 1
        return True

    def _go_to(self, moment: float) -> None:
        self.clock.advance(max(0.0, moment - self.clock.monotonic()))


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
    simulation = Simulation(scenario)

    simulation.run()

    event(f"ends: {sorted(set(simulation.finals.values()))}")
    assert simulation.ended == Counter(dict.fromkeys(simulation.submitted, 1))
    assert simulation.dispatcher._on_the_way == set()
    assert {name for name, final in simulation.finals.items() if final is Final.ACCEPTED} == set(
        simulation.accepted
    )
    # A second SMS is sent only where another gateway had left it open, or where it was wished for.
    doubled = {reference for reference, count in simulation.accepted.items() if count > 1}
    assert doubled == set() or scenario.hedge_after
