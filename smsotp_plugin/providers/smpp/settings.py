"""What a gateway behind SMPP is told in the configuration, judged before the first message."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, Field, SecretStr

from smsotp_plugin.fields.host import encode_host, is_loopback
from smsotp_plugin.fields.secret import SecretSetting
from smsotp_plugin.fields.tls import UNCHECKED, CheckSslSetting
from smsotp_plugin.fields.yes_no import YesNoSetting
from smsotp_plugin.providers.base import GatewaySettings
from smsotp_plugin.providers.smpp.parts import is_known_coding
from smsotp_plugin.wire.smpp.pdu import Address

#: 3GPP TS 23.040 section 9.1.2.5: an alphanumeric address holds 11 characters of the GSM alphabet.
_LONGEST_NAME = 11
#: SMPP 3.4 section 4.4.1: source_addr, destination_addr.
LONGEST_ADDRESS = 20
#: SMPP 3.4 section 4.1.1: system_id, password, system_type. Many an SMSC takes longer ones.
_ROOM = {"SYSTEM_ID": 15, "PASSWORD": 8, "SYSTEM_TYPE": 12}
#: What is longer than this is not an account.
_MOST_CHARACTERS = 255

# Types of number and numbering plans, SMPP 3.4 sections 5.2.5 and 5.2.6.
_TON_UNKNOWN, _TON_INTERNATIONAL, _TON_NATIONAL, _TON_NETWORK, _TON_NAME = 0, 1, 2, 3, 5
_NPI_UNKNOWN, _NPI_ISDN = 0, 1


def _judge_host(host: str) -> str:
    try:
        return encode_host(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError("must be the name or the address of the SMSC, without a scheme or a port") from None


def _judge_text(longest: int) -> Callable[[str], str]:
    def judge(text: str) -> str:
        if not (text.isascii() and (text.isprintable() or not text)):
            raise ValueError("must consist of printable ASCII characters")
        if len(text) > longest:
            raise ValueError(f"must not be longer than {longest} characters: SMPP has no room for more")
        return text

    return judge


def _judge_password(password: SecretStr) -> SecretStr:
    _judge_text(_MOST_CHARACTERS)(password.get_secret_value())
    return password


def _judge_sender(sender: str) -> str:
    digits = sender.removeprefix("+")
    if len(sender) > LONGEST_ADDRESS:
        raise ValueError(f"must not be longer than {LONGEST_ADDRESS} characters: SMPP has no room for more")
    if not (sender.isascii() and (sender.isprintable() or not sender)):
        raise ValueError("must consist of printable ASCII characters")
    if not digits.isdecimal() and len(sender) > _LONGEST_NAME:
        raise ValueError(f"must not be longer than {_LONGEST_NAME} characters unless it is a number")
    return sender


Octet = Annotated[int, Field(ge=0, le=255)]


class SmppSettings(GatewaySettings):
    """
    What a gateway behind SMPP 3.4 needs.

    Attributes:
        SMSC_HOST: Name or address of the SMSC, IPv4 or IPv6.
        SMSC_PORT: Port of the SMSC, often 2775, or 3550 with TLS.
        SYSTEM_ID: User name. SMPP has room for 15 characters; longer ones are sent whole.
        PASSWORD: SMPP has room for 8 characters; longer ones are sent whole.
        SYSTEM_TYPE: What the operator asks for, usually nothing. SMPP has room for 12 characters.
        BIND_TYPE: ``transceiver``, or ``transmitter`` if the account may only send; then no receipts come.
        S_ADDR: The sender: a number, a short code or a name of at most 11 characters. Empty: the SMSC's own.
        S_ADDR_TON: The sender's type of number. Not set: found from S_ADDR.
        S_ADDR_NPI: The sender's numbering plan. Not set: found from S_ADDR.
        D_ADDR_TON: The recipient's type of number; 1, international.
        D_ADDR_NPI: The recipient's numbering plan; 1, E.164.
        SERVICE_TYPE: What the operator asks for, usually nothing; at most 5 characters.
        DATA_CODING: The number sent as data_coding for texts in the GSM alphabet. 0: the GSM alphabet. 1 and 3: the
            text is sent as ASCII or Latin-1, where it fits. 8: every text is sent as UCS-2. 16: flash, for texts that
            need UCS-2 too.
        REGISTERED_DELIVERY: Which delivery receipts are asked for. 1 on a transceiver, else 0.
        VALIDITY_PERIOD: How the SMSC is told how long the code is valid: ``relative``, ``absolute`` or ``none``.
        CONNECTIONS: Called WINDOW here: how many messages may wait for the SMSC's answer at the same time, 1 to 64.
        TPS: Most messages per second, 0 to 10000; each part of a long text counts. 0: no limit.
        ENQUIRE_LINK: Seconds of silence, 0.1 to 3600, after which the SMSC is asked whether it is still there.
        TLS: Whether the connection is encrypted.
        CHECK_SSL: ``true``, ``false``, or the path of a file or folder with the authorities to trust.
    """

    SMSC_HOST: Annotated[str, AfterValidator(_judge_host)]
    SMSC_PORT: Annotated[int, Field(ge=1, le=65535)]
    SYSTEM_ID: Annotated[str, AfterValidator(_judge_text(_MOST_CHARACTERS))] = ""
    PASSWORD: Annotated[SecretSetting, AfterValidator(_judge_password)] = SecretStr("")
    SYSTEM_TYPE: Annotated[str, AfterValidator(_judge_text(_MOST_CHARACTERS))] = ""
    BIND_TYPE: Literal["transceiver", "transmitter"] = "transceiver"
    S_ADDR: Annotated[str, AfterValidator(_judge_sender)] = ""
    S_ADDR_TON: Octet | None = None
    S_ADDR_NPI: Octet | None = None
    D_ADDR_TON: Octet = _TON_INTERNATIONAL
    D_ADDR_NPI: Octet = _NPI_ISDN
    SERVICE_TYPE: Annotated[str, AfterValidator(_judge_text(5))] = ""
    DATA_CODING: Octet = 0
    REGISTERED_DELIVERY: Octet | None = None
    VALIDITY_PERIOD: Literal["relative", "absolute", "none"] = "relative"
    CONNECTIONS: Annotated[
        int, Field(ge=1, le=64, validation_alias=AliasChoices("WINDOW", "CONNECTIONS"))
    ] = 10
    TPS: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    ENQUIRE_LINK: Annotated[float, Field(ge=0.1, le=3600)] = 30.0
    TLS: YesNoSetting = False
    CHECK_SSL: CheckSslSetting = True

    @property
    def registered_delivery(self) -> int:
        """Which delivery receipts are asked for."""
        if self.REGISTERED_DELIVERY is None:
            return 1 if self.BIND_TYPE == "transceiver" else 0
        return self.REGISTERED_DELIVERY

    def sender(self) -> Address:
        """Return the sender, its type found where it is not set."""
        ton, npi, text = _recognise(self.S_ADDR)
        if self.S_ADDR_TON is not None:
            ton, text = self.S_ADDR_TON, self.S_ADDR
        return Address(ton, npi if self.S_ADDR_NPI is None else self.S_ADDR_NPI, text.encode("ascii"))

    def warnings(self) -> list[str]:
        """Return what is allowed but probably not meant."""
        found = super().warnings()
        if not self.TLS and not is_loopback(self.SMSC_HOST):
            found.append(
                "TLS: is off: password, codes and numbers are readable on the whole way. Use the SMSC's TLS port, or "
                "reach it through a tunnel."
            )
        if self.TLS and self.CHECK_SSL is False:
            found.append(UNCHECKED)
        found += self._find_too_long()
        if not is_known_coding(self.DATA_CODING):
            found.append(
                f"DATA_CODING: {self.DATA_CODING} stands for no alphabet that texts are sent in: they go in the GSM "
                "alphabet under this number."
            )
        if self.BIND_TYPE == "transmitter" and self.registered_delivery:
            found.append("REGISTERED_DELIVERY: asks for receipts that a transmitter cannot receive.")
        return found

    def _find_too_long(self) -> list[str]:
        given = {
            "SYSTEM_ID": self.SYSTEM_ID,
            "PASSWORD": self.PASSWORD.get_secret_value(),
            "SYSTEM_TYPE": self.SYSTEM_TYPE,
        }
        return [
            f"{key}: SMPP has room for {room} characters, this one is longer; it is sent whole. Where the SMSC refuses "
            "the bind, ask the operator for a shorter one."
            for key, room in _ROOM.items()
            if len(given[key]) > room
        ]


def _recognise(sender: str) -> tuple[int, int, str]:
    """
    Return type, plan and address of a sender as people write it.

    Up to 6 digits are a short code, an operator's own number; ``+49...``, ``0049...`` and ``49...`` are international,
    ``0170...`` is national; everything else is a name.
    """
    digits = sender.removeprefix("+")
    if not sender:
        return _TON_UNKNOWN, _NPI_UNKNOWN, ""
    if not digits.isdecimal():
        return _TON_NAME, _NPI_UNKNOWN, sender
    if digits == sender and len(digits) <= 6:
        return _TON_NETWORK, _NPI_UNKNOWN, digits
    if digits == sender and digits.startswith("0") and not digits.startswith("00"):
        return _TON_NATIONAL, _NPI_ISDN, digits
    return _TON_INTERNATIONAL, _NPI_ISDN, digits.removeprefix("00") if digits == sender else digits
