"""Which names may have to wait, in memory, so that a first leg on its good way asks the file nothing."""

from collections.abc import Iterable


class Watch:
    """
    The names under which enough wrong answers are counted to make anybody wait, and perhaps some more.

    Knows nothing until it is told, and again while other processes may count. Whoever changes it holds the writer's lock, so
    that nothing that is counted meanwhile is missed.
    """

    def __init__(self) -> None:
        self._names: set[str] | None = None

    @property
    def knows(self) -> bool:
        """Whether a name that is missing has nothing to wait for."""
        return self._names is not None

    def learn(self, names: Iterable[str]) -> None:
        """Take what the file says."""
        self._names = set(names)

    def forget(self) -> None:
        """Trust in nothing from now on; needs no lock."""
        self._names = None

    def add(self, name: str) -> None:
        """Watch a name."""
        if self._names is not None:
            self._names.add(name)

    def discard(self, name: str) -> None:
        """Watch a name no longer."""
        if self._names is not None:
            self._names.discard(name)

    def holds_any(self) -> bool:
        """Tell whether any name is watched, or may be."""
        return self._names is None or bool(self._names)

    def holds(self, name: str) -> bool:
        """Tell whether a name is watched, or may be."""
        names = self._names
        return names is None or name in names
