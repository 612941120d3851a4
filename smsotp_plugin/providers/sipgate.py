"""
The provider ``sipgate``: SMS through sipgate's XML-RPC interface (SAMURAI 1.10, method ``samurai.SessionInitiate``).

The answer decides, not the HTTP status: a fault and a StatusCode other than 200 arrive with HTTP status 200.
"""

from types import MappingProxyType
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field
from requests import PreparedRequest

from smsotp_plugin.errors import (
    AuthFailed,
    BadMessage,
    BadRecipient,
    CreditExhausted,
    DeliveryError,
    GatewayUnavailable,
    ProtocolViolation,
    Refused,
    Throttled,
    Unknown,
)
from smsotp_plugin.fields.secret import SecretSetting
from smsotp_plugin.fields.tls import CheckSslSetting
from smsotp_plugin.fields.web import ProxySetting, WebAddress, WebAddressSetting, read_web_address
from smsotp_plugin.providers.base import GatewayContext, GatewaySettings
from smsotp_plugin.providers.judging import Meanings, Reply, clean_id, find_known_error
from smsotp_plugin.providers.web import WebProvider
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import NumberFormat
from smsotp_plugin.wire.http.client import Origin, basic_auth, make_request
from smsotp_plugin.wire.http.xmlrpc import RpcFault, UnreadableAnswer, read_answer, read_number, write_call

_DOCUMENTED_URL = "https://samurai.sipgate.net/RPC2"

#: SAMURAI 1.10, table of status codes, as far as sending can meet them. A fault carries the same codes.
_MEANINGS: Meanings = MappingProxyType(
    {
        "400": (GatewayUnavailable, "method not supported"),
        "401": (AuthFailed, "request denied"),
        "402": (Unknown, "internal error"),
        "403": (BadMessage, "invalid arguments"),
        "404": (GatewayUnavailable, "resources exceeded"),
        "405": (BadMessage, "invalid parameter name"),
        "406": (BadMessage, "invalid parameter type"),
        "407": (BadMessage, "invalid parameter value"),
        "410": (BadMessage, "parameter exceeds maximum size"),
        "411": (BadMessage, "missing parameter"),
        "412": (Throttled, "too many requests"),
        "501": (AuthFailed, "URI does not belong to user"),
        "502": (GatewayUnavailable, "unknown type of service"),
        "503": (CreditExhausted, "payment method failed"),
        "505": (CreditExhausted, "amount exceeds limit"),
        "506": (BadRecipient, "malformed SIP URI"),
        "508": (BadRecipient, "not a valid E.164 number"),
        "520": (BadMessage, "invalid characters"),
        "525": (AuthFailed, "type of service not available to this account"),
        # Faults of XML-RPC itself (Specification for Fault Code Interoperability).
        "-32700": (BadMessage, "the call cannot be read"),
        "-32600": (BadMessage, "the call is not valid XML-RPC"),
        "-32602": (BadMessage, "invalid parameters"),
        "-32601": (GatewayUnavailable, "method not found"),
        "-32500": (Unknown, "application error"),
        "-32400": (Unknown, "system error"),
        "-32300": (Unknown, "transport error"),
    }
)


def _drop_credentials(address: WebAddress) -> WebAddress:
    if address.username is not None:
        raise ValueError("must not hold credentials: write them as USERNAME and PASSWORD")
    return address


def _check_user_name(name: str) -> str:
    # Basic authentication (RFC 7617 section 2) ends the name at the first colon.
    if not name or ":" in name or not name.isprintable():
        raise ValueError("must be a name without colons")
    return name


class SipgateSettings(GatewaySettings):
    """
    What a sipgate account needs.

    Attributes:
        USERNAME: The sipgate user name.
        PASSWORD: The sipgate password.
        PROXY: URL of an HTTP proxy, perhaps with ``user:password@``.
        URL: Only for a mock or a compatible endpoint.
        CHECK_SSL: ``true``, ``false``, or the path of a file or folder with the authorities to trust.
    """

    USERNAME: Annotated[str, AfterValidator(_check_user_name)]
    PASSWORD: SecretSetting
    PROXY: ProxySetting | None = None
    URL: Annotated[WebAddressSetting, AfterValidator(_drop_credentials)] = Field(
        read_web_address(_DOCUMENTED_URL), repr=False
    )
    CHECK_SSL: CheckSslSetting = True

    def warnings(self) -> list[str]:
        """Return what is allowed but probably not meant."""
        return [*super().warnings(), *self.URL.explain_exposure(self.CHECK_SSL)]


class SipgateProvider(WebProvider[SipgateSettings]):
    """Sends each SMS as one remote procedure call."""

    Settings: ClassVar[type[GatewaySettings]] = SipgateSettings
    number_format = NumberFormat.DIGITS

    def __init__(self, context: GatewayContext, settings: SipgateSettings) -> None:
        address, proxy = settings.URL, settings.PROXY
        origin = Origin(
            address.scheme,
            address.host,
            address.port,
            proxy=proxy.get_secret_value() if proxy else None,
            check_tls=settings.CHECK_SSL,
        )
        super().__init__(context, settings, origin)
        self._url = origin.url() + address.target
        self._headers = {
            "Authorization": basic_auth(settings.USERNAME, settings.PASSWORD.get_secret_value()),
            "Content-Type": "text/xml; charset=utf-8",
            "Accept": "text/xml",
            "User-Agent": "smsotp",
        }

    def compose(self, message: Message) -> PreparedRequest:
        """Write the call."""
        # sipgate knows neither "+" nor anything else round the digits.
        number = self.written_number(message.number).lstrip("+")
        if not (number.isascii() and number.isdecimal()):
            raise BadRecipient("the number, as REGEXP leaves it, does not consist of digits")
        text = message.sentence.get_secret_value()
        call = {"RemoteUri": f"sip:{number}@sipgate.net", "TOS": "text", "Content": text}
        try:
            body = write_call("samurai.SessionInitiate", call)
        except ValueError:
            raise BadMessage("the text holds a character that XML cannot carry") from None
        return make_request("POST", self._url, self._headers, body)

    def read(self, reply: Reply) -> Receipt:
        """Look for a returned StatusCode of 200."""
        if not 200 <= reply.status < 300:
            raise reply.error()
        try:
            returned = read_answer(reply.text)
        except RpcFault as fault:
            raise _judge_failure(fault.code, reply.retry_after, Unknown) from None
        except UnreadableAnswer as exc:
            raise ProtocolViolation(f"{exc}, with status {reply.status}") from None
        code = read_number(returned.get("StatusCode")) if isinstance(returned, dict) else None
        if code is None:
            raise ProtocolViolation("the answer holds no StatusCode")
        if code != 200:
            raise _judge_failure(code, reply.retry_after, Refused)
        session = returned.get("SessionID")
        return Receipt(clean_id(str(session)) if isinstance(session, str | int) else "")


def _judge_failure(code: int, retry_after: float | None, otherwise: type[DeliveryError]) -> DeliveryError:
    """Return what a code means; one that is not known is an error of the kind `otherwise`."""
    known = find_known_error(str(code), _MEANINGS, retry_after)
    return known or otherwise(f"the gateway answered with its error {code}")
