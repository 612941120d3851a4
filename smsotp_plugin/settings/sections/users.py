"""The section ``[users]``."""

import re
from typing import Annotated

import phonenumbers
from pydantic import AfterValidator

from smsotp_plugin.fields.model import SettingsModel

_MOST_PLACES = 20
_ATTRIBUTE = re.compile(r"(?:request|control|reply):[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")


def _check_place(place: str) -> str:
    if not _ATTRIBUTE.fullmatch(place):
        raise ValueError('must be a list and an attribute, for example "control:SMSOTP-Phone"')
    return place


PlaceSetting = Annotated[str, AfterValidator(_check_place)]


def _check_places(places: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(places) <= _MOST_PLACES:
        raise ValueError(f"must be a list of 1 to {_MOST_PLACES} places")
    return places


def _check_region(region: str) -> str:
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError('must be the ISO 3166 code of a country in capital letters, for example "DE"')
    return region


class UserSettings(SettingsModel):
    """
    What is known about users.

    Attributes:
        number: Where to look for the telephone number, in this order. Each entry is a list (`request`, `control` or
            `reply`), a colon, and the name of an attribute. The first attribute with a usable number is used.
        default_region: ISO 3166 code of the country of numbers that are written without a plus. A number that could
            then be read in two ways, such as `491701234567` in Germany, is refused. Not set: all numbers without a plus
            are refused, except those that begin with `00`.
    """

    number: Annotated[tuple[PlaceSetting, ...], AfterValidator(_check_places)] = ("control:SMSOTP-Phone",)
    default_region: Annotated[str, AfterValidator(_check_region)] | None = None
