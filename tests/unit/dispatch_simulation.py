"""The whole dispatcher without threads, on a clock of its own, and gateways that do what a test says."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from pydantic import SecretStr

from smsotp_plugin.clock import Deadline
from smsotp_plugin.dispatch.delivery import Delivery, DispatchRules, RetryRules
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.dispatch.health import Condition
from smsotp_plugin.dispatch.lane import Lane
from smsotp_plugin.dispatch.routes import Recipient, RouteTable
from smsotp_plugin.errors import AnswerTimeout, ConnectFailed, DeliveryError, Outcome
from smsotp_plugin.providers.base import GatewayContext, GatewaySettings, Provider
from smsotp_plugin.settings.sections.dispatch import OnUnknown
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import parse_number
from tests.support.clock import FakeClock
from tests.support.kept import KeepsNothing

DEADLINE = 30.0
CONNECTIONS = 8


@dataclass(frozen=True)
class Turn:
    """How one attempt goes: how long it takes, and its error, None for a receipt."""

    seconds: float
    error: DeliveryError | None


#: Gateway and message to what happens.
Behaviour = Callable[[str, Message], Turn]


class Gateway(Provider[GatewaySettings, Message, Receipt]):
    Settings = GatewaySettings

    def __init__(self, name: str, world: "Simulation") -> None:
        context = GatewayContext(name, world.clock)
        super().__init__(context, GatewaySettings(provider="test", CONNECTIONS=world.connections, TIMEOUT=5))
        self._world = world

    def compose(self, message: Message) -> Message:
        return message

    def exchange(self, request: Message, deadline: Deadline) -> Receipt:
        return self._world.attempt(self.context.name, request, deadline)

    def judge(self, answer: Receipt) -> Receipt:
        return answer

    def probe(self, deadline: Deadline) -> None:  # noqa: ARG002  (probes take no time here)
        if not self._world.probe(self.context.name):
            raise ConnectFailed("no connection")


class Nothing:
    def record(self, event: object) -> None:
        pass


class Simulation:
    """
    Runs what is due, also inside of each attempt.

    Args:
        gateways: Their names.
        behave: What each attempt does.
        probe: Whether a probe of a gateway succeeds.
        rules: Of the dispatcher.
        connections: How many attempts each gateway takes at once.
    """

    def __init__(
        self,
        gateways: list[str],
        behave: Behaviour,
        probe: Callable[[str], bool] = lambda _: True,
        rules: DispatchRules | None = None,
        connections: int = CONNECTIONS,
    ) -> None:
        self.clock = FakeClock()
        self.connections = connections
        self.behave = behave
        self.probe = probe
        self.outcomes: dict[str, Outcome] = {}
        self.ended: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        #: Attempts at a gateway that counted as dead.
        self.hopes: Counter[str] = Counter()
        self._busy: Counter[str] = Counter()
        log: Any = Nothing()
        self.dispatcher = Dispatcher(
            providers=[Gateway(name, self) for name in gateways],
            routes=RouteTable([], gateways),
            rules=rules or DispatchRules(1000, DEADLINE, RetryRules(3, OnUnknown.NEXT), 0.0),
            delivery_log=log,
            store=KeepsNothing(),
            clock=self.clock,
            random=Random(1),
        )
        self.dispatcher.listen(self._end)

    def submit(
        self, reference: str, user: str, number: str, *, lifetime: float = 300.0, **fields: Any
    ) -> None:
        """Log somebody in; raises what the dispatcher raises."""
        plan = self.dispatcher.plan(Recipient(number, user=user))
        message = Message(
            reference=reference,
            user=user,
            number=parse_number(number, None),
            otp=SecretStr("1"),
            sentence=SecretStr("1"),
            expires=self.clock.time() + lifetime,
            **fields,
        )
        self.dispatcher.submit(message, plan)

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
            function = self.dispatcher._timer._take_next()
            assert function is not None
            function()
        self._go_to(until)

    def attempt(self, gateway: str, message: Message, deadline: Deadline) -> Receipt:
        """Begin and end one attempt."""
        now = self.clock.monotonic()
        self.hopes[gateway] += self.dispatcher._lanes[gateway].breaker.health(now).condition is Condition.DEAD
        turn = self.behave(gateway, message)
        self.advance(min(turn.seconds, deadline.remaining()))
        error = AnswerTimeout("x") if deadline.passed() else turn.error
        if error is not None:
            raise error
        self.accepted[message.reference] += 1
        return Receipt()

    def _end(self, message: Message, outcome: Outcome) -> None:
        self.ended[message.reference] += 1
        self.outcomes[message.reference] = outcome

    def _work(self, lane: Lane) -> bool:
        if self._busy[lane.name] == self.connections or not lane._queue._heap:
            return False
        item = lane._queue._take()
        assert item is not None
        self._busy[lane.name] += 1
        try:
            if isinstance(item, Delivery):
                lane._attempt(lane, item)
            else:
                lane._probe_now(item)
        finally:
            self._busy[lane.name] -= 1
        return True

    def _go_to(self, moment: float) -> None:
        self.clock.advance(max(0.0, moment - self.clock.monotonic()))
