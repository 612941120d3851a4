"""Which names may have to wait, kept in memory so that an ordinary first leg need not ask the file."""

from collections.abc import Callable, Iterable


class Watch:
    """
    The names under which enough wrong answers are counted to make anybody wait, and perhaps some others.

    It knows nothing until it is told, and nothing while other processes may count. A thread that changes it holds the writer's lock,
    so that nothing counted meanwhile is missed. Any thread may ask, or call `forget`, at any time.
    """

    def __init__(self) -> None:
        #: Replaced each time it is told to forget.
        self._doubt = object()
        #: What was learned, and after which doubt.
        self._learned: tuple[object, set[str]] = object(), set()

    @property
    def knows(self) -> bool:
        """Whether a name that is missing need not wait."""
        return self._names() is not None

    def learn(self, read: Callable[[], Iterable[str]]) -> None:
        """Take what the file says, unless told to forget while the file is read."""
        doubt = self._doubt
        self._learned = doubt, set(read())

    def forget(self) -> None:
        """Forget what was learned; needs no lock."""
        self._doubt = object()

    def add(self, name: str) -> None:
        """Watch a name."""
        names = self._names()
        if names is not None:
            names.add(name)

    def discard(self, name: str) -> None:
        """Watch a name no longer."""
        names = self._names()
        if names is not None:
            names.discard(name)

    def holds_any(self) -> bool:
        """Tell whether any name is watched, or may be."""
        names = self._names()
        return names is None or bool(names)

    def holds(self, name: str) -> bool:
        """Tell whether a name is watched, or may be."""
        names = self._names()
        return names is None or name in names

    def _names(self) -> set[str] | None:
        doubt, names = self._learned
        return names if doubt is self._doubt else None
