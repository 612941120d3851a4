"""A dispatcher with gateways that do what a test says; the test sees how each message ends."""

import threading
from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr

from smsotp_plugin.clock import Deadline
from smsotp_plugin.dispatch.delivery import DispatchRules, RetryRules
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.dispatch.routes import Plan, Recipient, RouteTable
from smsotp_plugin.errors import (
    ConnectFailed,
    Outcome,
)
from smsotp_plugin.providers.base import GatewayContext, GatewaySettings, Provider
from smsotp_plugin.settings.sections.dispatch import OnUnknown
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.delivery_log import DeliveryEvent
from tests.support.clock import FakeClock, Waits
from tests.support.kept import KeepsNothing
from tests.support.unclosed import own_threads

NUMBER = "+491701234567"
_references = count()


class Gateway(Provider[GatewaySettings, Message, Receipt]):
    """Does what it was told to, and notes what it was given."""

    Settings = GatewaySettings

    def __init__(
        self,
        name: str,
        clock: FakeClock,
        does: Callable[[], object] = lambda: None,
        **settings: Any,
    ) -> None:
        given = {"CONNECTIONS": 2} | settings
        super().__init__(GatewayContext(name, clock), GatewaySettings(provider="test", **given))
        self.does = does
        self.given: list[str] = []
        self.remaining: list[float] = []
        self.life: list[str] = []

    def open(self) -> None:
        self.life.append("open")

    def close(self) -> None:
        self.life.append("close")

    def compose(self, message: Message) -> Message:
        return message

    def exchange(self, request: Message, deadline: Deadline) -> Receipt:
        self.given.append(request.reference)
        self.remaining.append(deadline.remaining())
        self.does()
        return Receipt(gateway_id="id-1")

    def judge(self, answer: Receipt) -> Receipt:
        return answer

    def probe(self, deadline: Deadline) -> None:
        pass


class Log:
    """Keeps events."""

    def __init__(self) -> None:
        self.events: list[DeliveryEvent] = []

    def record(self, event: DeliveryEvent) -> None:
        self.events.append(event)


def somebody() -> Recipient:
    """Return a person who has no message on the way."""
    return Recipient(f"+4917{next(_references):08d}")


class Sending:
    """A dispatcher with its gateways; the end of each message is noted."""

    def __init__(self, clock: FakeClock, *gateways: Gateway, **rules: Any) -> None:
        log: Any = Log()
        self.log: Log = log
        self.clock = clock
        self.ended: list[tuple[str, Outcome]] = []
        given = {"queue": 10_000, "deadline": 30.0, "hedge_after": 0.0, "rounds": 1} | rules
        self.dispatcher = Dispatcher(
            providers=gateways,
            routes=RouteTable([], [gateway.context.name for gateway in gateways]),
            rules=DispatchRules(
                queue=given["queue"],
                deadline=given["deadline"],
                retries=RetryRules(given["rounds"], given.get("on_unknown", OnUnknown.NEXT)),
                hedge_after=given["hedge_after"],
            ),
            delivery_log=log,
            store=given.get("store", KeepsNothing()),
            clock=clock,
            random=Random(1),
        )
        self.dispatcher.listen(lambda message, outcome: self.ended.append((message.reference, outcome)))

    def send(self, *, reference: str = "", seconds: float = 300.0) -> None:
        self.dispatcher.submit(*self.planned(reference or f"m{next(_references)}", seconds))

    def planned(
        self, reference: str, seconds: float = 300.0, recipient: Recipient | None = None
    ) -> tuple[Message, Plan]:
        message = Message(
            reference=reference,
            user="bob",
            number=parse_number(NUMBER, None),
            otp=SecretStr("734921"),
            sentence=SecretStr("734921 is your code"),
            expires=self.clock.time() + seconds,
        )
        return message, self.dispatcher.plan(recipient or somebody())

    def send_one(self) -> Outcome:
        """Send one message, end the dispatcher, and return how the message ended."""
        self.dispatcher.start()
        self.send(reference="only")
        self.dispatcher.stop(60)
        ((reference, outcome),) = self.ended
        assert reference == "only"
        return outcome


def fail_with(error: Exception) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(waits=Waits.SHORTLY)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = own_threads()
    yield
    assert own_threads() <= before


def hanging_gateway(clock: FakeClock) -> tuple[Gateway, threading.Event]:
    """Return a gateway whose attempts hang until it is closed, and an event that is set when an attempt has begun."""
    gateway, begun, closed = (
        Gateway("first", clock, CONNECTIONS=1, TIMEOUT=100),
        threading.Event(),
        threading.Event(),
    )

    def hang_until_closed() -> None:
        begun.set()
        closed.wait(10)
        raise ConnectFailed("closed")

    gateway.does = hang_until_closed
    gateway.close = closed.set  # type: ignore[method-assign]  # closing ends what hangs
    return gateway, begun
