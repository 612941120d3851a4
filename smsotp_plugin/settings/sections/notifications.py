"""The sections ``[notifications.NAME]``."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from smsotp_plugin.fields.secret import SettingsModel

_TAG = re.compile(r"\{([A-Za-z_]{1,40})\}")
_NOTIFICATION_TAGS = frozenset({"user", "client", "station", "time"})


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
