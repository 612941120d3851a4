"""What stands for the keys and the settings of a process where the others that use its store see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyNames:
    """
    What one process tells the others of itself; keys and settings cannot be told from it.

    Attributes:
        names: One for each key, as `codes.keyed.name_key` makes it; none: they are compared with nobody's.
        place: Where the keys stand, for people.
        settings: One for each section that all should have alike, as `settings.alike.name_settings` makes it.
    """

    names: tuple[str, ...]
    place: str
    settings: tuple[str, ...] = ()


NO_KEYS = KeyNames((), "")
