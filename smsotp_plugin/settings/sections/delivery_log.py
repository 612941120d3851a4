"""The section ``[delivery_log]``."""

from typing import Annotated

from pydantic import Field

from smsotp_plugin.fields.model import SettingsModel


class DeliveryLogSettings(SettingsModel):
    """
    What is kept about each message, for `smsotp trace`: no code, and the number only masked.

    Attributes:
        days: How many days each line is kept, 0.01 to 3650.
    """

    days: Annotated[float, Field(strict=True, ge=0.01, le=3650)] = 30
