"""What became of SMS, passed between processes: a Stream that each of them reads to its end once a second."""

from collections.abc import Sequence
from functools import partial
from typing import cast

from smsotp_plugin.stores.answers import Fate
from smsotp_plugin.stores.redis.foreign import reads_replies
from smsotp_plugin.stores.redis.lazy import Lazy
from smsotp_plugin.stores.redis.scripts import Scripts

_KEY = "fates"
#: How many entries are read at once.
_PIECE = 1000
_FATES = frozenset(fate.value for fate in Fate)


class Fates:
    """
    The fates that one store tells and hears.

    Args:
        scripts: The way to Redis.
        lazy: Writes what nobody waits for.
    """

    def __init__(self, scripts: Scripts, lazy: Lazy) -> None:
        self._scripts = scripts
        self._lazy = lazy
        #: The number of the last entry that was read.
        self._last = "0-0"

    def tell(self, state: str, fate: Fate) -> None:
        """See `AnswerStore.tell_fate`."""
        self._lazy.add(partial(self._scripts.command, "tell_fate", [_KEY], fate, state), soon=False)

    @reads_replies
    def hear(self) -> Sequence[tuple[str, Fate]]:
        """See `AnswerStore.hear_fates`."""
        found: list[tuple[str, Fate]] = []
        while True:
            reply = self._scripts.ask("XRANGE", f"({self._last}", "+", "COUNT", _PIECE, key=_KEY)
            entries = cast("list[tuple[bytes, list[bytes]]]", reply)
            for number, words in entries:
                fate, state = (word.decode() for word in words)
                self._last = number.decode()
                # Another version may know more fates.
                if fate in _FATES:
                    found.append((state, Fate(fate)))
            if len(entries) < _PIECE:
                return found
