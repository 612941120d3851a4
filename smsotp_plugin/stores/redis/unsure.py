"""Which messages may be this store's without its knowing: Redis may have carried out what it has not answered in time."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from smsotp_plugin.stores.redis.link import NotAnswered

#: How often Redis is asked: what it had received before it hung it carries out as soon as it goes on, near to what is asked then.
_LOOKS = 3
#: Messages that are known; those that end first are forgotten.
_MOST_KNOWN = 20_000


class Unsure:
    """Safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: How often each is still asked for.
        self._names: dict[str, int] = {}
        #: How often all that was taken over is still asked for.
        self._looks_for_all = 0
        #: Until when each that was handed out can be sent, in Unix seconds.
        self._known: dict[str, float] = {}

    @contextmanager
    def of(self, names: Sequence[str]) -> Iterator[None]:
        """Ask for some messages later if what is done meanwhile is not answered."""
        try:
            yield
        except NotAnswered as exc:
            if exc.is_sent:
                with self._lock:
                    self._names.update(dict.fromkeys(names, _LOOKS))
            raise

    @contextmanager
    def of_all(self) -> Iterator[None]:
        """Ask later for all that was taken over, likewise."""
        try:
            yield
        except NotAnswered as exc:
            if exc.is_sent:
                with self._lock:
                    self._looks_for_all = _LOOKS
            raise

    def ask(self) -> tuple[Sequence[str], bool]:
        """Return which messages are to be asked for, and whether all are that were taken over."""
        with self._lock:
            return [*self._names], self._looks_for_all > 0

    def knows(self, name: str) -> bool:
        """Tell whether a message has been handed out."""
        with self._lock:
            return name in self._known

    def note_look(self, names: Sequence[str], *, with_taken_over: bool) -> None:
        """Note that Redis was asked for these."""
        with self._lock:
            if with_taken_over:
                self._looks_for_all = max(0, self._looks_for_all - 1)
            for name in names:
                looks = self._names.pop(name, 0) - 1
                if looks > 0:
                    self._names[name] = looks

    def note_known(self, names: Mapping[str, float]) -> None:
        """
        Note that messages are handed out.

        Args:
            names: Until when each can be sent, in Unix seconds.
        """
        with self._lock:
            for name in names:
                self._names.pop(name, None)
            self._known.update(names)
            if len(self._known) > _MOST_KNOWN:
                latest = sorted(self._known, key=self._known.__getitem__)[-_MOST_KNOWN // 2 :]
                self._known = {name: self._known[name] for name in latest}
