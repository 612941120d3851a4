"""What a process that uses a Redis says of itself once a second, and what it learns: the time, and the others' settings."""

import logging

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.process_traits import ProcessTraits
from smsotp_plugin.stores.redis.link import NotAnswered
from smsotp_plugin.stores.redis.messages import Messages
from smsotp_plugin.stores.redis.others import find_differences
from smsotp_plugin.stores.redis.scripts import Scripts
from smsotp_plugin.stores.redis.shared_clock import SharedClock
from smsotp_plugin.stores.redis.steady import SteadyClock

log = logging.getLogger("smsotp.store")


class Member:
    """
    One process among those that use a Redis.

    Args:
        messages: The messages of this process.
        scripts: The way to the Redis.
        traits: What this process says of itself.
        place: Where the Redis is, for people.
        clock: Time; put right if it can be.
        steady: Compared as well.
    """

    def __init__(  # noqa: PLR0913, PLR0917  (each is a part of its own, handed in by the store)
        self,
        messages: Messages,
        scripts: Scripts,
        traits: ProcessTraits,
        place: str,
        clock: Clock,
        steady: SteadyClock,
    ) -> None:
        self._messages = messages
        self._scripts = scripts
        self._traits = traits
        self._place = place
        self._clock = clock
        self._shared = clock if isinstance(clock, SharedClock) else None
        self._steady = steady
        self._has_looked = not traits.settings

    def tell(self) -> None:
        """
        Say that this process lives.

        Raises:
            OtherKey: See `Messages.live`.
            StoreError: See there.
        """
        asked = self._clock.monotonic()
        turn = self._messages.live()
        took = self._clock.monotonic() - asked
        self._steady.agree()
        if self._shared is not None:
            self._shared.compare(turn, took)
        if not self._has_looked:
            self._look_at_others()

    def _look_at_others(self) -> None:
        """Log once in what the others differ; this keeps nobody from logging in."""
        try:
            differences = find_differences(self._scripts, self._traits, self._place)
        except NotAnswered:
            return
        except StoreError as exc:
            differences = [f"the settings of others are not compared: {exc}"]
        self._has_looked = True
        for difference in differences:
            log.warning("%s", difference)
