"""How long an SMPP session and the link around it wait for things."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """
    Limits, in seconds.

    Attributes:
        bind: For the answer to a bind (the standard's session_init_timer).
        idle: Without a word from the peer, after which we send an enquire_link (enquire_link_timer).
        answer: For any sign of life after that.
        unbind: For the end after an unbind from either side.
    """

    bind: float = 10.0
    idle: float = 30.0
    answer: float = 10.0
    unbind: float = 1.0


@dataclass(frozen=True, slots=True)
class LinkTimes:
    """
    Limits, in seconds.

    Attributes:
        session: Those of a session.
        connect: For connecting and the TLS handshake.
        first_pause: Before the first new try after a failure. Each further one is twice as long, up to `longest_pause`,
            less up to half at random, so that clients of a restarted SMSC do not all come at once.
        longest_pause: See there.
        refused_pause: After what only a person can mend: refused credentials (SMSCs lock accounts that insist), or a
            certificate that is not accepted. Shortened like the others.
    """

    session: SessionTimes = field(default_factory=SessionTimes)
    connect: float = 10.0
    first_pause: float = 0.25
    longest_pause: float = 10.0
    refused_pause: float = 30.0
