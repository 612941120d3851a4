"""
Takes messages without making anybody wait, and hands them to gateways in background threads.

The outbox of a process that has the gateways itself. The decisions are made in `planner`, `routes`, `delivery` and
`health`; this module has the queues, the threads and the lock.
"""

import logging
import threading
import weakref
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import replace
from random import Random
from typing import Any

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.dispatch.delivery import Delivery, DispatchRules, Ended, Later, Send, Step
from smsotp_plugin.dispatch.health import Breaker, Condition, Consequence
from smsotp_plugin.dispatch.journal import DeliveryJournal, describe_message
from smsotp_plugin.dispatch.keeper import Keeper
from smsotp_plugin.dispatch.lane import Lane, end_lanes, probe_at_once
from smsotp_plugin.dispatch.lanes_view import LanesView
from smsotp_plugin.dispatch.on_the_way import OnTheWay
from smsotp_plugin.dispatch.outbox import CostListener, EndListener, ignore_cost, ignore_end
from smsotp_plugin.dispatch.people import Person
from smsotp_plugin.dispatch.planner import Planner
from smsotp_plugin.dispatch.prober import Prober
from smsotp_plugin.dispatch.routes import Plan, Recipient, RouteTable
from smsotp_plugin.dispatch.slots import Slots
from smsotp_plugin.dispatch.steps import take_all
from smsotp_plugin.dispatch.timer import Timer
from smsotp_plugin.errors import DeliveryError, NotNeeded, NotSent, Outcome, QueueFull, Unknown
from smsotp_plugin.providers.base import Provider
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.sealed import Letter
from smsotp_plugin.stores.delivery_log import DeliveryRecorder
from smsotp_plugin.stores.kept import MessageStore

log = logging.getLogger("smsotp.dispatch")


#: The outcome of an attempt that was under way when its process ended.
LOST = Unknown("the server ended during the attempt")
#: Why a gateway is skipped for which the message was planned under an earlier configuration.
GONE = NotSent("it is no longer in the configuration")


def _do_nothing() -> None:
    """Note nothing."""


