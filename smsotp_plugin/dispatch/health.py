"""
What is known about the health of each gateway: log-ins ask for it, attempts report to it. No I/O, no threads.

Each gateway has a circuit breaker, shared by all routes. It opens when messages of different people fail: several in a row,
or too large a share of them. It stays open for a pause that doubles each time. Then a probe, which sends no user's code,
decides whether it closes again; the gateway is on trial until a message really goes through.

Refused credentials and spent credit open it at once or, if messages have gone through lately, with the second person. A
probe that does not notice these proves nothing: a message is then tried now and then instead.
"""

import threading
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from smsotp_plugin.dispatch.people import Failures, Person
from smsotp_plugin.errors import ConnectFailed, DeliveryError, NotSent, Refused, Throttled

_FAILURES_IN_A_ROW = 3
_SHARE_FAILED = 5
#: Seconds. A probe costs nobody an SMS, so a gateway is asked again soon and often.
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0
#: Seconds. A trial message may cost somebody the log-in; once the account is paid up, the next one is tried within 5 minutes.
_FIRST_BAR, _LONGEST_BAR = 60.0, 200.0
#: Seconds that people whose last message failed wait longer: a failure of theirs says less about the gateway.
_KNOWN_LATER = 60.0
#: Seconds. No gateway is left alone for longer than this, whatever it asks for: its clock or its answer may be wrong.
_LONGEST_REST = 3600.0
#: Seconds of rest for a gateway that throttles without saying for how long.
_THROTTLE_PAUSE = 2.0
#: Seconds that a gateway rests at most while it asks this of one or two people only: it may be their numbers that it limits.
_LONGEST_REST_FOR_FEW = 10.0
#: How many people's own rests are remembered.
_RESTS_REMEMBERED = 256
#: Seconds after a message has gone through in which one person's refusal is not enough to doubt the account.
_ACCOUNT_PROVEN = 600.0
#: Pauses are up to this share longer or shorter, so that several nodes do not come back in step.
_JITTER = 0.1
#: How many messages, or probes out of turn, are let through at once when every gateway of a route is dead; then ever fewer.
_LAST_HOPES = 3
#: The most seconds between two of the later ones.
_LONGEST_BETWEEN_HOPES = 32.0
#: Doubling ends here, long before the longest pause could overflow.
_MOST_DOUBLINGS = 10


class Condition(StrEnum):
    """Whether messages can be sent through a gateway now."""

    ALIVE = "alive"
    RESTING = "resting"
    """It asked to be left alone for a while; it will be back."""
    DEAD = "dead"


class Consequence(StrEnum):
    """What follows from a failure for the gateway."""

    NOTHING = "nothing"
    SUSPECT = "suspect"
    """Only a probe can show whether it is the gateway's fault or the person's."""
    OPENED = "opened"


@dataclass(frozen=True, slots=True)
class GatewayHealth:
    """
    What is known of one gateway.

    Attributes:
        condition: Whether it can be used.
        until: Monotonic seconds at which a resting gateway is back, or a dead one is probed; 0 for one that is alive.
    """

    condition: Condition
    until: float


_ALIVE = GatewayHealth(Condition.ALIVE, 0.0)


