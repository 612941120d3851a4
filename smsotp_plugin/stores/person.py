"""What is kept of one person, and how much of it was erased."""

from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """
    The names under which a store knows a person.

    Attributes:
        user: User-Name as the client sends it; empty if only the number is known.
        shown: The name as the delivery log shows it, one for each key.
        number_hashes: Fingerprints of the telephone number, one for each key; empty if only the name is known.
        accounts: Fingerprints of the folded name, under which wrong answers are counted, one for each key.
        budgets: Keys under which SMS are counted for name and number; see `Spending`.
        holders: Names under which their SMS wait for workers; see `Parcel.holders`.
        without_code: Those of `budgets` that count SMS without a code.
    """

    user: str = ""
    shown: tuple[str, ...] = ()
    number_hashes: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    without_code: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """
    How much of a person was erased.

    Attributes:
        challenges: Log-ins, pending or over.
        messages: SMS that waited.
        events: Lines of the delivery log.
        counts: Counts of wrong answers, and places from which right ones came.
        spent: SMS that were counted for budgets; they still count for the budgets of others.
    """

    challenges: int = 0
    messages: int = 0
    events: int = 0
    counts: int = 0
    spent: int = 0

    def __add__(self, more: "Erased") -> "Erased":
        return Erased(*(one + other for one, other in zip(astuple(self), astuple(more), strict=True)))

    def __bool__(self) -> bool:
        return any(astuple(self))
