"""What goes over a HTTP wire: to whom, the request and the answer. No I/O."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path

#: Bytes of an answer's body after decoding.
MOST_BODY = 64 * 1024
_LONGEST_RETRY_AFTER = 3600.0


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

    def url(self) -> str:
        """Return the origin as a URL without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """
    One request.

    Attributes:
        method: ``GET`` or ``POST``.
        target: Path and query, percent-encoded, beginning with a slash.
        headers: Without Host and Content-Length.
        body: None for no body.
    """

    method: str
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """
    One complete answer.

    Attributes:
        status: 200 to 999.
        headers: Names in any case.
        body: At most `MOST_BODY` bytes, decoded where it was compressed.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def text(self) -> str:
        """Return the body as text; what is neither UTF-8 nor in the charset that it claims is replaced."""
        kind = self.headers.get("content-type", "").lower()
        charset = "latin-1" if "8859-1" in kind or "windows-1252" in kind else "utf-8"
        return self.body.decode(charset, "replace")

    def retry_after(self, now: float) -> float | None:
        """
        Return the seconds of the Retry-After header (RFC 9110 section 10.2.3), at most an hour, or None.

        Args:
            now: Unix seconds.
        """
        value = self.headers.get("retry-after", "").strip()
        if value.isdecimal() and value.isascii():
            return min(float(value[:9]), _LONGEST_RETRY_AFTER)
        try:
            moment = parsedate_to_datetime(value).timestamp()
        except (ValueError, OverflowError):
            return None
        return min(max(moment - now, 0.0), _LONGEST_RETRY_AFTER)


def basic_auth(username: str, password: str) -> str:
    """Return the value of an Authorization header (RFC 7617, in UTF-8)."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()
