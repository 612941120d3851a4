"""What goes over an HTTP wire: to whom, the request and the answer, both as `requests` has them. No I/O."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path

from requests import PreparedRequest, Response
from requests.auth import AuthBase
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict

from smsotp_plugin.wire.http.text import find_encoding

#: Seconds.
_LONGEST_RETRY_AFTER = 3600.0
_MARKS = re.compile(r"^\s*\ufeff[\s\ufeff]*")
USUAL_PORT = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Whom a wire talks to, and how.

    Attributes:
        scheme: ``http`` or ``https``.
        host: Name or address, IPv6 without brackets.
        port: 1 to 65535.
        proxy: URL of an HTTP proxy, perhaps with ``user:password@``, or None.
        check_tls: True: the system's certificates; a path: a file or folder of certificates; False: no check.
        connect_limit: Seconds for making a connection (TCP, proxy and TLS together), or None.
        read_limit: Seconds of silence while the answer is awaited, or None.
    """

    scheme: str
    host: str
    port: int
    proxy: str | None = field(default=None, repr=False)
    check_tls: bool | Path = True
    connect_limit: float | None = None
    read_limit: float | None = None

    def uses_tls(self) -> bool:
        """Tell whether certificates matter at all."""
        return self.scheme == "https" or (self.proxy or "").startswith("https:")

    def address(self) -> str:
        """Return host and port as a URL and CONNECT write them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def host_header(self) -> str:
        """Return the value of the header Host: the port only where it is not the usual one."""
        if self.port == USUAL_PORT[self.scheme]:
            return self.address().rpartition(":")[0]
        return self.address()

    def url(self) -> str:
        """Return the origin as a URL without a path."""
        return f"{self.scheme}://{self.address()}"


def make_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    auth: AuthBase | None = None,
) -> PreparedRequest:
    """
    Return a request without the checks of `requests.Request.prepare`, which take longer than sending it.

    Args:
        method: ``GET`` or ``POST``.
        url: With path and query, percent-encoded.
        headers: Values that can stand in a header.
        body: None for none.
        auth: Signs the request, or answers a challenge.
    """
    request = PreparedRequest()
    request.method, request.url, request.body = method, url, body
    request.headers = CaseInsensitiveDict(headers)
    if auth is not None:
        request.prepare_auth(auth)
    return request


def make_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    request: PreparedRequest | None = None,
    *,
    cut_off: bool = False,
) -> Response:
    """Return an answer that has been read, its encoding chosen as `find_encoding` says; for `cut_off` see `is_cut_off`."""
    response = _Read(status, headers, body, request)
    response.cut_off = cut_off
    return response


def is_cut_off(response: Response) -> bool:
    """Tell whether more of the body may have been on its way when the connection ended."""
    return isinstance(response, _Read) and response.cut_off


class _Read(Response):
    """
    An answer that has been read: it has all that `Response` sets, but gets a jar for cookies only when somebody asks for it.

    To make a jar takes as long as to read the answer.
    """

    cut_off = False

    def __init__(
        self, status: int, headers: Mapping[str, str], body: bytes, request: PreparedRequest | None
    ) -> None:
        vars(self).update(_UNSET, history=[])
        self.status_code = status
        self.headers = CaseInsensitiveDict(headers)
        self.encoding = find_encoding(self.headers, body)
        self._content = body
        self._content_consumed = True
        if request is not None:
            self.request, self.url = request, request.url or ""

    @cached_property
    def cookies(self) -> RequestsCookieJar:  # type: ignore[override]  # made when it is first read
        return RequestsCookieJar()


#: What an answer holds that nobody has filled; nothing that can be changed.
_UNSET = {
    name: value for name, value in vars(Response()).items() if name not in ("cookies", "headers", "history")
}


def text_of(response: Response) -> str:
    """Return the body as text without the marks at its beginning; what its encoding does not hold is replaced."""
    # Each of the files that make up a server's script may bring a mark of its own.
    return _MARKS.sub("", response.text, count=1)


def retry_after(response: Response, now: float) -> float | None:
    """
    Return the seconds of the Retry-After header (RFC 9110 section 10.2.3), at most an hour, or None.

    Args:
        response: The answer.
        now: Unix seconds.
    """
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isdecimal() and value.isascii():
        return min(float(value[:9]), _LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
        # One without a zone, as asctime writes it, is in UTC too (RFC 9110 section 5.6.7).
        seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def basic_auth(username: str, password: str) -> str:
    """Return the value of an Authorization header (RFC 7617, in UTF-8)."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()
