"""What an SMPP link is made from."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from smsotp_plugin.clock import Clock
from smsotp_plugin.wire.smpp_delivery import Delivery
from smsotp_plugin.wire.smpp_pdu import Bind
from smsotp_plugin.wire.smpp_session import SessionTimes
from smsotp_plugin.wire.smpp_transport import Endpoint


@dataclass(frozen=True, slots=True)
class LinkTimes:
    """
    Limits, in seconds.

    Attributes:
        session: Those of a session.
        connect: For connecting and the TLS handshake.
        first_pause: Before the first new try after a failure. Each further one is twice as long, up to `longest_pause`,
            less up to half at random, so that clients of a restarted SMSC do not all come at once.
        longest_pause: Also the pause after refused credentials: SMSCs lock accounts that insist.
    """

    session: SessionTimes = field(default_factory=SessionTimes)
    connect: float = 10.0
    first_pause: float = 0.25
    longest_pause: float = 30.0


@dataclass(frozen=True, slots=True)
class LinkSetup:
    """
    What a link is made from.

    Attributes:
        name: The gateway's, for the thread.
        endpoint: Where the SMSC is.
        bind: How a session introduces itself.
        window: How many submits may wait for their answer at the same time.
        times: Limits.
        clock: Time.
        random: For the pauses.
        log: Where the session's ups and downs are told; no message ever is.
        on_delivery: Called in the link's thread with everything the SMSC brings. An exception makes the SMSC keep it.
    """

    name: str
    endpoint: Endpoint
    bind: Bind
    window: int
    times: LinkTimes
    clock: Clock
    random: Random
    log: logging.Logger
    on_delivery: Callable[[Delivery], None]
