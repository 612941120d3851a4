"""
What an SMSC's command status means for a message: the one table. SMPP 3.4 section 5.1.3.

A status that is not listed is `GatewayUnavailable`: certainly not sent, and no fault of this number or text. So are
those that blame what all messages of a gateway have in common (its sender, service type, types of number): it can
serve nobody until its settings are mended, while another gateway can.
"""

from typing import Final

from smsotp_plugin.errors import (
    AuthFailed,
    BadMessage,
    BadRecipient,
    DeliveryError,
    GatewayUnavailable,
    NotSent,
    Throttled,
)
from smsotp_plugin.wire.smpp.pdu import describe_status

_SUBMIT: Final[dict[int, type[DeliveryError]]] = {
    0x01: BadMessage,  # ESME_RINVMSGLEN
    0x02: BadMessage,  # ESME_RINVCMDLEN
    0x0B: BadRecipient,  # ESME_RINVDSTADR
    0x0D: AuthFailed,  # ESME_RBINDFAIL
    0x0E: AuthFailed,  # ESME_RINVPASWD
    0x0F: AuthFailed,  # ESME_RINVSYSID
    0x14: Throttled,  # ESME_RMSGQFUL
    0x58: Throttled,  # ESME_RTHROTTLED
    0x61: BadMessage,  # ESME_RINVSCHED
    0x62: BadMessage,  # ESME_RINVEXPIRY
    0x65: BadMessage,  # ESME_RX_P_APPN
    0x66: BadMessage,  # ESME_RX_R_APPN
    0xC2: BadMessage,  # ESME_RINVPARLEN
}

_BIND: Final[dict[int, type[NotSent]]] = {
    0x0D: AuthFailed,  # ESME_RBINDFAIL
    0x0E: AuthFailed,  # ESME_RINVPASWD
    0x0F: AuthFailed,  # ESME_RINVSYSID
    0x53: AuthFailed,  # ESME_RINVSYSTYP
    0x58: Throttled,  # ESME_RTHROTTLED
}


def submit_failure(status: int) -> DeliveryError:
    """Return what a status other than 0 in a submit_sm_resp means."""
    return _SUBMIT.get(status, GatewayUnavailable)(f"the SMSC answered {describe_status(status)}")


def bind_failure(status: int) -> tuple[type[NotSent], str]:
    """Return what a status other than 0 in the answer to a bind means for all messages, and its words."""
    return _BIND.get(status, GatewayUnavailable), f"the SMSC refuses the bind: {describe_status(status)}"
