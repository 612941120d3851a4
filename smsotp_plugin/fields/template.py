"""
The tags ``{phone}`` and ``{otp}`` in texts that an administrator writes.

Filled in one pass: a text that contains ``{phone}`` by itself is not substituted again. Nothing else in braces has a
meaning; it stays as it is, and `unknown_tags` lets ``smsotp check`` warn of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal

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


#: What the two tags are called elsewhere.
_OTHER_NAMES = {
    "otp": ("code", "pin", "tan", "token", "password", "text", "message"),
    "phone": ("number", "to", "mobile", "msisdn", "recipient", "phonenumber"),
}


def missing_tag(templates: Sequence[Template], tag: Literal["phone", "otp"]) -> str:
    """
    Tell whether a tag is in none of the texts.

    Returns:
        Nothing where it is there; else what is to be written, and in the place of what.
    """
    if any(tag in template.tags() for template in templates):
        return ""
    strange = [name for template in templates for name in template.unknown_tags()]
    alike = (
        name for name in strange if get_close_matches(name.casefold(), (tag, *_OTHER_NAMES[tag]), 1, 0.66)
    )
    meant = next(alike, None)
    instead = f" for {{{meant}}}" if meant else ""
    return f"the tag {{{tag}}} is nowhere: write {{{tag}}}{instead}"


def _read_template(value: Any) -> Any:
    if isinstance(value, Template):
        return value
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004  (pydantic collects ValueError only)
    return Template(value)


TemplateSetting = Annotated[Template, BeforeValidator(_read_template)]
