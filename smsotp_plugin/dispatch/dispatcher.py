"""
Takes messages at once and gets them to gateways in background threads.

The flow's only contact with the sending side. What is decided stands in `routes`, `delivery` and `health`; here are
the queues, the threads and the lock.
"""

import logging
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random
from typing import Any

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.dispatch.delivery import Delivery, Ended, Final, Later, RetryRules, Send
from smsotp_plugin.dispatch.health import Breaker, Condition, GatewayHealth
from smsotp_plugin.dispatch.lane import Lane
from smsotp_plugin.dispatch.routes import Plan, Recipient, RouteTable
from smsotp_plugin.dispatch.timer import Timer
from smsotp_plugin.errors import DeliveryError, NoGatewayAlive, QueueFull
from smsotp_plugin.log import quoted
from smsotp_plugin.providers.base import Provider
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.stores.delivery_log import DeliveryEvent, DeliveryLog, EventKind, describe

log = logging.getLogger("smsotp.dispatch")


@dataclass(frozen=True, slots=True)
class DispatchRules:
    """
    What the administrator decides about sending.

    Attributes:
        queue: How many messages may be on their way, waiting or not.
        deadline: Seconds that a message may take in all.
        retries: See `RetryRules`.
        hedge_after: Seconds without a receipt after which the next gateway gets the same code; 0 for never.
    """

    queue: int
    deadline: float
    retries: RetryRules
    hedge_after: float


def _nothing() -> None:
    """Note nothing."""