class Dispatcher:
    """
    The lanes of all gateways, and the messages on their way through them.

    Args:
        providers: All gateways.
        routes: Which gateways for which message.
        rules: See `DispatchRules`.
        delivery_log: Told of every attempt.
        store: Keeps messages until their end.
        clock: Time.
        random: For jitter.
    """

    def __init__(  # noqa: PLR0913  (each is a part of its own, handed in by the assembly)
        self,
        *,
        providers: Sequence[Provider[Any, Any, Any]],
        routes: RouteTable,
        rules: DispatchRules,
        delivery_log: DeliveryRecorder,
        store: MessageStore,
        clock: Clock,
        random: Random,
    ) -> None:
        self._rules = rules
        self._journal = DeliveryJournal(delivery_log, clock)
        self._keeper = Keeper(store)
        self._clock = clock
        self._random = random
        self._timer = Timer(clock)
        self._prober = Prober(self._timer, clock, self._give_back)
        self._lanes = {
            provider.context.name: Lane(provider, Breaker(random), self._attempt, self._prober.note_probe)
            for provider in providers
        }
        self._prober.lanes.extend(self._lanes.values())
        #: How the gateways are.
        self.view = LanesView(self._lanes, self._prober, clock)
        #: Guards every `Delivery` and `_on_the_way`.
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._on_the_way = OnTheWay()
        self._slots = Slots(rules.queue)
        self._planner = Planner(routes, self.view, self._slots, rules.deadline, clock)
        self._listener: EndListener = ignore_end
        self._cost_listener: CostListener = ignore_cost
        self._stopping = False

    def listen(self, listener: EndListener, cost_listener: CostListener = ignore_cost) -> None:
        """From now on, tell these listeners how messages end and what they cost."""
        self._listener, self._cost_listener = listener, cost_listener

    def start(self) -> None:
        """Open the gateways and start the threads; waits for no gateway."""
        self._timer.start()
        for lane in self._lanes.values():
            lane.start()

    def probe_all(self) -> None:
        """Find out which gateways are alive before the first message needs them; takes no longer than one probe may."""
        probe_at_once(list(self._lanes.values()), self._clock)

    def plan(self, recipient: Recipient) -> Plan:
        """See `Outbox.plan`."""
        if self._stopping:
            raise QueueFull("no more messages are taken: the server is being stopped")
        return self._planner.plan(recipient)

    def submit(self, message: Message, plan: Plan) -> None:
        """See `Outbox.submit`."""
        self.submit_all([(message, plan)])

    def submit_all(self, batch: Sequence[tuple[Message, Plan]]) -> None:
        """See `Outbox.submit_all`."""
        self._take([self._make_delivery(message, plan) for message, plan in batch])

    def resume(self, letter: Letter, may_have_it: AbstractSet[str], holders: Sequence[str] = ()) -> None:
        """
        Send a message that another process has left behind.

        Args:
            letter: The SMS and what was planned for it; gateways that no longer exist are passed over.
            may_have_it: Gateways at which an attempt had begun. How it ended is unknown.
            holders: See `Parcel.holders`.
        """
        message = letter.message
        plan = Plan(letter.route, letter.gateways, "", slot=self._slots.take_anyway(holders))
        plan = plan.turn(message.resends)
        plan = replace(plan, gateways=tuple(name for name in plan.gateways if name in self._lanes))
        person = Person(message.user, message.number.e164)
        health = [self.view.find_health(gateway, person) for gateway in plan.gateways]
        hopes = self._planner.find_hopes(plan.gateways, person, health)
        delivery = self._make_delivery(message, replace(plan, hopes=hopes or frozenset()))
        for gateway in sorted(may_have_it):
            self._journal.note_failure(message, gateway, LOST)
            delivery.note_begun(gateway)
            delivery.note_failure(gateway, LOST)
        for gateway in sorted({*letter.gateways, *may_have_it} - {*self._lanes}):
            self._journal.note_failure(message, gateway, GONE)
        self._take([delivery])

    def _make_delivery(self, message: Message, plan: Plan) -> Delivery:
        seconds = min(self._rules.deadline, message.expires - self._clock.time())
        deadline = self._clock.monotonic() + seconds
        return Delivery(
            message=message, plan=plan, rules=self._rules.retries, deadline=deadline, random=self._random
        )

    def _take(self, deliveries: Sequence[Delivery]) -> None:
        """Take messages under one lock, then do the first step for each; a failure with one does not affect the others."""
        with self._lock:
            taken = [(delivery, self._add(delivery), self._choose_step(delivery)) for delivery in deliveries]
        for delivery, earlier, step in taken:
            try:
                for replaced in earlier:
                    self._withdraw(replaced)
                self._follow(delivery, step)
                if self._rules.hedge_after:
                    self._plan_hedge(delivery)
            except BaseException:
                log.exception(
                    "%s: unexpected failure, it may not be sent", describe_message(delivery.message)
                )

    def _add(self, delivery: Delivery) -> list[Delivery]:
        """Add a message, and return the earlier ones of the same log-in, which it replaces. The caller holds the lock."""
        earlier = self._on_the_way.find_of_login(delivery.message.login)
        self._on_the_way.add(delivery)
        return earlier

    def withdraw(self, state: str) -> None:
        """See `Outbox.withdraw`."""
        with self._lock:
            deliveries = self._on_the_way.find_of_challenge(state)
        for delivery in deliveries:
            self._withdraw(delivery)

    def stop(self, grace: float) -> None:
        """
        Take no more messages, finish those that are under way, and close the gateways.

        Args:
            grace: Seconds for the messages. A message that has not ended by then waits for the next start if the store keeps it,
                else it is given up; the log has a line for each. Closing then takes `STOP_LIMIT` at most, whatever a gateway does.
        """
        give_up = Deadline.after(grace, self._clock)
        with self._lock:
            self._stopping = True
            while self._on_the_way and not give_up.passed():
                self._clock.wait(self._idle, give_up.remaining())
            left = list(self._on_the_way)
        self._timer.stop()
        lanes = list(self._lanes.values())
        self._drain(lanes)
        for lane in lanes:
            lane.close_queue()
        # Before gateways are closed: an attempt that ends because its gateway is closed must not end its message.
        self._leave([delivery for delivery in left if delivery.message.known_as])
        with ExitStack() as rest:
            # A thread may have put back messages that it had taken for others.
            rest.callback(self._drain, lanes)
            rest.callback(self._give_up, left)
            rest.callback(end_lanes, lanes, self._clock, close_first=bool(left))

    def _drain(self, lanes: Sequence[Lane]) -> None:
        for lane in lanes:
            for delivery in lane.drain():
                self._keeper.take_back(delivery.message, lane.name)

    def _leave(self, left: Sequence[Delivery]) -> None:
        """Try nothing more for messages that the store keeps, and leave them there."""
        for delivery in left:
            with self._lock:
                is_left = delivery.give_up() is not None
            if is_left:
                log.warning("%s: waits for the next start of the server", describe_message(delivery.message))

    def _give_up(self, left: Sequence[Delivery]) -> None:
        for delivery in left:
            with self._lock:
                outcome = delivery.give_up()
            if outcome is not None:
                log.error("%s: given up, the server is being stopped", describe_message(delivery.message))
                self._end(delivery, outcome)

    def room(self) -> int:
        """Return how many more messages there is room for."""
        return max(0, self._rules.queue - self._slots.count_taken())

    def _withdraw(self, delivery: Delivery) -> None:
        self._advance(delivery, delivery.withdraw)

    def _advance(self, delivery: Delivery, note: Callable[[], None] = _do_nothing) -> None:
        """Note what has happened and decide what follows; both under one lock, or it would follow twice."""
        with self._lock:
            note()
            if delivery.outcome is not None:
                return
            step = self._choose_step(delivery)
        self._follow(delivery, step)

    def _choose_step(self, delivery: Delivery) -> Step | None:
        now = self._clock.monotonic()
        return delivery.choose_step(now, self.view.show(delivery, now))

    def _follow(self, delivery: Delivery, step: Step | None) -> None:
        match step:
            case Send(gateway):
                self._lanes[gateway].put(delivery)
            case Later(at):
                self._timer.call_at(at, lambda: self._advance(delivery))
            case Ended(outcome):
                self._end(delivery, outcome)

    def _plan_hedge(self, delivery: Delivery) -> None:
        moment = self._clock.monotonic() + self._rules.hedge_after
        if moment < delivery.deadline and delivery.outcome is None:
            # Most messages end long before that; the timer must not keep them in memory.
            kept = weakref.ref(delivery)
            self._timer.call_at(moment, lambda: self._hedge(kept()))

    def _hedge(self, delivery: Delivery | None) -> None:
        if delivery is None or delivery.outcome is not None:
            return
        with self._lock:
            now = self._clock.monotonic()
            step = delivery.hedge(now, self.view.show(delivery, now))
        if step is not None:
            self._lanes[step.gateway].put(delivery)
        self._plan_hedge(delivery)

    def _attempt(self, lane: Lane, delivery: Delivery) -> None:
        try:
            self._try(lane, delivery)
        except BaseException as exc:
            # It is not known how far the attempt got, and a message that has begun has to end.
            lost = Unknown(f"unexpected failure: {type(exc).__name__}")
            self._advance(delivery, lambda: delivery.note_failure(lane.name, lost))
            raise

    def _try(self, lane: Lane, delivery: Delivery) -> None:
        if not self._may_try(lane, delivery):
            lane.pass_on()
            return self._give_back(lane, delivery)
        try:
            problem = self._note_beginning(lane, delivery)
        except NotNeeded:
            self._withdraw(delivery)
            return self._give_back(lane, delivery)
        if problem is not None:
            return self._advance(delivery, lambda: delivery.note_failure(lane.name, problem))
        if not self._begin(lane, delivery):
            self._keeper.end(delivery.message, lane.name)
            return self._give_back(lane, delivery)
        try:
            receipt = lane.provider.submit(delivery.message, Deadline(delivery.deadline, self._clock))
        except DeliveryError as exc:
            return self._note_failure(lane, delivery, exc)
        lane.breaker.note_success(delivery.person, self._clock.monotonic())
        return self._note_receipt(lane, delivery, receipt)

    def _note_beginning(self, lane: Lane, delivery: Delivery) -> NotSent | None:
        """Note an attempt with `Keeper.begin`, and in the same call those that idle threads are about to begin."""
        if self._keeper.has_noted(delivery.message, lane.name):
            lane.pass_on()
            return self._keeper.begin(delivery.message, lane.name)
        with lane.messages_of_idle_threads() as others:
            return self._keeper.begin(delivery.message, lane.name, others)

    def _begin(self, lane: Lane, delivery: Delivery) -> bool:
        """Note that a gateway gets a message now; False if it must not, because nobody needs the message or it has ended."""
        with self._lock:
            is_needed = delivery.is_needed
            if is_needed:
                delivery.note_begun(lane.name)
        self._count_copies(delivery)
        return is_needed

    def _may_try(self, lane: Lane, delivery: Delivery) -> bool:
        now = self._clock.monotonic()
        if now >= delivery.deadline or not delivery.is_needed:
            return False
        alive = lane.breaker.health_for(delivery.person, now).condition is Condition.ALIVE
        hoped = lane.name in delivery.hopes
        delivery.hopes.discard(lane.name)
        return alive or hoped

    def _give_back(self, lane: Lane, delivery: Delivery) -> None:
        self._keeper.take_back(delivery.message, lane.name)
        self._advance(delivery, lambda: delivery.take_back(lane.name))

    def _note_receipt(self, lane: Lane, delivery: Delivery, receipt: Receipt) -> None:
        with self._lock:
            first = delivery.note_receipt(lane.name)
        try:
            self._journal.note_receipt(delivery.message, lane.name, receipt.gateway_id)
        finally:
            if first:
                self._end(delivery, Outcome.ACCEPTED)
            else:
                # A stop may have left it for the next start, which would send it once more.
                self._keeper.forget(delivery.message)

    def _note_failure(self, lane: Lane, delivery: Delivery, error: DeliveryError) -> None:
        consequence = lane.breaker.note_failure(error, delivery.person, self._clock.monotonic())
        steps = [lambda: self._journal.note_failure(delivery.message, lane.name, error)]
        if not isinstance(error, Unknown):
            steps.append(lambda: self._keeper.end(delivery.message, lane.name))
        if consequence is Consequence.SUSPECT:
            steps.append(lambda: lane.probe(hurried=True))
        if consequence is Consequence.OPENED:
            steps.append(lambda: self._prober.note_opened(lane))
        steps.append(lambda: self._advance(delivery, lambda: delivery.note_failure(lane.name, error)))
        steps.append(lambda: self._count_copies(delivery))
        take_all(*steps)

    def _count_copies(self, delivery: Delivery) -> None:
        with self._lock:
            change = delivery.count_copies()
        if change:
            self._cost_listener(delivery.message, change)

    def _end(self, delivery: Delivery, outcome: Outcome) -> None:
        """End a message; every step is taken, even if another one fails."""
        message = delivery.message
        self._slots.give_back(delivery.plan.slot)
        take_all(
            lambda: self._keeper.forget(message),
            # Before the line in the log: when the log says that the message has ended, the consequences are in place.
            lambda: self._listener(message, outcome),
            lambda: self._journal.note_end(message, outcome, delivery.plan.route),
            lambda: self._count_copies(delivery),
            lambda: self._leave_the_way(delivery),
        )

    def _leave_the_way(self, delivery: Delivery) -> None:
        with self._lock:
            self._on_the_way.discard(delivery)
            if self._stopping and not self._on_the_way:
                self._idle.notify_all()
