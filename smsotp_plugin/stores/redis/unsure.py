"""Which messages may be this store's without its knowing: Redis may have carried out commands that it did not answer in time."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from smsotp_plugin.stores.redis.link import may_be_done

#: How often Redis is asked: commands that it had received before it hung are carried out as soon as it goes on, at about the time
#: of what is asked then.
_LOOKS = 3
#: How many messages are known; beyond that the earliest are forgotten.
_MOST_KNOWN = 20_000


class Unsure:
    """Safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: How often each will still be asked for.
        self._names: dict[str, int] = {}
        #: How often everything that was taken over will still be asked for.
        self._looks_for_all = 0
        #: The messages that this store knows of, or is about to hear of, in the order in which they came.
        self._known: dict[str, None] = {}

    @contextmanager
    def of(self, names: Sequence[str]) -> Iterator[None]:
        """Within this context, learn of messages that become this store's, or ask for them later if Redis does not answer."""
        with self._lock:
            for name in names:
                self._names.pop(name, None)
            self._know(names)
        try:
            yield
        except BaseException as exc:
            with self._lock:
                for name in names:
                    self._known.pop(name, None)
                if may_be_done(exc):
                    self._names.update(dict.fromkeys(names, _LOOKS))
            raise

    @contextmanager
    def of_all(self) -> Iterator[None]:
        """Ask later for everything that was taken over if what is done within this context is not answered."""
        try:
            yield
        except BaseException as exc:
            if may_be_done(exc):
                with self._lock:
                    self._looks_for_all = _LOOKS
            raise

    def ask(self) -> tuple[Sequence[str], bool]:
        """Return which messages to ask for, and whether to ask for all that were taken over."""
        with self._lock:
            return [*self._names], self._looks_for_all > 0

    def note_look(self, names: Sequence[str], *, with_taken_over: bool) -> None:
        """Note that Redis was asked for these."""
        with self._lock:
            if with_taken_over:
                self._looks_for_all = max(0, self._looks_for_all - 1)
            for name in names:
                looks = self._names.pop(name, 0) - 1
                if looks > 0:
                    self._names[name] = looks

    def take_new(self, names: Iterable[str]) -> frozenset[str]:
        """Note that messages are known from now on; returns those that were not."""
        with self._lock:
            new = frozenset(names).difference(self._known)
            for name in new:
                self._names.pop(name, None)
            self._know(new)
            return new

    def _know(self, names: Iterable[str]) -> None:
        self._known.update(dict.fromkeys(names))
        if len(self._known) > _MOST_KNOWN:
            self._known = dict.fromkeys([*self._known][-_MOST_KNOWN // 2 :])
