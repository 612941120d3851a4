"""
Which share of the codes is answered, for each block of numbers, country, client and station. Decisions only.

Whoever pumps SMS never answers; nearly all other people do. So what is not answered is compared with what was answered: today,
and on the best of the last days. An SMS is unanswered once nobody has answered it for a while; until then it is pending, and
counts only where nobody has answered in the last days, or where more are pending than were answered on the best of them.

Moments are monotonic seconds. Counts of a day and of an hour slide in steps of ten minutes.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

#: Seconds after which a code is taken for one that nobody answers.
GRACE = 180.0
#: Fewer SMS than this without an answer mean nothing.
FLOOR = 20
#: How much may stay unanswered, as a share of what is answered in a day and in an hour.
_DAY_SHARE, _HOUR_SHARE = 0.3, 0.2
#: The busiest hour has about one part in so many of a day.
_HOURS = 6
#: Seconds of a step, and steps of an hour and of a day.
STEP = 600.0
_HOUR, _DAY = 6, 144
#: Days whose best counts.
HISTORY = 14
#: How many open codes are remembered: there are more only while somebody floods us, or nobody answers.
_MOST_OPEN = 100_000
#: How many keys are counted at most: anybody can make up as many stations as they like.
_MOST_KEYS = 200_000
#: Seconds for which an answer is still known to belong to a code that counts as unanswered.
_LATE = 3600.0
#: How often people try again while SMS do not arrive.
_PATIENCE = 3
#: The key of all SMS to familiar blocks together.
_ALL = ""


class SmsOrigin(NamedTuple):
    """
    Something that SMS are counted for: a block of numbers, a country, a client or a station.

    Attributes:
        key: See `Spending`.
        label: For people.
    """

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Anomaly:
    """
    More is unanswered than is normal.

    Attributes:
        origin: Where.
        unanswered: How many SMS.
        answered: Of the same time.
        span: ``day`` or ``hour``.
        is_settled: Whether it is so without those that are pending.
    """

    origin: SmsOrigin
    unanswered: int
    answered: int
    span: str
    is_settled: bool


@dataclass(slots=True)
class _Open:
    """A code that nobody has answered yet; for `copies` of its SMS, there is still time."""

    origins: tuple[SmsOrigin, ...]
    copies: int = 0
    unanswered: int = 0


class _Sums:
    """Counts that slide."""

    def __init__(self) -> None:
        self.day: dict[str, int] = {}
        self.hour: dict[str, int] = {}
        self._steps: deque[dict[str, int]] = deque([{}])

    def add(self, key: str, number: int) -> None:
        if key not in self.day and len(self.day) >= _MOST_KEYS:
            return
        _add(self.day, key, number)
        _add(self.hour, key, number)
        # May fall below 0, where something that was counted in an earlier step is taken back.
        step = self._steps[-1]
        step[key] = step.get(key, 0) + number

    def add_old(self, key: str, number: int, steps: int) -> None:
        """Add what was counted some steps ago."""
        while len(self._steps) <= steps:
            self._steps.appendleft({})
        step = self._steps[-1 - steps]
        step[key] = step.get(key, 0) + number
        _add(self.day, key, number)
        if steps < _HOUR:
            _add(self.hour, key, number)

    def step(self) -> None:
        """Begin the next step."""
        self._steps.append({})
        if len(self._steps) > _HOUR:
            _subtract(self.hour, self._steps[-1 - _HOUR])
        if len(self._steps) > _DAY:
            _subtract(self.day, self._steps.popleft())

    def forget(self, key: str) -> None:
        for counts in (self.day, self.hour, *self._steps):
            counts.pop(key, None)


class AnswerShares:
    """
    Counts and judges. Not thread-safe.

    Args:
        now: Monotonic seconds.
    """

    def __init__(self, now: float) -> None:
        self._answered, self._unanswered, self._excused = _Sums(), _Sums(), _Sums()
        self._pending: dict[str, int] = {}
        self._open: dict[str, _Open] = {}
        self._due: deque[tuple[float, str]] = deque()
        self._late: deque[tuple[float, str]] = deque()
        self._next_step = now + STEP
        #: The most that a key has answered on one of the last days, without today.
        self._best: dict[str, int] = {}
        #: What has changed since it was last taken: answered and unanswered, by key.
        self._changes: dict[str, list[int]] = {}

    def load(self, key: str, *, answered: int, unanswered: int, steps: int) -> None:
        """Count what was counted some steps ago, at most a day."""
        self._answered.add_old(key, answered, steps)
        self._unanswered.add_old(key, unanswered, steps)

    def set_best(self, best: Mapping[str, int]) -> None:
        """Say what each key has answered on the best of the last days."""
        self._best = dict(best)

    def has_answers(self) -> bool:
        """Tell whether anybody at all has answered in the last days."""
        return bool(self._best or self._answered.day)

    def is_familiar(self, key: str) -> bool:
        """Tell whether anybody has answered from there in the last days."""
        return key in self._best or key in self._answered.day

    def note_sent(self, state: str, origins: tuple[SmsOrigin, ...], now: float) -> None:
        """Note that an SMS with the code of a challenge is sent."""
        entry = self._open.get(state)
        if entry is None:
            entry = self._open[state] = _Open(origins)
        entry.copies += 1
        pending = self._pending
        for key, _ in origins:
            pending[key] = pending.get(key, 0) + 1
        self._due.append((now + GRACE, state))

    def note_answered(self, state: str) -> bool:
        """Note that somebody has given the right answer to a challenge; tells whether anything is known of it here."""
        entry = self._open.pop(state, None)
        if entry is None:
            return False
        for key in self._keys(entry):
            self._count(self._answered, key, 1)
            if entry.unanswered:
                self._count(self._unanswered, key, -entry.unanswered)
        self._forget_pending(entry, entry.copies)
        return True

    def note_unsent(self, state: str) -> bool:
        """Note that no gateway took an SMS after all; tells whether anything is known of it here."""
        entry = self._open.get(state)
        if entry is None:
            return False
        if entry.copies:
            self._forget_pending(entry, 1)
            if not entry.copies and not entry.unanswered:
                del self._open[state]
        return True

    def settle(self, now: float) -> list[Anomaly]:
        """Count as unanswered what is by now; returns where this has become more than normal, not counting what is pending."""
        due = self._due
        if now < self._next_step and (not due or due[0][0] > now) and len(self._open) <= _MOST_OPEN:
            return []
        while now >= self._next_step:
            self._answered.step()
            self._unanswered.step()
            self._excused.step()
            self._next_step += STEP
        found: list[Anomaly] = []
        while self._due and (self._due[0][0] <= now or len(self._open) > _MOST_OPEN):
            found += self._end_grace(self._due.popleft()[1], now)
        while self._late and (self._late[0][0] <= now or len(self._open) > _MOST_OPEN):
            state = self._late.popleft()[1]
            entry = self._open.get(state)
            if entry is not None and not entry.copies:
                del self._open[state]
        return found

    def list_busy(self, origins: Sequence[SmsOrigin]) -> list[SmsOrigin]:
        """Return those that `judge` may find anything in."""
        pending, unanswered = self._pending, self._unanswered.day
        return [
            origin
            for origin in origins
            if pending.get(origin.key, 0) + unanswered.get(origin.key, 0) >= FLOOR
        ]

    def judge(self, origin: SmsOrigin) -> Anomaly | None:
        """Tell whether more is unanswered than is normal; what is pending counts where it must."""
        key = origin.key
        unanswered, pending = self._unanswered.day.get(key, 0), self._pending.get(key, 0)
        if unanswered + pending < FLOOR:
            return None
        answered, best = self._answered.day.get(key, 0), self._best.get(key, 0)
        usual = max(answered, best)
        allowed = max(FLOOR, _DAY_SHARE * usual)
        if unanswered >= allowed:
            return Anomaly(origin, unanswered, answered, "day", is_settled=True)
        in_hour, answered_in_hour = self._unanswered.hour.get(key, 0), self._answered.hour.get(key, 0)
        if in_hour >= max(FLOOR, _HOUR_SHARE * max(answered_in_hour, best / _HOURS)):
            return Anomaly(origin, in_hour, answered_in_hour, "hour", is_settled=True)
        counted = unanswered + (max(0, pending - max(FLOOR, usual)) if usual else pending)
        return Anomaly(origin, counted, answered, "day", is_settled=False) if counted >= allowed else None

    def is_outage(self) -> bool:
        """Tell whether even people who usually answer do not: then it is the SMS that do not arrive, and nobody is pumping."""
        unanswered = self._unanswered.hour.get(_ALL, 0)
        return unanswered >= FLOOR and unanswered > self._answered.hour.get(_ALL, 0)

    def forget(self, key: str) -> None:
        """Count as if nothing were unanswered."""
        self._unanswered.forget(key)
        self._pending.pop(key, None)

    def take_changes(self) -> dict[str, list[int]]:
        """Return what has changed since the last call: answered and unanswered, by key."""
        changes, self._changes = self._changes, {}
        return changes

    def _end_grace(self, state: str, now: float) -> Sequence[Anomaly]:
        entry = self._open.get(state)
        if entry is None or not entry.copies:
            return ()
        self._forget_pending(entry, 1)
        self._late.append((now + _LATE, state))
        if self._is_plausible(entry.origins[0].key):
            self._count(self._unanswered, _ALL, 1)
            if self.is_outage():
                self._excused.add(entry.origins[0].key, 1)
                return ()
        entry.unanswered += 1
        for origin in entry.origins:
            self._count(self._unanswered, origin.key, 1)
        judged = [self.judge(origin) for origin in entry.origins]
        return [finding for finding in judged if finding is not None and finding.is_settled]

    def _is_plausible(self, block: str) -> bool:
        """Tell whether so many SMS can be those of people who usually answer: at most three times as many as on other days."""
        usual = max(self._answered.day.get(block, 0), self._best.get(block, 0))
        asked = self._unanswered.day.get(block, 0) + self._excused.day.get(block, 0)
        return asked < _PATIENCE * usual

    def _keys(self, entry: _Open) -> list[str]:
        keys = [origin.key for origin in entry.origins]
        return [*keys, _ALL] if keys and self.is_familiar(keys[0]) else keys

    def _count(self, sums: _Sums, key: str, number: int) -> None:
        sums.add(key, number)
        change = self._changes.setdefault(key, [0, 0])
        change[sums is self._unanswered] += number

    def _forget_pending(self, entry: _Open, copies: int) -> None:
        entry.copies -= copies
        for origin in entry.origins:
            _add(self._pending, origin.key, -copies)


def _add(counts: dict[str, int], key: str, number: int) -> None:
    total = counts.get(key, 0) + number
    if total > 0:
        counts[key] = total
    else:
        counts.pop(key, None)


def _subtract(counts: dict[str, int], those: Mapping[str, int]) -> None:
    for key, number in those.items():
        _add(counts, key, -number)
