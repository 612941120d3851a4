"""Whether the processes that use one Redis have a key in common: a process with another key can read nothing of theirs."""

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import OtherKey
from smsotp_plugin.stores.process_traits import ProcessTraits
from smsotp_plugin.stores.redis.line import Word
from smsotp_plugin.stores.redis.others import write_process

#: Seconds for which a new process goes on looking for others: Redis may have been away, so that they could not say that they live.
_NEW = 5.0


def make_error(traits: ProcessTraits, place: str) -> OtherKey:
    """
    Return the error of a process with another key.

    Args:
        traits: Its own.
        place: Where the Redis is, for people.
    """
    return OtherKey(
        f"{traits.key_place} holds a different key from the servers and workers that use {place}: copy the key of one of them "
        "here, and start again (docs/cluster.md, step 4)"
    )


class SameKey:
    """
    Tells the others of this process's keys, and finds out whether it has one of theirs.

    Args:
        traits: Its own.
        place: Where the Redis is, for people.
        clock: Time.
    """

    def __init__(self, traits: ProcessTraits, place: str, clock: Clock) -> None:
        self._traits = traits
        self._place = place
        self._clock = clock
        self._new_until = float("inf")

    @property
    def is_settled(self) -> bool:
        """Whether the others' keys have been seen once, or do not matter."""
        return not self._traits.key_names or self._new_until < float("inf")

    def words(self, owner: str) -> tuple[Word, ...]:
        """Return what the script by which an owner says that it lives is told."""
        if not self._traits.key_names:
            return ()
        is_new = self._clock.monotonic() < self._new_until
        return (write_process(owner, self._traits), int(is_new))

    def judge(self, *, is_stranger: bool) -> None:
        """
        Take the answer of that script.

        Raises:
            OtherKey: Others live, and have another key.
        """
        if is_stranger:
            raise make_error(self._traits, self._place)
        self._new_until = min(self._new_until, self._clock.monotonic() + _NEW)