class Dispatcher:
    """
    The lanes of all gateways, and the messages on their way through them.

    Args:
        providers: All gateways.
        routes: Which gateways for which message.
        rules: See `DispatchRules`.
        delivery_log: Told of every attempt.
        clock: Time.
        random: For jitter.
    """

    def __init__(  # noqa: PLR0913  (each is a part of its own, handed in by the assembly)
        self,
        *,
        providers: Sequence[Provider[Any, Any, Any]],
        routes: RouteTable,
        rules: DispatchRules,
        delivery_log: DeliveryLog,
        clock: Clock,
        random: Random,
    ) -> None:
        self._routes = routes
        self._rules = rules
        self._delivery_log = delivery_log
        self._clock = clock
        self._random = random
        self._lanes = {
            provider.context.name: Lane(provider, Breaker(random), self._attempt, self._probed)
            for provider in providers
        }
        self._timer = Timer(clock)
        #: Guards every `Delivery` and `_on_the_way`.
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._on_the_way: set[Delivery] = set()
        self._stopping = False

    def start(self) -> None:
        """Open the gateways and start the threads; waits for nobody."""
        self._timer.start()
        for lane in self._lanes.values():
            lane.start()

    def plan(self, recipient: Recipient) -> Plan:
        """
        Choose the gateways for a message that a log-in is about to be promised. No I/O.

        Raises:
            QueueFull: There is no room for one more message.
            NoRoute: No gateway is meant for this recipient.
            NoGatewayAlive: All gateways of the route are known to be dead.
        """
        if self._stopping:
            raise QueueFull("no more messages are taken: the server is being stopped")
        if len(self._on_the_way) >= self._rules.queue:
            raise QueueFull(f"{self._rules.queue} messages are on their way already (dispatch.queue)")
        plan = self._routes.plan(recipient)
        now = self._clock.monotonic()
        health = [self._health_of(gateway) for gateway in plan.gateways]
        if not any(_is_usable(each, now + self._rules.deadline) for each in health):
            raise NoGatewayAlive(
                f"no gateway of route {plan.route} is alive ({', '.join(plan.gateways)}); the next one is looked at in "
                f"{max(0.0, min(each.until for each in health) - now):.0f} s"
            )
        return plan

    def submit(self, message: Message, plan: Plan, ended: Callable[[Final], None]) -> None:
        """
        Get a message on its way; returns at once.

        Args:
            message: The SMS.
            plan: What `plan` chose.
            ended: Called once, from any thread, when nothing more will be tried.
        """
        seconds = min(self._rules.deadline, message.expires - self._clock.time())
        deadline = self._clock.monotonic() + seconds
        delivery = Delivery(
            message=message,
            plan=plan,
            rules=self._rules.retries,
            deadline=deadline,
            ended=ended,
            random=self._random,
        )
        with self._lock:
            self._on_the_way.add(delivery)
        self._advance(delivery)
        if self._rules.hedge_after:
            self._plan_hedge(delivery)

    def stop(self, grace: float) -> None:
        """
        Take no more messages, get those that are under way to an end, and close the gateways.

        Args:
            grace: Seconds. What has not ended then is given up, each message with a line in the log.
        """
        give_up = Deadline.after(grace, self._clock)
        with self._lock:
            self._stopping = True
            while self._on_the_way and not give_up.passed():
                self._clock.wait(self._idle, give_up.remaining())
            left = list(self._on_the_way)
        self._timer.stop()
        lanes = list(self._lanes.values())
        for lane in lanes:
            lane.drain()
            lane.close_queue()
        with ExitStack() as rest:
            rest.callback(self._give_up, left)
            # A thread may still wait for a gateway: closing the gateway ends its attempt.
            closings = [lane.provider.close for lane in lanes]
            joinings = [lane.join for lane in lanes]
            for step in reversed([*closings, *joinings] if left else [*joinings, *closings]):
                rest.callback(step)

    def _give_up(self, left: Sequence[Delivery]) -> None:
        for delivery in left:
            with self._lock:
                final = delivery.give_up()
            if final is not None:
                log.error("%s: given up, the server is being stopped", _named(delivery.message))
                self._end(delivery, final)

    def _health_of(self, gateway: str) -> GatewayHealth:
        return self._lanes[gateway].breaker.health(self._clock.monotonic())

    def _advance(self, delivery: Delivery, note: Callable[[], None] = _nothing) -> None:
        """Note what has happened and do what follows from it; both under one lock, or it would follow twice."""
        with self._lock:
            note()
            if delivery.final is not None:
                return
            step = delivery.next_step(self._clock.monotonic(), self._health_of)
        match step:
            case Send(gateway):
                self._lanes[gateway].put(delivery)
            case Later(at):
                self._timer.call_at(at, lambda: self._advance(delivery))
            case Ended(final):
                self._end(delivery, final)

    def _plan_hedge(self, delivery: Delivery) -> None:
        moment = self._clock.monotonic() + self._rules.hedge_after
        if moment < delivery.deadline and delivery.final is None:
            # Most messages have ended long before; the timer must not keep them.
            kept = weakref.ref(delivery)
            self._timer.call_at(moment, lambda: self._hedge(kept()))

    def _hedge(self, delivery: Delivery | None) -> None:
        if delivery is None or delivery.final is not None:
            return
        with self._lock:
            step = delivery.hedge(self._clock.monotonic(), self._health_of)
        if step is not None:
            self._lanes[step.gateway].put(delivery)
        self._plan_hedge(delivery)

    def _attempt(self, lane: Lane, delivery: Delivery) -> None:
        if delivery.final is not None or not self._may_try(lane, delivery):
            return self._give_back(lane, delivery)
        try:
            receipt = lane.provider.submit(delivery.message, Deadline(delivery.deadline, self._clock))
        except DeliveryError as exc:
            return self._failed(lane, delivery, exc)
        lane.breaker.succeeded()
        return self._accepted(lane, delivery, receipt)

    def _may_try(self, lane: Lane, delivery: Delivery) -> bool:
        now = self._clock.monotonic()
        return now < delivery.deadline and lane.breaker.health(now).condition is Condition.ALIVE

    def _give_back(self, lane: Lane, delivery: Delivery) -> None:
        self._advance(delivery, lambda: delivery.returned(lane.name))

    def _accepted(self, lane: Lane, delivery: Delivery, receipt: Receipt) -> None:
        with self._lock:
            first = delivery.accepted(lane.name)
        self._note(
            delivery.message,
            EventKind.ATTEMPT,
            Final.ACCEPTED,
            level=logging.INFO,
            gateway=lane.name,
            gateway_id=receipt.gateway_id,
        )
        if first:
            self._end(delivery, Final.ACCEPTED)

    def _failed(self, lane: Lane, delivery: Delivery, error: DeliveryError) -> None:
        opened = lane.breaker.failed(error, self._clock.monotonic())
        self._note(
            delivery.message,
            EventKind.ATTEMPT,
            f"{error.outcome}: {error}",
            level=logging.WARNING,
            gateway=lane.name,
        )
        if opened:
            log.error(
                "gateway %s fails again and again: nothing is sent there until a probe succeeds", lane.name
            )
            self._plan_probe(lane)
            for waiting in lane.drain():
                self._give_back(lane, waiting)
        self._advance(delivery, lambda: delivery.failed(lane.name, error))

    def _end(self, delivery: Delivery, final: Final) -> None:
        if final is not Final.ACCEPTED:
            detail = f"{final}, route {delivery.plan.route}"
            self._note(delivery.message, EventKind.ENDED, detail, level=logging.ERROR)
        try:
            delivery.ended(final)
        finally:
            with self._lock:
                self._on_the_way.discard(delivery)
                if self._stopping and not self._on_the_way:
                    self._idle.notify_all()

    def _note(  # noqa: PLR0913  (one for each field of the event)
        self,
        message: Message,
        kind: EventKind,
        detail: str,
        *,
        level: int,
        gateway: str = "",
        gateway_id: str = "",
    ) -> None:
        event = DeliveryEvent(message.reference, self._clock.time(), kind, gateway, gateway_id, detail)
        log.log(level, "%s: %s", _named(message), describe(event))
        self._delivery_log.record(event)

    def _plan_probe(self, lane: Lane) -> None:
        self._timer.call_at(self._health_of(lane.name).until, lane.probe)

    def _probed(self, lane: Lane, problem: DeliveryError | None) -> None:
        lane.breaker.probed(alive=problem is None, now=self._clock.monotonic())
        if problem is None:
            log.info("gateway %s answers again: it is on trial", lane.name)
        else:
            log.warning("gateway %s is still dead: %s", lane.name, problem)
            self._plan_probe(lane)


def _is_usable(health: GatewayHealth, before: float) -> bool:
    return health.condition is not Condition.DEAD and health.until < before


def _named(message: Message) -> str:
    return f"message {message.reference} for user {quoted(message.user)} at {message.number.masked}"
