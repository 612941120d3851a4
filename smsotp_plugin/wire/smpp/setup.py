"""What an SMPP link is made from."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from smsotp_plugin.clock import Clock
from smsotp_plugin.wire.smpp.deliver_sm import DeliverSm
from smsotp_plugin.wire.smpp.pdu import Bind
from smsotp_plugin.wire.smpp.times import LinkTimes
from smsotp_plugin.wire.smpp.transport import SmscAddress


@dataclass(frozen=True, slots=True)
class LinkSetup:
    """
    What a link is made from.

    Attributes:
        name: The gateway's, for the thread.
        smsc: Where the SMSC is.
        bind: How a session introduces itself.
        window: How many submits may wait for their answer at the same time.
        times: Limits.
        clock: Time.
        random: For the pauses.
        log: Where the session's ups and downs are told; no message ever is.
        on_delivery: Called in the link's thread with everything the SMSC brings. An exception makes the SMSC keep it.
    """

    name: str
    smsc: SmscAddress
    bind: Bind
    window: int
    times: LinkTimes
    clock: Clock
    random: Random
    log: logging.Logger
    on_delivery: Callable[[DeliverSm], None]
