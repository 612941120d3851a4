"""
The tags ``{phone}`` and ``{otp}`` in texts that an administrator writes.

Filled in one pass: a text that contains ``{phone}`` by itself is not substituted again. Nothing else in braces has a
meaning; it stays as it is, and `unknown_tags` lets ``smsotp check`` warn of it.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

_TAG = re.compile(r"\{(phone|otp)\}")
_ANY_TAG = re.compile(r"\{([A-Za-z_]{1,40})\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with tags."""

    source: str

    def fill(self, *, phone: str, otp: str) -> str:
        """
        Put the values in.

        Args:
            phone: The number as the gateway wants it.
            otp: The code, or the whole text where ``[otp] text`` is set.
        """
        values = {"phone": phone, "otp": otp}
        return _TAG.sub(lambda match: values[match[1]], self.source)

    def tags(self) -> frozenset[str]:
        """Return the names of the tags that will be filled."""
        return frozenset(_TAG.findall(self.source))

    def unknown_tags(self) -> list[str]:
        """Return what looks like a tag and is none."""
        return [name for name in _ANY_TAG.findall(self.source) if name not in ("phone", "otp")]


def _read_template(value: Any) -> Any:
    if isinstance(value, Template):
        return value
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004  (pydantic collects ValueError only)
    return Template(value)


TemplateSetting = Annotated[Template, BeforeValidator(_read_template)]
