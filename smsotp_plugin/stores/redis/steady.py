"""The time by which budgets go: near to that of Redis, the same in all processes, and not set when a clock is set."""

from dataclasses import dataclass
from typing import cast

from smsotp_plugin.clock import Clock
from smsotp_plugin.stores.redis.foreign import read_moment, read_time, reads_replies
from smsotp_plugin.stores.redis.line import Word
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.scripts import Scripts, check

#: Seconds. A smaller difference is drift or network delay, and is followed; a larger one means that the clock of Redis was set, or
#: that another Redis has taken its place.
_SET = 1.0
#: Seconds. An answer that takes longer tells no moment.
_SLOW = 0.5


@dataclass(frozen=True, slots=True)
class AgreedTime:
    """
    What a Redis says of the agreed time.

    Attributes:
        number: How often it was corrected.
        moment: The moment by it, in Unix seconds.
        ahead: How far ahead of the clock of Redis it is, in seconds.
    """

    number: int
    moment: float
    ahead: float


class SteadyClock:
    """
    Follows the agreed time. Each process measures it, and notices when the clock of Redis is set: the first to do so corrects the
    agreed time for all, also for those that start later. A process that stood still with its machine seems to notice the same, but
    others confirm the agreed time meanwhile, and it follows them.

    Args:
        scripts: The way to Redis.
        clock: Time of this process; its Unix seconds are believed until Redis has told the agreed time.
    """  # noqa: D205  (its name says it all)

    def __init__(self, scripts: Scripts, clock: Clock) -> None:
        self._scripts = scripts
        self._clock = clock
        self._ahead = clock.time() - clock.monotonic()
        #: How often the agreed time was corrected, as far as this process knows; None: it was not told yet.
        self._number: int | None = None

    @property
    def is_told(self) -> bool:
        """Whether Redis has told the agreed time."""
        return self._number is not None

    def now(self) -> float:
        """Return the agreed time, in Unix seconds."""
        return self._clock.monotonic() + self._ahead

    def agree(self) -> None:
        """
        Compare this clock with the agreed time, and correct one of them; only one thread at a time may call this.

        Raises:
            StoreError: Redis does not answer, or with an error.
        """
        if self._number is None:
            self._follow(ask_agreed_time(self._scripts))
            return
        asked = self._clock.monotonic()
        told = _run(self._scripts, "confirm", self._number, self.now())
        if self._clock.monotonic() - asked > _SLOW:
            return
        off = self.now() - told.moment
        if told.number > self._number or (told.number == self._number and abs(off) < _SET):
            self._follow(told)
            return
        self._follow(_run(self._scripts, "correct", told.number, off, self._number + 1))

    def _follow(self, told: AgreedTime) -> None:
        self._ahead, self._number = told.moment - self._clock.monotonic(), told.number


def ask_agreed_time(scripts: Scripts) -> AgreedTime:
    """
    Ask for the agreed time.

    Raises:
        StoreError: Redis does not answer, or with an error.
    """
    return _run(scripts, "ask")


@reads_replies
def _run(scripts: Scripts, *words: Word | float) -> AgreedTime:
    reply = scripts.run("steady", ["steady"], *words)
    number, turn, ahead = cast("tuple[int, bytes, bytes]", reply)
    return AgreedTime(int(number), read_moment(turn) + read_moment(ahead), read_moment(ahead))


@reads_replies
def ask_time(scripts: Scripts) -> float:
    """
    Ask what the clock of Redis says, for a command that opens no store; in Unix seconds.

    Raises:
        StoreError: Redis does not answer, or with an error.
    """
    (reply,) = scripts.run_all([Command(("TIME",))])
    return read_time(check(reply))
