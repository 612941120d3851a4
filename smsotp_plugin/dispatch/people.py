"""Whose messages fail at a gateway. One person's trouble must not look like the gateway's, however often they try."""

from collections import deque
from dataclasses import dataclass, field

#: Over how many people the share of failures is taken.
_SHARE_OF = 10
#: How many people whose last message failed are remembered.
_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Person:
    """
    Whom a message is for.

    Attributes:
        user: User-Name.
        number: E.164.
    """

    user: str
    number: str = field(repr=False)

    def is_same(self, other: "Person") -> bool:
        """Tell whether the two count as one person, as one user with several numbers and several users with one number do."""
        return self.user == other.user or self.number == other.number


class Failures:
    """Counts for how many different people messages failed at one gateway. Not thread-safe: the breaker guards it."""

    def __init__(self) -> None:
        #: Whose messages failed since the last success, each person once.
        self._row: list[Person] = []
        #: Attempts since the last success.
        self.attempts = 0
        #: The last message of each of the last people, True if it went through.
        self._last: deque[tuple[Person, bool]] = deque(maxlen=_SHARE_OF)
        self._successes = 0
        #: Whose last message failed, and how many messages had gone through when that began.
        self._failing: deque[tuple[Person, int]] = deque(maxlen=_REMEMBERED)

    @property
    def has_any(self) -> bool:
        """Whether anybody's last message failed."""
        return bool(self._failing)

    def note_success(self, person: Person) -> None:
        """Note a message that went through."""
        self._row.clear()
        self.attempts = 0
        self._successes += 1
        self._put(person, went=True)
        if self._failing:
            left = (entry for entry in self._failing if not entry[0].is_same(person))
            self._failing = deque(left, _REMEMBERED)

    def note_failure(self, person: Person) -> None:
        """Note a message that did not."""
        self.attempts += 1
        # No more than a few count, so the list stays short whatever happens.
        if len(self._row) < _SHARE_OF and not any(one.is_same(person) for one in self._row):
            self._row.append(person)
        self._put(person, went=False)
        if not self.has_failed(person):
            self._failing.append((person, self._successes))

    def has_failed(self, person: Person) -> bool:
        """Tell whether the last message of this person failed here."""
        return any(one.is_same(person) for one, _ in self._failing)

    def is_contradicted(self, person: Person) -> bool:
        """Tell whether others' messages went through here since this person's began to fail."""
        return any(one.is_same(person) and then < self._successes for one, then in self._failing)

    def count_in_a_row(self) -> int:
        """Return how many different people failed since the last success."""
        return len(self._row)

    def share(self) -> int:
        """Return how many of the last ten different people failed; 0 if there were fewer than ten."""
        if len(self._last) < _SHARE_OF:
            return 0
        return sum(not went for _, went in self._last)

    def start_anew(self) -> None:
        """Start counting anew; the people who failed before stay known."""
        self._row.clear()
        self._last.clear()
        self.attempts = 0

    def _put(self, person: Person, *, went: bool) -> None:
        user, number = person.user, person.number
        # Spelled out, not by `is_same`: this is asked ten times for each message.
        for entry in [entry for entry in self._last if entry[0].user == user or entry[0].number == number]:
            self._last.remove(entry)
        self._last.append((person, went))
