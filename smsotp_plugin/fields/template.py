"""
Texts with tags such as ``{otp}``, which administrators write.

The type of a setting says, with a `Tags`, which tags its text may hold. A text is split once, when settings are read;
filling it joins the pieces, so that whatever is filled in is never searched for tags itself. Anything else in braces has no
meaning; it stays as it is, and `Template.explain_unknown` lets ``smsotp check`` warn of it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import PlainValidator

_TAG = re.compile(r"\{([A-Za-z_]{1,40})\}")


@dataclass(frozen=True, slots=True)
class Template:
    """
    A text with tags; `Tags.read` makes it.

    Attributes:
        source: As it was written.
        tags: Names of the tags in it.
        unknown: What looks like a tag and is none.
    """

    source: str
    tags: frozenset[str] = field(repr=False)
    unknown: tuple[str, ...] = field(repr=False)
    _kind: "Tags" = field(repr=False, compare=False)
    #: The texts between the tags, with an empty one in the place of each tag.
    _pieces: tuple[str, ...] = field(repr=False)
    #: The index of each tag among them, and its name.
    _places: tuple[tuple[int, str], ...] = field(repr=False)

    def fill(self, **values: str) -> str:
        """Put the values in, by the names of the tags; values for tags that are not in the text are ignored."""
        pieces = list(self._pieces)
        for place, name in self._places:
            pieces[place] = values[name]
        return "".join(pieces)

    def fill_with_examples(self) -> str:
        """Return the text as it is at its longest."""
        return self.fill(**self._kind.examples)

    def bind(self, **values: str) -> "Template":
        """Return the text with these values put in, and the other tags still to be filled."""
        pieces, places = list(self._pieces), []
        for place, name in self._places:
            if name in values:
                pieces[place] = values[name]
            else:
                places.append((place, name))
        return replace(self, tags=self.tags - values.keys(), _pieces=tuple(pieces), _places=tuple(places))

    def explain_unknown(self) -> Iterator[str]:
        """Yield half a sentence for everything that looks like a tag and is none."""
        names = [f"{{{name}}}" for name in self._kind.examples]
        known = f"there is {names[0]}" if len(names) == 1 else f"there are {' and '.join(names) or 'none'}"
        for tag in self.unknown:
            yield f"{{{tag}}} has no meaning here and stays as it is; {known}"


@dataclass(frozen=True, slots=True)
class Tags:
    """
    The tags of one kind of text.

    Attributes:
        examples: What each of them becomes, by name, at its longest.
    """

    examples: Mapping[str, str]

    def read(self, text: Any) -> Template:
        """
        Split a text at its tags.

        Raises:
            ValueError: It is not a text.
        """
        if isinstance(text, Template):
            return text
        if not isinstance(text, str):
            raise ValueError("must be a text")  # noqa: TRY004  (pydantic collects ValueError only)
        pieces, places, unknown = _TAG.split(text), [], []
        # Every second piece stood in braces.
        for place, name in list(enumerate(pieces))[1::2]:
            if name in self.examples:
                places.append((place, name))
                pieces[place] = ""
            else:
                unknown.append(name)
                pieces[place] = f"{{{name}}}"
        tags = frozenset(name for _, name in places)
        return Template(text, tags, tuple(unknown), self, tuple(pieces), tuple(places))


#: Of a gateway's parameters. ``{otp}`` is the code, or the whole text where ``[otp] text`` is set.
GATEWAY_TAGS = Tags({"phone": "491701234567", "otp": "123456"})
TemplateSetting = Annotated[Template, PlainValidator(GATEWAY_TAGS.read)]

#: What other software calls these two.
_OTHER_NAMES = {
    "otp": ("code", "pin", "tan", "token", "password", "text", "message"),
    "phone": ("number", "to", "mobile", "msisdn", "recipient", "phonenumber"),
}


def explain_missing_tag(templates: Sequence[Template], tag: Literal["phone", "otp"]) -> str:
    """
    Tell whether a tag is in none of a gateway's texts.

    Returns:
        An empty text if it is there; else what to write, and in place of what.
    """
    if any(tag in template.tags for template in templates):
        return ""
    strange = [name for template in templates for name in template.unknown]
    alike = (
        name for name in strange if get_close_matches(name.casefold(), (tag, *_OTHER_NAMES[tag]), 1, 0.66)
    )
    meant = next(alike, None)
    instead = f" for {{{meant}}}" if meant else ""
    return f"the tag {{{tag}}} is missing: write {{{tag}}}{instead}"
