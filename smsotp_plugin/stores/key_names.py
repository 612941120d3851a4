"""What stands for the keys of a process where the others that use its store see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyNames:
    """
    The keys of one process, which they cannot be told from.

    Attributes:
        names: One for each key, as `codes.keyed.name_key` makes it; none: they are compared with nobody's.
        place: Where the keys stand, for people.
    """

    names: tuple[str, ...]
    place: str


NO_KEYS = KeyNames((), "")
