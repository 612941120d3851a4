"""The setting REGEXP, by which an administrator says how a gateway wants numbers written; one that could take long is refused."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

# What the compiler of `re` is given: there is no public way to read an expression, and a reader of our own would have to
# agree with it in every case. `tests/unit/test_number_rewriting.py` notices when a Python has changed them.
from re import _constants as op  # type: ignore[attr-defined, unused-ignore]  # typeshed knows the old names of these two only
from re import _parser  # type: ignore[attr-defined, unused-ignore]
from typing import Annotated, Any

from pydantic import BeforeValidator

from smsotp_plugin.sms.typed import describe_code_point

#: What is rewritten: a plus and at most 17 digits, which is the most that `phonenumbers` reads.
_LONGEST = 18
#: Ways to match, from one start. Python tries some ten million a second, and all log-ins have to wait meanwhile.
_MOST_WAYS = 10_000
#: More repetitions than this could only repeat an empty match.
_MOST_REPETITIONS = 200

#: How many ways there are to match each length, from nothing to `_LONGEST` characters.
Ways = Sequence[int]


@dataclass(frozen=True, slots=True)
class Rewriting:
    r"""
    The parameter REGEXP: ``/pattern/replacement/``, applied to the number in E.164 form.

    Python's regular expressions, every match is replaced, groups are ``\1``. A slash inside is written ``\/``.
    """

    source: str
    pattern: re.Pattern[str] = field(repr=False)
    replacement: str = field(repr=False)

    def apply(self, number: str) -> str:
        """Return the number with every match replaced."""
        return self.pattern.sub(self.replacement, number)


def _read_rewriting(value: Any) -> Any:
    if value is None or isinstance(value, Rewriting):
        return value
    parts = re.split(r"(?<!\\)/", value) if isinstance(value, str) else []
    if len(parts) != 4 or parts[0] or parts[3] or not parts[1]:
        raise ValueError("must have the form /pattern/replacement/, with \\/ for a slash inside")
    strange = next((char for char in value if not (char.isascii() and char.isprintable())), None)
    if strange is not None:
        raise ValueError(f"must not hold the character {describe_code_point(strange)}: no number has it")
    source, replacement = (part.replace("\\/", "/") for part in parts[1:3])
    try:
        pattern = re.compile(source)
        if _WayCounter().count(_parser.parse(source)) > _MOST_WAYS:
            raise ValueError(
                "can match in so many ways that a log-in would wait for it: use fewer repetitions, and none inside another"
            )
        pattern.sub(replacement, "+491701234567")
    except (re.error, IndexError, OverflowError, RecursionError) as exc:
        raise ValueError(f"is not a valid regular expression with a replacement: {exc}") from exc
    return Rewriting(value, pattern, replacement)


RewritingSetting = Annotated[Rewriting | None, BeforeValidator(_read_rewriting)]


class _WayCounter:
    """
    Bounds from above the work of a backtracking match: as if each character matched each part of the pattern.

    What it counts is the number of ways to match any beginning of the pattern to any text of at most `_LONGEST`
    characters; counting stops where it is clear that there are too many.
    """

    def __init__(self) -> None:
        self._total = 0
        self._groups: dict[int, Ways] = {}

    def count(self, pattern: Iterable[tuple[Any, Any]]) -> int:
        """Return the number of ways, or one above `_MOST_WAYS`."""
        self._count_sequence(pattern)
        return self._total

    def _count_sequence(self, items: Iterable[tuple[Any, Any]]) -> Ways:
        ways = _count_length(0)
        for operation, argument in items:
            ways = self._join(ways, self._count_part(operation, argument))
        return ways

    def _join(self, first: Ways, second: Ways) -> Ways:
        if self._total > _MOST_WAYS:
            return _count_length(0)
        ways = [
            sum(first[length] * second[whole - length] for length in range(whole + 1))
            for whole in range(_LONGEST + 1)
        ]
        self._total += sum(ways)
        return ways

    def _count_part(self, operation: Any, argument: Any) -> Ways:  # noqa: PLR0911  (one for each kind of part)
        match operation:
            case op.SUBPATTERN:
                self._groups[argument[0]] = ways = self._count_sequence(argument[3])
                return ways
            case op.ATOMIC_GROUP:
                return self._count_sequence(argument)
            case op.BRANCH:
                return _merge(*map(self._count_sequence, argument[1]))
            case op.GROUPREF_EXISTS:
                return _merge(*(self._count_sequence(item or ()) for item in argument[1:]))
            case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
                return self._repeat(*argument)
            case op.ASSERT | op.ASSERT_NOT:
                # It is tried each time that the match comes by, and does not move on.
                return [1 + sum(self._count_sequence(argument[1])), *_count_length(0)[1:]]
            case op.AT:
                return _count_length(0)
            case op.GROUPREF:
                return [min(ways, 1) for ways in self._groups[argument]]
            case _:
                return _count_length(1)

    def _repeat(self, least: int, most: int, inside: Any) -> Ways:
        once = self._count_sequence(inside)
        # A part that can match nothing in several ways would be tried in all of them, each time.
        if least > _MOST_REPETITIONS or (once[0] > 1 and most > 1):
            self._total = _MOST_WAYS + 1
            return once
        ways: Ways = _count_length(0)
        for _ in range(least):
            ways = self._join(ways, once)
        whole, further = ways, [0, *once[1:]]
        for _ in range(min(most - least, _LONGEST)):
            ways = self._join(ways, further)
            whole = _merge(whole, ways)
        return whole


def _count_length(length: int) -> Ways:
    """Return the ways of a part that matches one length only, in one way."""
    return [int(place == length) for place in range(_LONGEST + 1)]


def _merge(*alternatives: Ways) -> Ways:
    return [sum(ways) for ways in zip(*alternatives, strict=True)]
