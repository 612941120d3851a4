"""
Reading FreeRADIUS's configuration language, as far as the installation has to know it.

It is read line by line, as FreeRADIUS does: ``name = value``, ``kind name {``, ``}``. Files that a file includes are
not followed, and conditions are sections like any other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_ASSIGNMENT = re.compile(
    r'(?P<name>[\w.-]+)\s*[:+]?=\s*(?:"(?P<quoted>[^"]*)"|\'(?P<raw>[^\']*)\'|(?P<bare>\S+))'
)
_SECTION = re.compile(r"(?P<kind>[\w.-]+)\s*(?P<name>.*?)\s*\{")
_COMMENT = re.compile(r"""^((?:"[^"]*"|'[^']*'|[^#"'])*)#.*""")
_VARIABLE = re.compile(r"\$\{([\w.-]+)\}")


@dataclass(slots=True)
class Section:
    """
    One ``kind name { ... }``, or a whole file.

    Attributes:
        kind: First word, empty for a file.
        name: Second word, empty where there is none.
        values: What is assigned directly in it; the last of several counts.
        sections: Those directly in it, in order.
    """

    kind: str = ""
    name: str = ""
    values: dict[str, str] = field(default_factory=dict)
    sections: "list[Section]" = field(default_factory=list)

    def find(self, kind: str) -> Iterator["Section"]:
        """Yield all sections of a kind, at any depth."""
        for section in self.sections:
            if section.kind == kind:
                yield section
            yield from section.find(kind)


def read_text(text: str) -> Section:
    """Read configuration text; what makes no sense is passed over."""
    stack = [Section()]
    for line in text.splitlines():
        statement = _COMMENT.sub(r"\1", line).strip()
        if statement.startswith("}") and len(stack) > 1:
            stack.pop()
            statement = statement[1:].strip()
        if found := _ASSIGNMENT.match(statement):
            value = next(text for text in found.group("quoted", "raw", "bare") if text is not None)
            stack[-1].values[found["name"]] = value
        elif found := _SECTION.fullmatch(statement):
            section = Section(found["kind"], found["name"].strip("\"'"))
            stack[-1].sections.append(section)
            stack.append(section)
    return stack[0]


def expand(value: str, variables: dict[str, str]) -> str:
    """Put variables of the same file into a value; unknown ones stay as they are."""
    for _ in range(10):
        expanded = _VARIABLE.sub(lambda match: variables.get(match[1], match[0]), value)
        if expanded == value:
            break
        value = expanded
    return value
