"""The sections ``[[routes]]``."""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.sms.typed import fold

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")


def _check_prefix(prefix: str) -> str:
    written = fold(prefix).replace(" ", "")
    if not _PREFIX.fullmatch(written):
        raise ValueError('must be a plus sign and the first digits of a number, for example "+49170"')
    return written


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Prefixes = Annotated[tuple[Annotated[str, AfterValidator(_check_prefix)], ...], BeforeValidator(_as_list)]
LowerCase = Annotated[str, AfterValidator(str.lower), Field(min_length=1, max_length=253)]
Words = Annotated[tuple[LowerCase, ...], BeforeValidator(_as_list)]


class RouteSettings(SettingsModel):
    """
    Which gateways certain messages go through.

    The route with the longest prefix of the number counts, then the one with more conditions, then the one that names the language
    more exactly, then the earlier one.

    Attributes:
        numbers: Prefixes of telephone numbers, for example `"+49"` or `["+49", "+43"]`. Not set: all numbers.
        realms: Realms of the User-Name: the part after `@` or before a backslash. Not set: all.
        languages: What the attribute `control:SMSOTP-Language` may hold; `de` stands for `de-AT`, too. Not set: all.
        gateways: Names of gateways, in the order in which they are tried.
        weights: One number for each gateway, 0 to 1000: how often it comes first, compared with the others. Not set: the
            first gateway always comes first.
        name: What the log and `smsotp route` call the route. Not set: its place in the file.
    """

    gateways: Annotated[tuple[str, ...], Field(min_length=1, max_length=64)]
    numbers: Prefixes = ()
    realms: Words = ()
    languages: Words = ()
    weights: tuple[Annotated[int, Field(strict=True, ge=0, le=1000)], ...] = ()
    name: Annotated[str, Field(max_length=64)] = ""

    @model_validator(mode="after")
    def _check_lists(self) -> Self:
        if len(set(self.gateways)) != len(self.gateways):
            raise ValueError("gateways must name each gateway once")
        if self.weights and (len(self.weights) != len(self.gateways) or not any(self.weights)):
            raise ValueError("weights must have one number for each gateway, at least one of them above 0")
        return self
