"""
Reading what Redis answers: it is not under our control, and must cause nothing worse than a `StoreError`.

Anybody who may write there, damage, or another version of the plugin can have put anything into it.
"""

import json
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from smsotp_plugin.errors import StoreError

_Given = ParamSpec("_Given")
_Read = TypeVar("_Read")
_RowT = TypeVar("_RowT")

#: Unix seconds: the years 1653 and 5138.
_EARLIEST, _LATEST = -1e10, 1e11
#: What is raised on reading something of another shape.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def reads_replies(call: Callable[_Given, _Read]) -> Callable[_Given, _Read]:
    """Make a call raise StoreError if it cannot read what Redis answers."""

    @wraps(call)
    def read(*given: _Given.args, **named: _Given.kwargs) -> _Read:
        try:
            return call(*given, **named)
        except UNREADABLE as exc:
            raise StoreError(
                f"Redis answers with something that smsotp has not written there ({type(exc).__name__} in {call.__qualname__}): "
                "is it damaged, or has somebody else changed it?"
            ) from exc

    return read


def demand(word: Any, expected: bytes) -> None:
    """
    Let only this word pass.

    Raises:
        ValueError: It is another one.
    """
    if word != expected:
        raise ValueError("a word that this script does not say")


def read_moment(word: Any) -> float:
    """
    Read a moment or a number of seconds.

    Raises:
        ValueError: It is neither, or no calendar has it.
        TypeError: The same.
    """
    moment = float(word)
    if not _EARLIEST < moment < _LATEST:
        raise ValueError("a moment that no calendar has")
    return moment


def read_time(reply: Any) -> float:
    """
    Read what TIME answers.

    Raises:
        ValueError: It is something else, or a moment that no calendar has.
        TypeError: The same.
    """
    seconds, microseconds = reply
    return read_moment(int(seconds) + int(microseconds) / 1e6)


def read_row(model: type[_RowT], text: bytes, **more: object) -> _RowT:
    """
    Read a dataclass that was written as JSON; what this version does not know is left out.

    Args:
        model: The dataclass; its fields are texts, numbers and booleans.
        text: The JSON.
        more: Fields that replace those in it.

    Raises:
        ValueError: It is something else.
        TypeError: The same.
    """
    row = json.loads(text)
    kinds = {each.name: each.type for each in fields(model)}  # type: ignore[arg-type]  # each caller's model is a dataclass
    values = {name: value for name, value in {**row, **more}.items() if name in kinds}
    return model(**{name: _read_value(kinds[name], value) for name, value in values.items()})


def _read_value(kind: Any, value: Any) -> Any:
    if kind is float and type(value) in {int, float}:
        return read_moment(value)
    if kind in {str, float, int, bool} and type(value) is not kind:
        raise TypeError(f"a {type(value).__name__}")
    return value
