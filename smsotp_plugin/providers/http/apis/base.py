"""What is known of one gateway's HTTP API, as data; and what a bare HTTP status means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smsotp_plugin.errors import (
    AuthFailed,
    CreditExhausted,
    DeliveryError,
    GatewayUnavailable,
    ProtocolViolation,
    Refused,
    Throttled,
    Unknown,
)
from smsotp_plugin.sms.message import Receipt
from smsotp_plugin.sms.phone import NumberFormat

_LONGEST_ID = 128
#: What each code of a gateway means: the error, and the gateway's meaning in words.
Meanings = Mapping[str, tuple[type[DeliveryError], str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """
    A gateway's answer, as far as it matters.

    Attributes:
        status: HTTP status.
        text: The body.
        retry_after: Seconds that the gateway asks us to wait, or None.
    """

    status: int
    text: str = field(repr=False)
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApi:
    """
    One API.

    Attributes:
        name: As in ``preset = "name"``.
        url: Where it is; ``{username}`` stands for USERNAME.
        method: ``GET`` or ``POST``.
        number_format: How numbers are written.
        fields: The parameters that a preset sends.
        credentials: The parameters that carry USERNAME and PASSWORD of a preset; None: basic authentication.
        required: Parameters that a preset cannot know, and what they are.
        recognises: Whether a URL (host, path) with parameters of these names is this API.
        judge: Raises the error or returns the receipt that an answer of the API's own forms means; None for others.
        adapt: Changes filled fields to what the API wants for a text that is not plain ASCII, or is long.
        error_words: Texts of errors, for the warning of a RETURN_SUCCESS that is found in one.
    """

    name: str
    url: str
    method: str
    number_format: NumberFormat
    fields: Mapping[str, Any]
    credentials: tuple[str, str] | None
    required: Mapping[str, str]
    recognises: Callable[[str, str, frozenset[str]], bool]
    judge: Callable[[Reply], Receipt | None]
    adapt: Callable[[dict[str, Any]], None]
    error_words: tuple[str, ...] = ()


def leave_as_it_is(_: dict[str, Any]) -> None:
    """Adapt nothing."""


def clean_id(text: str) -> str:
    """Return a gateway's id of a message in a form fit for logs."""
    return "".join(character for character in text if character.isprintable())[:_LONGEST_ID]


def told(code: str, meanings: Meanings, retry_after: float | None) -> DeliveryError | None:
    """Return the error that a gateway's own code means, None for a code that is not known."""
    if code not in meanings:
        return None
    kind, words = meanings[code]
    detail = f"the gateway answered with its error {code}: {words}"
    return Throttled(detail, retry_after=retry_after) if kind is Throttled else kind(detail)


def strange(reply: Reply) -> DeliveryError:
    """Return the error for an answer with a good status that has none of the API's forms."""
    return ProtocolViolation(
        f"the answer, with status {reply.status}, has no form that this API is known to use"
    )


def error_for_status(status: int, retry_after: float | None) -> DeliveryError:
    """
    Return what a status other than success means, by one question: may the SMS have left already?

    A gateway that answers 5xx may have handed the message on before it failed, except with 503, which says that it
    did not serve the request at all (RFC 9110 section 15.6.4).
    """
    detail = f"the gateway answered with status {status}"
    error: DeliveryError
    match status:
        case 401 | 403 | 407:
            error = AuthFailed(f"{detail}: check the credentials")
        case 402:
            error = CreditExhausted(f"{detail}: the account is empty")
        case 429:
            error = Throttled(detail, retry_after=retry_after)
        case 503:
            error = GatewayUnavailable(detail, retry_after=retry_after)
        case 408:
            error = Unknown(detail)
        case _ if 200 <= status < 300:
            error = Unknown(f"{detail}, which is not in RETURN_STATUS")
        case _ if 300 <= status < 400:
            error = GatewayUnavailable(f"{detail}, a redirect, which is not followed: correct URL")
        case _ if 400 <= status < 500:
            error = Refused(detail)
        case _:
            error = Unknown(detail)
    return error
