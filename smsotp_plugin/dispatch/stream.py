"""
The outbox of a server that has no gateways: messages wait in the store for workers.

The change that keeps a challenge also puts its message on the queue, so nothing is left to do for it here. A thread copies once
a second what workers say about their gateways, so that a log-in is decided without asking anybody.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from smsotp_plugin.clock import Clock
from smsotp_plugin.dispatch.health import Condition, GatewayHealth
from smsotp_plugin.dispatch.people import Person
from smsotp_plugin.dispatch.planner import Planner
from smsotp_plugin.dispatch.routes import Plan, Recipient, RouteTable
from smsotp_plugin.dispatch.slots import Slots
from smsotp_plugin.errors import NoGatewayAlive, QueueFull, StoreError
from smsotp_plugin.grammar import agree
from smsotp_plugin.rounds import Rounds
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.sealed import Letter, MessageSealer
from smsotp_plugin.stores.kept import KeptMessage
from smsotp_plugin.stores.queue import NO_CHALLENGE, WORKER_LIFE, GatewayReport, MessageQueue

log = logging.getLogger("smsotp.dispatch")

#: Digits of a fingerprint: enough that two of a site's users never share one.
_DIGITS = 16
#: How many stations, clients and people have their names on the queue remembered.
_REMEMBERED = 16384
#: The best condition comes first.
_BEST_FIRST = (Condition.ALIVE, Condition.RESTING, Condition.DEAD)


@dataclass(frozen=True, slots=True)
class _Copy:
    """
    What was known of the workers at one moment.

    Attributes:
        waiting: How many messages wait.
        workers: How many workers live.
        health: By gateway.
        hopes: The gateways that may be tried although they are dead.
    """

    waiting: int = 0
    workers: int = 0
    health: Mapping[str, GatewayHealth] = field(default_factory=dict)
    hopes: frozenset[str] = frozenset()


class WorkersView:
    """
    What the workers say about their gateways; see `HealthView`.

    A gateway is as good as the worker that can use it best says.

    Args:
        queue: Where they say it.
        clock: Time.
    """

    def __init__(self, queue: MessageQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._copy = _Copy()
        self._lock = threading.Lock()
        #: Dead gateways that may be tried with one more message before the next copy.
        self._hopes: frozenset[str] = frozenset()

    def refresh(self) -> None:
        """Copy what they say. If the store does not answer, the last copy stays: no log-in gets past the store."""
        try:
            view = self._queue.look()
        except StoreError:
            return
        now, health = self._clock.monotonic(), dict[str, GatewayHealth]()
        for worker in view.workers:
            for gateway, report in worker.items():
                seen = _read(report, now)
                health[gateway] = min(seen, health.get(gateway, seen), key=_rank)
        hopes = frozenset(
            gateway for worker in view.workers for gateway, report in worker.items() if report.may_hope
        )
        before, self._copy = self._copy, _Copy(view.waiting, len(view.workers), health, hopes)
        with self._lock:
            self._hopes = hopes
        if not view.workers and before.workers:
            log.error("log-ins are refused: no worker has been heard from for %g s", WORKER_LIFE)
        if view.workers and not before.workers:
            log.info("workers that have the gateways: %d", len(view.workers))

    def check(self, most: int) -> None:
        """
        Check whether a message would be taken.

        Args:
            most: How many may wait.

        Raises:
            NoGatewayAlive: There is no worker.
            QueueFull: Too many messages wait.
        """
        copy = self._copy
        if not copy.workers:
            raise NoGatewayAlive("no worker is alive that could send it: start smsotp worker")
        if copy.waiting >= most:
            waiting = agree(
                copy.waiting,
                "message waits for workers already (dispatch.queue)",
                "messages wait for workers already (dispatch.queue)",
            )
            raise QueueFull(f"{copy.waiting} {waiting}")

    def find_health(self, gateway: str, person: Person | None = None) -> GatewayHealth:
        """See `HealthView.find_health`; a gateway that no worker has is dead. Workers tell nothing of single persons."""
        del person
        return self._copy.health.get(gateway) or GatewayHealth(Condition.DEAD, self._clock.monotonic())

    def find_last_hopes(self, gateways: Sequence[str], person: Person) -> frozenset[str]:
        """See `HealthView.find_last_hopes`; allows one message per gateway and copy. The worker decides about the person."""
        del person
        with self._lock:
            hopes = self._hopes & frozenset(gateways)
            self._hopes -= hopes
        return hopes


def _read(report: GatewayReport, now: float) -> GatewayHealth:
    # A worker of another version may know more of them.
    condition = Condition(report.condition) if report.condition in _BEST_FIRST else Condition.DEAD
    return GatewayHealth(condition, 0.0 if condition is Condition.ALIVE else now + report.seconds)


def _rank(health: GatewayHealth) -> tuple[int, float]:
    return _BEST_FIRST.index(health.condition), health.until


class StreamOutbox:
    """
    Hands messages to workers, wherever they are; an `Outbox`.

    How a message ends and what it costs is noted in the store, by the worker.

    Args:
        queue: Where messages wait.
        view: What is known of the workers.
        routes: Which gateways for which message.
        most: How many messages may wait.
        deadline: Seconds that a message may take in all.
        sealer: Seals messages that belong to no challenge.
        fingerprints: Makes digits from a text that reveal nothing and are always the same, one for each key, the present one first.
        clock: Time.
    """

    def __init__(  # noqa: PLR0913  (each is a part of its own, handed in by the assembly)
        self,
        *,
        queue: MessageQueue,
        view: WorkersView,
        routes: RouteTable,
        most: int,
        deadline: float,
        sealer: MessageSealer,
        fingerprints: Callable[..., Sequence[str]],
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._view = view
        self._most = most
        self._sealer = sealer
        self._name = lru_cache(_REMEMBERED)(lambda kind, who: name_holder(fingerprints, kind, who)[0])
        self._planner = Planner(routes, view, Slots(most), deadline, clock)
        self._rounds = Rounds("smsotp-workers", view.refresh, clock)

    def start(self) -> None:
        """Look for workers, now and from now on."""
        self._view.refresh()
        self._rounds.start()

    def stop(self, grace: float) -> None:
        """End the thread; there is nothing else to wait for."""
        del grace
        self._rounds.stop()

    def plan(self, recipient: Recipient) -> Plan:
        """See `Outbox.plan`."""
        self._view.check(self._most)
        holders = (
            ("user", recipient.user),
            ("number", recipient.number),
            ("station", recipient.station),
            ("client", recipient.client),
        )
        plan = self._planner.plan(recipient)
        return replace(plan, holders=tuple([self._name(*holder) for holder in holders if holder[1]]))

    def submit(self, message: Message, plan: Plan) -> None:
        """See `Outbox.submit`; the message of a challenge has been on the queue since it was kept."""
        if message.state:
            return
        kept = replace(message, state=NO_CHALLENGE + secrets.token_hex(16))
        sealed = self._sealer.seal(Letter(kept, plan.route, plan.gateways), "")
        self._queue.post(KeptMessage(kept.state, "", kept.expires, sealed), plan.holders)

    def submit_all(self, batch: Sequence[tuple[Message, Plan]]) -> None:
        """See `Outbox.submit_all`."""
        for message, plan in batch:
            self.submit(message, plan)

    def withdraw(self, state: str) -> None:
        """See `Outbox.withdraw`; once the challenge is over, the store lets no worker begin with the message."""


def name_holder(fingerprints: Callable[..., Sequence[str]], kind: str, who: str) -> tuple[str, ...]:
    """
    Return under which names somebody holds a share of the queue, the present one first: one for each key.

    Args:
        fingerprints: As above.
        kind: See `Parcel.holders`.
        who: As `Recipient` has it.
    """
    return tuple([f"{kind}:{digits[:_DIGITS]}" for digits in fingerprints("queue", kind, who)])
