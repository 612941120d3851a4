"""What providers share when they judge an answer: error codes as tables, ids, and what a bare HTTP status means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from smsotp_plugin.errors import (
    AuthFailed,
    CreditExhausted,
    DeliveryError,
    GatewayUnavailable,
    NotSent,
    ProtocolViolation,
    Refused,
    Throttled,
    Unknown,
)

_LONGEST_ID = 128
#: What each code of a gateway means: the error, and the gateway's meaning in words.
Meanings = Mapping[str, tuple[type[DeliveryError], str]]
_CREDENTIALS = ": check the credentials"
#: The statuses whose meaning differs from most of their hundred. 408 and 499 say that somebody stopped waiting, and 409
#: that the message may be there already.
_BY_STATUS: Mapping[int, tuple[type[DeliveryError], str]] = MappingProxyType(
    {
        304: (Unknown, ", which only a cache has a use for: look for one on the way"),
        401: (AuthFailed, _CREDENTIALS),
        402: (CreditExhausted, ": the account is empty"),
        403: (AuthFailed, _CREDENTIALS),
        407: (AuthFailed, ": check the proxy's credentials"),
        408: (Unknown, ""),
        409: (Unknown, ""),
        421: (GatewayUnavailable, ""),
        425: (GatewayUnavailable, ""),
        426: (GatewayUnavailable, ""),
        429: (Throttled, ""),
        499: (Unknown, ""),
        503: (GatewayUnavailable, ""),
    }
)


@dataclass(frozen=True, slots=True)
class Reply:
    """
    A gateway's answer, as far as it matters.

    Attributes:
        status: HTTP status.
        text: The body.
        retry_after: Seconds that the gateway asks us to wait, or None.
        method: What it answers: ``GET`` or ``POST``.
        cut_off: Whether more of the body may have been on its way when the connection ended.
    """

    status: int
    text: str = field(repr=False)
    retry_after: float | None = None
    method: str = "POST"
    cut_off: bool = False

    def error(self, status: int | None = None) -> DeliveryError:
        """Return what the status means by itself, or what another status means that the text names instead."""
        return judge_status(status or self.status, self.retry_after, self.method)


def clean_id(text: str) -> str:
    """Return a gateway's id of a message in a form fit for logs."""
    printable = text if text.isprintable() else "".join(filter(str.isprintable, text))
    return printable[:_LONGEST_ID]


def find_known_error(code: str, meanings: Meanings, retry_after: float | None) -> DeliveryError | None:
    """Return the error that a gateway's own code means, None for a code that is not known."""
    if code not in meanings:
        return None
    kind, words = meanings[code]
    detail = f"the gateway answered with its error {code}: {words}"
    return Throttled(detail, retry_after=retry_after) if kind is Throttled else kind(detail)


def judge_status(status: int, retry_after: float | None, method: str) -> DeliveryError:
    """
    Return what a status other than success means, by one question: may the SMS have left already?

    A gateway that answers 5xx may have handed the message on before it failed, except with 503, which says that it
    did not serve the request at all (RFC 9110 section 15.6.4). A redirect certainly means that it did nothing where
    the same request has to be made elsewhere (307, 308, and 301 and 302 after GET; section 15.4); 303, and after POST
    301 and 302 too, often lead to the page that says what was done.

    Args:
        status: As it came.
        retry_after: Seconds that the gateway asks us to wait, or None.
        method: Of the request: ``GET`` or ``POST``.
    """
    kind, advice = _find_meaning(status, method)
    detail = f"the gateway answered with status {status}{advice}"
    return kind(detail, retry_after=retry_after) if issubclass(kind, NotSent) else kind(detail)


def _find_meaning(status: int, method: str) -> tuple[type[DeliveryError], str]:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        certain = status in (307, 308) or (status in (301, 302) and method == "GET")
        return (
            GatewayUnavailable if certain else Unknown
        ), ", a redirect, which is not followed: correct URL"
    if 200 <= status < 300:
        return Unknown, ", which is not in RETURN_STATUS"
    return (Refused if 400 <= status < 500 else Unknown), ""


def judge_cut_off(reply: Reply) -> DeliveryError:
    """Return the error for an answer that may have been cut off, and that is no acceptance as far as it came."""
    return ProtocolViolation(
        f"the answer, with status {reply.status}, has no length, and the gateway closed the connection without close_notify: "
        "more may have been said"
    )


def judge_unknown_form(reply: Reply) -> DeliveryError:
    """Return the error for an answer with a good status that has none of the API's forms."""
    return ProtocolViolation(
        f"the answer, with status {reply.status}, has no form that this API is known to use"
    )
