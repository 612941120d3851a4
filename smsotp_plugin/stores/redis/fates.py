"""What became of SMS, passed between processes: a Stream that each of them reads to its end once a second."""

from collections.abc import Iterator, Sequence
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

_Entry = tuple[bytes, list[bytes]]


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
        last = self._last
        piece = self._read(last)
        if not piece and last != _START and self._is_another():
            last = _START
            piece = self._read(last)
        found: list[tuple[str, Fate]] = []
        while piece and piece[-1][0] != last.encode():
            found += _list_fates(piece, last)
            last = piece[-1][0].decode()
            piece = self._read(last) if len(piece) == _PIECE else []
        # Not before all is read: if that fails, it is read again.
        self._last = last
        return found

    def _is_another(self) -> bool:
        """Tell whether the Stream has begun anew, with lower numbers: an empty Redis whose clock was set back."""
        newest = cast("list[_Entry]", self._scripts.ask("XREVRANGE", "+", "-", "COUNT", 1, key=_KEY))
        return not newest or _read_number(newest[0][0].decode()) < _read_number(self._last)

    def _read(self, last: str) -> list[_Entry]:
        """Return entries from a known one on, which is the first of them if it is still there: so the Stream is still the same."""
        reply = self._scripts.ask("XRANGE", last, "+", "COUNT", _PIECE, key=_KEY)
        return cast("list[_Entry]", reply)


def _list_fates(entries: Sequence[_Entry], last: str) -> Iterator[tuple[str, Fate]]:
    for number, words in entries:
        # Another version may know more fates, and tell more of each; what somebody else has written there costs no other.
        fate, state, *_ = (word.decode(errors="replace") for word in words)
        if fate in _FATES and number != last.encode():
            yield state, Fate(fate)


def _read_number(number: str) -> tuple[int, int]:
    moment, _, place = number.partition("-")
    return int(moment), int(place)
