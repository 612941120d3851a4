"""What a process tells the others that use its store, so that each sees whether they have keys and settings in common."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProcessTraits:
    """
    What stands for the keys and settings of one process; neither can be told from it.

    Attributes:
        key_names: One for each key, as `codes.keyed.name_key` makes it; if there are none, they are compared with nobody's.
        key_place: Where the keys are configured, in words.
        settings: One for each section that all should have alike, as `settings.alike.name_settings` makes it.
    """

    key_names: tuple[str, ...]
    key_place: str
    settings: tuple[str, ...] = ()


NO_TRAITS = ProcessTraits((), "")
