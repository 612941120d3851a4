"""
The base of all settings models.

The models themselves are where they are used: the gateways' beside their providers, the rest in `settings`.
"""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class SettingsModel(BaseModel):
    """Base of every settings model: unknown keys are problems, true and false are not numbers, and error texts show no value."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
        str_strip_whitespace=False,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _take_no_boolean_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        # To Python, and so to pydantic, true is 1.
        if isinstance(value, bool) or (
            isinstance(value, list) and any(isinstance(each, bool) for each in value)
        ):
            types = set(_list_types(cls.model_fields[info.field_name or ""].annotation))
            if bool not in types and types & {int, float}:
                raise ValueError(f"must be a valid {'number' if float in types else 'integer'}")
        return value


def _list_types(annotation: Any) -> Iterator[Any]:
    """Yield all types that an annotation names, however deep."""
    yield annotation
    for each in get_args(annotation):
        yield from _list_types(each)