class Breaker:
    """
    The circuit breaker of one gateway. Times are monotonic seconds.

    Args:
        random: For jitter.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._lock = threading.Lock()
        self._failures = Failures()
        self._pauses = 0
        self._open_until = 0.0
        self._resting_until = 0.0
        #: Who was asked to wait, apart from the other failures, and until when.
        self._throttled = Failures()
        self._own_rests: list[tuple[Person, float]] = []
        self._own_rests_end = 0.0
        #: Until when one person's refusal does not prove the account bad, and who the latest such person is.
        self._proven_until = float("-inf")
        self._refused_for: Person | None = None
        self._on_trial = False
        #: Open for a reason that a probe does not notice.
        self._barred = False
        self._known_until = 0.0
        #: Whether a probe would have noticed the last failure.
        self._probe_tells = False
        self._hopes = 0
        self._next_hope = 0.0
        self._next_suspicion = 0.0
        #: Counts openings: whatever was planned for an earlier one is void.
        self.openings = 0

    @property
    def is_open(self) -> bool:
        """Whether messages are kept away."""
        return bool(self._open_until)

    @property
    def is_barred(self) -> bool:
        """Whether only a message that goes through can show that the gateway serves again."""
        return self._barred

    def health(self, now: float) -> GatewayHealth:
        """Tell whether the gateway can be used at this moment; no lock, no I/O."""
        if self._open_until:
            return GatewayHealth(Condition.DEAD, self._open_until)
        if self._resting_until > now:
            return GatewayHealth(Condition.RESTING, self._resting_until)
        return _ALIVE

    def health_for(self, person: Person, now: float) -> GatewayHealth:
        """Tell whether the gateway can be used for one person, whom it may have asked to wait longer than the others."""
        health = self.health(now)
        if now >= self._own_rests_end or health.condition is Condition.DEAD:
            return health
        with self._lock:
            until = max((until for one, until in self._own_rests if one.is_same(person)), default=0.0)
        return GatewayHealth(Condition.RESTING, until) if until > max(now, health.until) else health

    def note_success(self, person: Person, now: float) -> None:
        """Note that the gateway took somebody's message, or refused it because of the message itself."""
        with self._lock:
            self._failures.note_success(person)
            if self._throttled.has_any:
                self._throttled.note_success(person)
                # It serves others, so it did not mean all of them.
                self._resting_until = min(self._resting_until, now + _LONGEST_REST_FOR_FEW)
            self._proven_until, self._refused_for = now + _ACCOUNT_PROVEN, None
            self._pauses = self._hopes = 0
            self._next_hope = self._known_until = 0.0
            self._close(on_trial=False)

    def note_failure(self, error: DeliveryError, person: Person, now: float) -> Consequence:
        """Note that an attempt for somebody ended without a receipt."""
        if isinstance(error, Refused):
            self.note_success(person, now)
            return Consequence.NOTHING
        with self._lock:
            needs_somebody = isinstance(error, NotSent) and not error.retry_here
            if is_busy(error) and not needs_somebody:
                assert isinstance(error, NotSent)
                self._rest(min(error.retry_after or _THROTTLE_PAUSE, _LONGEST_REST), person, now)
                return Consequence.NOTHING
            known = self._failures.has_failed(person)
            barred = needs_somebody and self._is_account_refused(person, now)
            self._failures.note_failure(person)
            if self._open_until:
                return Consequence.NOTHING
            if barred or self._is_too_much(known=known):
                self._barred = barred
                self._probe_tells = isinstance(error, ConnectFailed)
                self.openings += 1
                self._open(now)
                return Consequence.OPENED
            return self._suspect(now)

    def note_probe(self, problem: DeliveryError | None, now: float, *, hurried: bool = False) -> bool:
        """
        Note what a probe found.

        Args:
            problem: Why the gateway is not alive; None if it is.
            now: Monotonic seconds.
            hurried: Whether the probe was out of turn: then a failure changes nothing.

        Returns:
            True if this opened the breaker or closed it on trial.
        """
        with self._lock:
            if not self._open_until:
                if problem is None:
                    return False
                self._probe_tells = True
                self.openings += 1
                self._open(now)
                return True
            if problem is not None:
                self._probe_tells = True
                if self._barred and isinstance(problem, NotSent) and not problem.retry_here:
                    # A probe notices this trouble, so it will also notice when it is over.
                    self._barred = False
                    self._pauses = 0
                if not hurried and not self._barred:
                    self._open(now)
                return False
            self._probe_tells = False
            if self._barred:
                return False
            self._failures.start_anew()
            self._close(on_trial=True)
            return True

    def may_try(self, person: Person, now: float, *, last_hope: bool) -> bool:
        """
        Take the permission to send one message although the breaker is open.

        Args:
            person: Whom it is for.
            now: Monotonic seconds.
            last_hope: Whether all gateways of the route count as dead.
        """
        with self._lock:
            known = self._failures.has_failed(person)
            if not self._open_until:
                return False
            if self._barred:
                return self._may_try_barred(now, known=known)
            if not last_hope or known or self._probe_tells:
                return False
            return self._take_hope(now)

    def has_hope(self, now: float) -> bool:
        """Tell whether `may_try` would allow a message for somebody new, without taking the permission."""
        if self._barred:
            return now >= self._open_until
        return bool(self._open_until) and not self._probe_tells and now >= self._next_hope

    def may_hurry(self, now: float) -> bool:
        """Take the permission to probe a dead gateway out of turn."""
        with self._lock:
            return bool(self._open_until) and not self._barred and self._probe_tells and self._take_hope(now)

    def _may_try_barred(self, now: float, *, known: bool) -> bool:
        if not known:
            if now < self._open_until:
                return False
            # The next one has to wait, however this one ends.
            self._open(now)
            return True
        if now < max(self._open_until + _KNOWN_LATER, self._known_until):
            return False
        self._known_until = now + _LONGEST_BAR
        return True

    def _take_hope(self, now: float) -> bool:
        if now < self._next_hope:
            return False
        self._hopes += 1
        if self._hopes >= _LAST_HOPES:
            pause = 2.0 ** min(self._hopes - _LAST_HOPES, _MOST_DOUBLINGS)
            self._next_hope = now + min(pause, _LONGEST_BETWEEN_HOPES)
        return True

    def _rest(self, seconds: float, person: Person, now: float) -> None:
        others = [(one, until) for one, until in self._own_rests if until > now and not one.is_same(person)]
        self._own_rests = [*others[-_RESTS_REMEMBERED:], (person, now + seconds)]
        self._own_rests_end = max(until for _, until in self._own_rests)
        known = self._throttled.has_failed(person)
        self._throttled.note_failure(person)
        if self._throttled.count_in_a_row() < _FAILURES_IN_A_ROW:
            if known:
                return
            seconds = min(seconds, _LONGEST_REST_FOR_FEW)
        self._resting_until = max(self._resting_until, now + seconds)

    def _is_account_refused(self, person: Person, now: float) -> bool:
        """Tell whether a refusal of the account is about the account, and not about this person's message."""
        if self._failures.is_contradicted(person):
            # Other people's messages have gone through since.
            return False
        if now >= self._proven_until or (self._refused_for and not self._refused_for.is_same(person)):
            return True
        self._refused_for = person
        return False

    def _is_too_much(self, *, known: bool) -> bool:
        if self._on_trial and not known:
            return True
        return (
            self._failures.count_in_a_row() >= _FAILURES_IN_A_ROW or self._failures.share() >= _SHARE_FAILED
        )

    def _suspect(self, now: float) -> Consequence:
        if self._failures.attempts < _FAILURES_IN_A_ROW or now < self._next_suspicion:
            return Consequence.NOTHING
        self._next_suspicion = now + _FIRST_PAUSE
        return Consequence.SUSPECT

    def _close(self, *, on_trial: bool) -> None:
        self._open_until = 0.0
        self._barred = False
        self._on_trial = on_trial

    def _open(self, now: float) -> None:
        first, longest = (_FIRST_BAR, _LONGEST_BAR) if self._barred else (_FIRST_PAUSE, _LONGEST_PAUSE)
        pause = min(longest, first * 2 ** min(self._pauses, _MOST_DOUBLINGS))
        self._pauses += 1
        self._on_trial = False
        self._open_until = now + pause * self._random.uniform(1 - _JITTER, 1 + _JITTER)


def is_busy(error: DeliveryError) -> bool:
    """Tell whether a gateway only asks to be left alone for a while."""
    return isinstance(error, NotSent) and bool(error.retry_after or isinstance(error, Throttled))
