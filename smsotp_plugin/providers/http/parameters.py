"""
Parameters of a request as typed templates: the types are those of the configuration, never those of the values.

A text stays a text whatever is filled in (the code ``012345`` and the code ``123456`` alike), a number or a list of
the configuration stays one. Tags are filled in one pass and only in texts that the administrator wrote: what a secret
from a file or the SMS itself holds is not looked at.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr, TypeAdapter

from smsotp_plugin.fields.secret import SecretSetting
from smsotp_plugin.fields.template import GATEWAY_TAGS, Template

_DEEPEST = 16
_SECRET = TypeAdapter[SecretStr](SecretSetting)
#: RFC 9110 section 5.6.2.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
#: Headers that decide where a request ends or how its connection is used.
_OWN_HEADERS = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


@dataclass(frozen=True, slots=True)
class Misplaced:
    """Stands in place of a value that must not be there; reading it raises the advice as an error."""

    advice: str


class Sentence:
    """Stands in a preset for the whole sentence with the code."""


SENTENCE = Sentence()


@dataclass(frozen=True, slots=True)
class Filling:
    """
    What goes into one request.

    Attributes:
        phone: For the tag ``{phone}``.
        otp: For the tag ``{otp}``.
        sentence: For `SENTENCE`.
    """

    phone: str
    otp: str
    sentence: str

    def fill(self, value: Any) -> Any:
        """Return a value of a field tree with every tag filled; types stay as they are."""
        match value:
            case Template():
                return value.fill(phone=self.phone, otp=self.otp)
            case SecretStr():
                return value.get_secret_value()
            case Sentence():
                return self.sentence
            case list():
                return [self.fill(each) for each in value]
            case dict():
                return {name: self.fill(each) for name, each in value.items()}
            case _:
                return value


def find_templates(value: Any) -> Iterator[Template]:
    """Yield every template of a field tree."""
    match value:
        case Template():
            yield value
        case list():
            for each in value:
                yield from find_templates(each)
        case Mapping():
            for each in value.values():
                yield from find_templates(each)


def list_form_pairs(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Write filled fields as pairs for a query or a form: a list becomes its name several times."""
    return [
        (name, _write_text(each))
        for name, value in fields.items()
        for each in (value if isinstance(value, list) else [value])
    ]


def fits_a_form(value: Any) -> bool:
    """Tell whether a field can be written as pairs: it is neither a table nor a list that holds tables or lists."""
    inside = value if isinstance(value, list) else [value]
    return not any(isinstance(each, list | dict) for each in inside)


def _write_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _read_field(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise ValueError(f"is nested more than {_DEEPEST} levels deep")
    match value:
        case Misplaced():
            raise ValueError(value.advice)
        case str():
            return GATEWAY_TAGS.read(value)
        case {"file": str(), **rest} | {"env": str(), **rest} if depth == 0 and not rest:
            return _SECRET.validate_python(value)
        case dict():
            return {name: _read_field(each, depth + 1) for name, each in value.items()}
        case list():
            return [_read_field(each, depth + 1) for each in value]
        case float() if not math.isfinite(value):
            raise ValueError("must be a finite number")
        case bool() | int() | float():
            return value
    raise ValueError("must be a text, a number, true, false, a list or a table; write dates as texts")


def _read_header(value: Any) -> Any:
    value = _read_field(value)
    if not isinstance(value, Template | SecretStr):
        raise ValueError('must be a text, { file = "/path" } or { env = "NAME" }')  # noqa: TRY004  (see template)
    written = value.source if isinstance(value, Template) else value.get_secret_value()
    if not is_header_value(written):
        raise ValueError("must be one line of printable ASCII characters")
    return value


def _read_header_name(name: Any) -> Any:
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise ValueError("is not the name of a header")
    if name.lower() in _OWN_HEADERS:
        raise ValueError("is a header that cannot be set: it belongs to the connection")
    return name


def is_header_value(text: str) -> bool:
    """Tell whether a text can be the value of a header without ending it (RFC 9110 section 5.5, ASCII only)."""
    return text.isascii() and text.isprintable()


#: One extra parameter: any TOML value without dates; ``{ file = }`` and ``{ env = }`` are read as secrets.
FieldSetting = Annotated[Any, BeforeValidator(_read_field)]
#: One extra header.
HeaderSetting = Annotated[Any, BeforeValidator(_read_header)]
HeaderName = Annotated[str, BeforeValidator(_read_header_name)]
