"""What a process tells the others that use its store, so that each sees whether they have the same keys and settings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProcessTraits:
    """
    Fingerprints of the keys and settings of one process, which reveal neither.

    Attributes:
        key_names: One for each key, as `codes.keyed.name_key` makes it; if there are none, no keys are compared.
        key_place: Where the keys are configured, in words.
        settings: One for each section that should be the same in all, as `settings.alike.name_settings` makes it.
    """

    key_names: tuple[str, ...]
    key_place: str
    settings: tuple[str, ...] = ()


NO_TRAITS = ProcessTraits((), "")
