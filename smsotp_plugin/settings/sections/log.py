"""The section ``[log]``."""

from typing import Literal

from smsotp_plugin.fields.model import SettingsModel


class LogSettings(SettingsModel):
    """
    What is written to FreeRADIUS's log.

    Attributes:
        level: `info`, or `debug` for every step of every log-in. Neither shows codes, passwords or whole numbers; a
            User-Name that looks like a code or a number is masked.
    """

    level: Literal["info", "debug"] = "info"
