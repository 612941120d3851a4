"""The sections ``[notifications.NAME]``."""

from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator

from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.fields.template import Tags, Template

_LONGEST_TEXT = 1000
#: Characters of what a packet says: an IPv6 address, or a MAC address and the name of a network.
LONGEST_VALUE = 40

NOTIFICATION_TAGS = Tags(
    {"user": "0" * LONGEST_VALUE, "client": "0" * LONGEST_VALUE, "station": "0" * LONGEST_VALUE}
    | {"time": "2000-01-01 00:00 UTC"}
)


def _check_notification(text: Template) -> Template:
    if not 0 < len(text.source) <= _LONGEST_TEXT:
        raise ValueError(f"must have 1 to {_LONGEST_TEXT} characters")
    if text.unknown:
        raise ValueError(
            f"has tags that have no meaning here: {', '.join(sorted(set(text.unknown)))}; "
            f"there are: {', '.join(sorted(NOTIFICATION_TAGS.examples))}"
        )
    return text


class NotificationSettings(SettingsModel):
    """
    A plain message, sent from the section `post-auth` when `control:SMSOTP-Notify` holds its name.

    Attributes:
        text: With `{user}`, `{client}` (who asked FreeRADIUS), `{station}` (Calling-Station-Id) and `{time}` (UTC); at
            most 40 characters of each are shown.
        ttl: Seconds, 10 to 86400, after which the message is no longer worth sending.
    """

    text: Annotated[Template, PlainValidator(NOTIFICATION_TAGS.read), AfterValidator(_check_notification)]
    ttl: Annotated[int, Field(strict=True, ge=10, le=86400)] = 600
