"""The section ``[dispatch]``."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from smsotp_plugin.fields.model import SettingsModel


class OnUnknown(StrEnum):
    """What follows an attempt whose outcome is unknown."""

    NEXT = "next"
    STOP = "stop"


class DispatchSettings(SettingsModel):
    """
    How messages get to the gateways, in the background.

    Attributes:
        workers: How many messages are handed to one gateway at the same time, 1 to 64, if the gateway's own
            CONNECTIONS (WINDOW for smpp) is not set. Not set: the provider's default.
        queue: How many messages may be promised or on their way, 1 to 1000000; log-ins beyond that are rejected. With
            `[queue] mode = "workers"`: how many may wait for a worker, and how many each worker may have.
        deadline: Seconds, 1 to 600, after which a message that no gateway has taken is given up; at most `otp.ttl`.
        retries: How often all gateways of a route that could not take a message are tried again before the deadline, 0
            to 10, each time after a longer pause. It does not count if a gateway only asked to wait.
        on_unknown: What follows when a gateway was given the message but gave no valid answer. `next`: the next gateway
            gets the same code, so the person may get two SMS with it. `stop`: nothing more is tried, and the person may
            get no SMS.
        hedge_after: Seconds, 0 to 60, without an answer after which the next gateway gets the same code as well. 0:
            never.
        wait: Seconds, 0 to 2, that a log-in waits for the gateways before the person is asked for the code, so that the
            person is told of a failure at once. FreeRADIUS keeps all other requests waiting in the meantime; therefore,
            after one log-in has waited, none waits for four times as long.
    """

    workers: Annotated[int, Field(strict=True, ge=1, le=64)] | None = None
    queue: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 10_000
    deadline: Annotated[float, Field(strict=True, ge=1, le=600)] = 30
    retries: Annotated[int, Field(strict=True, ge=0, le=10)] = 2
    on_unknown: OnUnknown = OnUnknown.NEXT
    hedge_after: Annotated[float, Field(strict=True, ge=0, le=60)] = 0
    wait: Annotated[float, Field(strict=True, ge=0, le=2)] = 0
