"""
The life of one message: which gateway next, when, and how it ended. Decisions only; no threads, no I/O.

Outcomes decide. Accepted: the message has ended. Refused: it is never tried again at that gateway. Not sent: it goes to the
next gateway at once, and, when all have had their turn, round again after a pause; a round in which a gateway only asked to
wait does not count. Unknown: the setting decides; that gateway is not asked again, because it may have sent the SMS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from smsotp_plugin.dispatch.health import Condition, GatewayHealth, is_busy
from smsotp_plugin.dispatch.people import Person
from smsotp_plugin.dispatch.routes import Plan
from smsotp_plugin.errors import DeliveryError, NotSent, Outcome, Refused
from smsotp_plugin.settings.sections.dispatch import OnUnknown
from smsotp_plugin.sms.message import Message

#: Seconds before the second round, plus or minus half; each further pause is twice as long.
_FIRST_PAUSE = 1.0
#: The fewest seconds that a message waits before it is looked at again.
_SHORTEST_WAIT = 0.25
#: From better to worse. An unknown outcome outweighs a refusal: the SMS may have arrived.
_SEVERITY = [Outcome.NOT_SENT, Outcome.REFUSED, Outcome.UNKNOWN]


@dataclass(frozen=True, slots=True)
class RetryRules:
    """
    What the administrator decides about further attempts.

    Attributes:
        rounds: How often all gateways have their turn, at least 1.
        on_unknown: See `OnUnknown`.
    """

    rounds: int
    on_unknown: OnUnknown


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


@dataclass(frozen=True, slots=True)
class Send:
    """Hand the message to this gateway now."""

    gateway: str


@dataclass(frozen=True, slots=True)
class Later:
    """Ask again at this moment (monotonic seconds)."""

    at: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more is tried."""

    outcome: Outcome


Step = Send | Later | Ended
HealthOf = Callable[[str], GatewayHealth]


class Delivery:
    """
    One message on its way. Not thread-safe: the dispatcher guards it.

    Args:
        message: The SMS.
        plan: Its gateways.
        rules: See `RetryRules`.
        deadline: Monotonic seconds; no attempt begins after it.
        random: For jitter.
    """

    def __init__(
        self, *, message: Message, plan: Plan, rules: RetryRules, deadline: float, random: Random
    ) -> None:
        self.message = message
        self.person = Person(message.user, message.number.e164)
        self.plan = plan
        #: Gateways that may be tried although they count as dead.
        self.hopes = set(plan.hopes)
        self.deadline = deadline
        self.outcome: Outcome | None = None
        self.in_flight: set[str] = set()
        #: Gateways that have the message, or may have it.
        self._may_have_it: set[str] = set()
        #: How many SMS the budgets count for it: one from the moment it is promised.
        self._counted = 1
        self._rules = rules
        self._random = random
        self._round = 1
        self._tried: set[str] = set()
        self._given_up: set[str] = set()
        #: Gateways that asked to wait, in this round.
        self._busy: set[str] = set()
        self._worst = Outcome.NOT_SENT
        self._needed = True

    @property
    def is_needed(self) -> bool:
        """Whether it has not ended and somebody can still use the code."""
        return self._needed and self.outcome is None

    def choose_step(self, now: float, health_of: HealthOf) -> Step | None:
        """
        Decide what to do next, when nothing is under way or a further gateway is wanted.

        Returns:
            None if an attempt is under way and nothing else can be done: ask again when it has ended.
        """
        if self.outcome is not None:
            return Ended(self.outcome)
        moments: list[float] = []
        for gateway in self.plan.gateways:
            if (
                not self._needed
                or now >= self.deadline
                or gateway in self._tried
                or gateway in self._given_up
            ):
                continue
            health = health_of(gateway)
            if health.condition is Condition.ALIVE:
                self._tried.add(gateway)
                self.in_flight.add(gateway)
                return Send(gateway)
            moments.append(health.until)
        return None if self.in_flight else self._wait_or_end(now, moments)

    def hedge(self, now: float, health_of: HealthOf) -> Send | None:
        """Choose one more gateway while another one has the message; None if there is none, or no need for one."""
        step = self.choose_step(now, health_of) if self.in_flight and self.outcome is None else None
        return step if isinstance(step, Send) else None

    def note_begun(self, gateway: str) -> None:
        """Note that a gateway may have the message from now on."""
        self._may_have_it.add(gateway)

    def count_copies(self) -> int:
        """Count what it costs now; return the change in SMS, which is below 0 if too many were counted."""
        copies = len(self._may_have_it)
        due = max(1, copies) if self.outcome is None else copies
        change, self._counted = due - self._counted, due
        return change

    def take_back(self, gateway: str) -> None:
        """Note that a gateway was not asked after all: it died or began to rest while the message waited for it."""
        self.in_flight.discard(gateway)
        self._tried.discard(gateway)

    def withdraw(self) -> None:
        """Try nothing more: nobody needs the code. An attempt under way may still succeed."""
        self._needed = False

    def give_up(self) -> Outcome | None:
        """End the message as it is; None if it had ended before."""
        return None if self.outcome is not None else self._end(self._worst).outcome

    def note_receipt(self, gateway: str) -> bool:
        """Note a receipt; False if a hedged attempt elsewhere had ended the message before."""
        self.in_flight.discard(gateway)
        if self.outcome is not None:
            return False
        self._end(Outcome.ACCEPTED)
        return True

    def note_failure(self, gateway: str, error: DeliveryError) -> None:
        """Note an attempt without a receipt; `choose_step` says what follows."""
        self.in_flight.discard(gateway)
        if is_busy(error):
            self._busy.add(gateway)
        if isinstance(error, Refused | NotSent):
            self._may_have_it.discard(gateway)
        match error:
            case Refused():
                self._given_up.add(gateway)
                self._worst = max(self._worst, Outcome.REFUSED, key=_SEVERITY.index)
            case NotSent():
                if not error.retry_here:
                    self._given_up.add(gateway)
            case _:
                self._given_up.add(gateway)
                self._worst = Outcome.UNKNOWN
                if self._rules.on_unknown is OnUnknown.STOP:
                    self._given_up.update(self.plan.gateways)

    def _wait_or_end(self, now: float, moments: list[float]) -> Step:
        """Wait for the first of `moments` or for the next round, whichever comes first before the deadline."""
        if not self._needed:
            return self._end(Outcome.NOT_NEEDED)
        next_round = self._find_next_round(now)
        at = min([*moments, next_round], default=self.deadline)
        if at >= self.deadline:
            return self._end(self._worst)
        if at == next_round:
            self._round += not self._busy
            self._busy.clear()
            self._tried.clear()
        # The time for a dead gateway may have come while its probe is still under way.
        return Later(max(at, now + _SHORTEST_WAIT))

    def _find_next_round(self, now: float) -> float:
        again = self._tried - self._given_up
        if not again or (self._round >= self._rules.rounds and not self._busy):
            return self.deadline
        return now + _FIRST_PAUSE * (1 << self._round - 1) * self._random.uniform(0.5, 1.5)

    def _end(self, outcome: Outcome) -> Ended:
        self.outcome = outcome
        return Ended(outcome)
