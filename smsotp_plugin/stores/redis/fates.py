"""What became of SMS, passed between processes: a Stream that each of them reads to its end once a second."""

from collections.abc import Sequence
from functools import partial
from typing import cast

from smsotp_plugin.stores.answers import Fate
from smsotp_plugin.stores.redis.foreign import reads_replies
from smsotp_plugin.stores.redis.lazy import Lazy
from smsotp_plugin.stores.redis.scripts import Scripts

_KEY = "fates"
#: Before the first entry of any Stream.
_START = "0-0"
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
        self._last = _START

    def tell(self, state: str, fate: Fate) -> None:
        """See `AnswerStore.tell_fate`."""
        self._lazy.add(partial(self._scripts.command, "tell_fate", [_KEY], fate, state), soon=False)

    @reads_replies
    def hear(self) -> Sequence[tuple[str, Fate]]:
        """See `AnswerStore.hear_fates`."""
        found = self._read()
        if not found and self._last != _START and self._is_another():
            self._last = _START
            found = self._read()
        return found

    def _is_another(self) -> bool:
        """Tell whether the Stream has begun anew, with lower numbers: an empty Redis whose clock was set back."""
        newest = cast(
            "list[tuple[bytes, object]]", self._scripts.ask("XREVRANGE", "+", "-", "COUNT", 1, key=_KEY)
        )
        return not newest or _read_number(newest[0][0].decode()) < _read_number(self._last)

    def _read(self) -> list[tuple[str, Fate]]:
        found: list[tuple[str, Fate]] = []
        while True:
            reply = self._scripts.ask("XRANGE", f"({self._last}", "+", "COUNT", _PIECE, key=_KEY)
            entries = cast("list[tuple[bytes, list[bytes]]]", reply)
            for number, words in entries:
                self._last = number.decode()
                # Another version may know more fates, and tell more of each; what somebody else has written there costs no other.
                fate, state, *_ = (word.decode(errors="replace") for word in words)
                if fate in _FATES:
                    found.append((state, Fate(fate)))
            if len(entries) < _PIECE:
                return found


def _read_number(number: str) -> tuple[int, int]:
    moment, _, place = number.partition("-")
    return int(moment), int(place)
