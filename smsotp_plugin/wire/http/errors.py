"""
The one place where what `requests`, `urllib3`, `http.client` and `ssl` raise becomes an error of our tree.

Whether the request had begun to leave decides between "certainly not sent" and "unknown"; the kind of the exception
only decides which error of the two halves it is, and what is told. Texts of foreign exceptions are not repeated: they
hold URLs, and with them codes, numbers and passwords.
"""

import os
import re
import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException, RemoteDisconnected
from types import MappingProxyType

from requests import exceptions as of_requests
from urllib3 import exceptions as of_urllib3

from smsotp_plugin.errors import (
    AnswerTimeout,
    BadMessage,
    ConnectFailed,
    DeliveryError,
    ProtocolViolation,
)
from smsotp_plugin.wire.http.connection import AnswerCut, AnswerTooLong, Exchange

Pair = tuple[type[DeliveryError], type[DeliveryError]]

_LOST: Pair = (ConnectFailed, ProtocolViolation)
_SILENT: Pair = (ConnectFailed, AnswerTimeout)
_MALFORMED: Pair = (BadMessage, ProtocolViolation)

#: Exception -> (before the first byte of the request has left, after it). Subclasses stand before their bases.
MEANING: MappingProxyType[type[BaseException], Pair] = MappingProxyType(
    {
        of_requests.ConnectTimeout: _SILENT,
        of_requests.ReadTimeout: _SILENT,
        of_requests.Timeout: _SILENT,
        of_requests.ConnectionError: _LOST,
        of_requests.ChunkedEncodingError: _LOST,
        of_requests.ContentDecodingError: _LOST,
        of_requests.HTTPError: _LOST,
        of_requests.RetryError: _LOST,
        of_requests.TooManyRedirects: _LOST,
        of_requests.InvalidProxyURL: _LOST,
        of_requests.InvalidURL: _MALFORMED,
        of_requests.InvalidHeader: _MALFORMED,
        of_requests.InvalidSchema: _MALFORMED,
        of_requests.MissingSchema: _MALFORMED,
        of_requests.URLRequired: _MALFORMED,
        of_requests.InvalidJSONError: _MALFORMED,
        of_requests.UnrewindableBodyError: _MALFORMED,
        of_requests.StreamConsumedError: _LOST,
        of_urllib3.NewConnectionError: _LOST,
        of_urllib3.TimeoutError: _SILENT,
        of_urllib3.LocationParseError: _MALFORMED,
        of_urllib3.InvalidHeader: _MALFORMED,
        of_urllib3.HTTPError: _LOST,
        HTTPException: _LOST,
        TimeoutError: _SILENT,
        OSError: _LOST,
        ValueError: _MALFORMED,
    }
)
FOREIGN = tuple(MEANING)

_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})")


def translate(exc: BaseException, exchange: Exchange) -> DeliveryError:
    """
    Return our error for one of `FOREIGN`.

    Args:
        exc: As it was caught, with what it was raised from.
        exchange: How far the request had come.
    """
    before, after = next(pair for kind, pair in MEANING.items() if isinstance(exc, kind))
    causes = list(_causes(exc))
    # The exceptions for silence wrap the socket's own; NewConnectionError is no silence in spite of its bases.
    silent = any(isinstance(cause, TimeoutError) for cause in causes)
    if exchange.written == 0:
        return before(_why_unsent(causes, silent=silent))
    if silent:
        after = AnswerTimeout
    return after(_why_unknown(causes, silent=silent))


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it wraps, each once: in its chain, its `reason` and its arguments."""
    waiting, seen = [exc], set()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            inner = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
            waiting += [each for each in inner if isinstance(each, BaseException)]


def _why_unsent(causes: list[BaseException], *, silent: bool) -> str:
    told = [text for cause in causes if (text := _tell_unsent(cause))]
    if told:
        return told[0]
    if silent:
        return "no connection in time"
    numbers = [cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno]
    if numbers:
        return f"no connection: {os.strerror(numbers[0])}"
    return f"the request could not be started: {type(causes[-1]).__name__}"


def _tell_unsent(cause: BaseException) -> str | None:
    match cause:
        case ssl.SSLCertVerificationError():
            return f"the certificate of the peer is not accepted: {cause.verify_message}"
        case ssl.SSLError():
            return f"TLS could not be set up: {cause.reason or type(cause).__name__}"
        case of_urllib3.NameResolutionError() | socket.gaierror():
            return "the name of the peer cannot be resolved"
        case OSError() if found := _TUNNEL_REFUSED.search(str(cause)):
            return f"the proxy refused to connect to the gateway, with status {found[1]}"
    return None


def _why_unknown(causes: list[BaseException], *, silent: bool) -> str:
    if silent:
        return "no complete answer in time"
    told = [text for cause in causes if (text := _tell_unknown(cause))]
    return told[0] if told else f"the answer is no valid HTTP: {type(causes[-1]).__name__}"


def _tell_unknown(cause: BaseException) -> str | None:
    match cause:
        # Without a kind of its own: too many headers, and in newer Pythons too many interim answers or trailers.
        case AnswerTooLong() | HTTPException() if type(cause) in {AnswerTooLong, HTTPException}:
            return "the answer is too long"
        case AnswerCut() | of_urllib3.IncompleteRead():
            return "the answer breaks off"
        case RemoteDisconnected():
            return "the connection was closed without an answer"
        case of_urllib3.DecodeError():
            return "the answer's Content-Encoding does not fit its body"
        case OSError() if cause.errno:
            return f"the connection was lost: {os.strerror(cause.errno)}"
    return None
