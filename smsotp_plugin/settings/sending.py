"""
The sections of the configuration file that are about sending: how hard is tried, through which gateways, what is kept.

The docstrings are read twice: by developers here, by administrators in ``docs/settings.md``, which is made from them.
"""

import re
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from smsotp_plugin.fields.secret import SettingsModel
from smsotp_plugin.sms.typed import fold

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")
_TAG = re.compile(r"\{([A-Za-z_]{1,40})\}")
_NOTIFICATION_TAGS = frozenset({"user", "client", "station", "time"})


class OnUnknown(StrEnum):
    """What follows an attempt whose outcome is unknown."""

    NEXT = "next"
    STOP = "stop"


class DispatchSettings(SettingsModel):
    """
    How messages get to the gateways, in the background.

    Attributes:
        workers: How many messages are handed to one gateway at the same time, 1 to 64, where the gateway's own
            CONNECTIONS (WINDOW for smpp) says nothing. Not set: as many as the provider thinks right.
        queue: How many messages may be promised or on their way, 1 to 1000000; log-ins beyond that are rejected.
        deadline: Seconds, 1 to 600, after which a message that no gateway has taken is given up; at most `otp.ttl`.
        retries: How often all gateways of a route that could not take a message have another turn before that, 0 to 10,
            each time after a longer pause. Where one only asked to wait it does not count.
        on_unknown: What follows when a gateway had the message but gave no valid answer. `next`: the next gateway gets
            the same code, so the person may get two SMS with it. `stop`: nothing more is tried, and the person may get
            none.
        hedge_after: Seconds, 0 to 60, without an answer after which the next gateway gets the same code as well. 0:
            never.
        wait: Seconds, 0 to 2, that a log-in waits for the gateways before the person is asked for the code, so that a
            failure is shown at once. FreeRADIUS keeps all others waiting meanwhile, so after one that waited the next ones
            are answered at once, for four times as long.
    """

    workers: Annotated[int, Field(strict=True, ge=1, le=64)] | None = None
    queue: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 10_000
    deadline: Annotated[float, Field(strict=True, ge=1, le=600)] = 30
    retries: Annotated[int, Field(strict=True, ge=0, le=10)] = 2
    on_unknown: OnUnknown = OnUnknown.NEXT
    hedge_after: Annotated[float, Field(strict=True, ge=0, le=60)] = 0
    wait: Annotated[float, Field(strict=True, ge=0, le=2)] = 0


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
    Which gateways some messages go through.

    The route with the longest prefix of the number counts, then the one with more conditions, then the earlier one.

    Attributes:
        numbers: Prefixes of telephone numbers, for example `"+49"` or `["+49", "+43"]`. Not set: all numbers.
        realms: Realms of the User-Name: the part behind `@` or before a backslash. Not set: all.
        languages: What the attribute `control:SMSOTP-Language` may hold. Not set: all.
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


class DeliveryLogSettings(SettingsModel):
    """
    What is kept about each message, for `smsotp trace`: no code, the number masked.

    Attributes:
        days: How long, 1 to 3650.
    """

    days: Annotated[float, Field(ge=0.01, le=3650)] = 30


def _check_notification(text: str) -> str:
    unknown = set(_TAG.findall(text)) - _NOTIFICATION_TAGS
    if unknown:
        known = ", ".join(sorted(_NOTIFICATION_TAGS))
        raise ValueError(
            f"has tags that have no meaning here: {', '.join(sorted(unknown))}; there are: {known}"
        )
    return text


class NotificationSettings(SettingsModel):
    """
    A plain message, sent from the section `post-auth` when `control:SMSOTP-Notify` holds its name.

    Attributes:
        text: With `{user}`, `{client}` (who asked FreeRADIUS), `{station}` (Calling-Station-Id) and `{time}` (UTC); of
            each at most 40 characters are shown.
        ttl: Seconds, 10 to 86400, after which it is no longer worth sending.
    """

    text: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_check_notification)]
    ttl: Annotated[int, Field(strict=True, ge=10, le=86400)] = 600
