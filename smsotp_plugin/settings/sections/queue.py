"""The section ``[queue]``."""

from enum import StrEnum

from smsotp_plugin.fields.secret import SettingsModel


class QueueMode(StrEnum):
    """Where messages wait for a gateway."""

    PROCESS = "process"
    WORKERS = "workers"


class QueueSettings(SettingsModel):
    """
    Which processes have the gateways. See [Workers](workers.md).

    Attributes:
        mode: `process`: FreeRADIUS itself sends, in threads of its own. `workers`: any number of `smsotp worker` processes do,
            on any machine, and FreeRADIUS has no gateway; this needs a store in Redis, in which the messages wait.
    """

    mode: QueueMode = QueueMode.PROCESS
