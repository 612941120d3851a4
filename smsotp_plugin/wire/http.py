"""
One origin spoken to over HTTP/1.1 with `requests`, by several threads at once.

Not a judge: every complete answer is handed back, whatever its status. Redirects are answers and are not followed, so
that a code never travels on to another host. A request is written once, ever: nothing here sends it again.
"""

import logging
import re
import ssl
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, PoolManager, ProxyManager

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import ConnectFailed, ProtocolViolation
from smsotp_plugin.wire.http_connection import (
    Exchange,
    Lane,
    TimedHttpConnection,
    TimedHttpPool,
    TimedHttpsConnection,
    TimedHttpsPool,
)
from smsotp_plugin.wire.http_errors import FOREIGN, translate

#: Bytes of an answer's body after decoding.
MOST_BODY = 64 * 1024
#: Seconds after which an idle connection is not used again. Common servers close theirs after 5 s or more, and a
#: request that meets the closing is lost without a word.
_MOST_IDLE = 4.0


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


def basic_auth(username: str, password: str) -> str:
    """Return the value of an Authorization header (RFC 7617, in UTF-8)."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


class HttpWire:
    """
    The connections to one origin, kept alive and used by one thread at a time each.

    Life: made (reads certificates, no network), any number of `exchange` and `probe` in any thread, `close`.
    """

    def __init__(self, origin: Origin) -> None:
        """
        Prepare the connections.

        Raises:
            OSError: The certificates cannot be read.
        """
        self.origin = origin
        self._tls = make_tls_context(origin.check_tls)
        self._idle: deque[_Line] = deque()
        self._all: set[_Line] = set()
        self._lock = Lock()
        self._closed = False
        # It logs URLs, and with them codes and numbers, in warnings too.
        logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)

    def exchange(self, request: HttpRequest, deadline: Deadline) -> HttpAnswer:
        """
        Send one request and read its answer.

        Raises:
            NotSent: Before the first byte of the request has left.
            Refused: The request has no valid form.
            Unknown: After the first byte has left, without a complete answer of acceptable size by the deadline.
        """
        exchange = Exchange(deadline, self.origin.connect_limit, self.origin.read_limit)
        line = self._take()
        try:
            return line.exchange(request, exchange)
        except FOREIGN as exc:
            raise translate(exc, exchange) from None
        finally:
            self._give_back(line)

    def probe(self, deadline: Deadline) -> None:
        """
        Connect to the origin (TCP and TLS), or to the proxy (TCP) if there is one, and send nothing.

        Raises:
            NotSent: It cannot be reached.
        """
        exchange = Exchange(deadline, self.origin.connect_limit)
        connection = self._fresh_connection(Lane(exchange))
        try:
            connection.connect()
        except FOREIGN as exc:
            raise translate(exc, exchange) from None
        finally:
            connection.close()

    def close(self) -> None:
        """End every connection, also those that other threads wait on: these see their exchange fail."""
        with self._lock:
            self._closed = True
            busy = self._all - set(self._idle)
            idle = list(self._idle)
            self._idle.clear()
        for line in busy:
            line.lane.shut()
        for line in idle:
            line.close()

    def _fresh_connection(self, lane: Lane) -> TimedHttpConnection | TimedHttpsConnection:
        origin = self.origin
        if origin.proxy:
            proxy = urlsplit(origin.proxy)
            default = 443 if proxy.scheme == "https" else 80
            return TimedHttpConnection(proxy.hostname or "", proxy.port or default, lane=lane)
        if origin.scheme == "https":
            return TimedHttpsConnection(origin.host, origin.port, ssl_context=self._tls, lane=lane)
        return TimedHttpConnection(origin.host, origin.port, lane=lane)

    def _take(self) -> "_Line":
        with self._lock:
            if self._closed:
                raise ConnectFailed("the gateway's connections have been closed")
            if self._idle:
                return self._idle.pop()
            line = _Line(self.origin, self._tls)
            self._all.add(line)
            return line

    def _give_back(self, line: "_Line") -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(line)
                return
        line.close()


class _Line:
    """A transport adapter of `requests` with at most one connection, for one thread at a time."""

    def __init__(self, origin: Origin, tls: ssl.SSLContext) -> None:
        self.lane = Lane()
        self._base = origin.url()
        self._adapter = _Adapter(origin, tls, self.lane)
        self._good_until = 0.0

    def exchange(self, request: HttpRequest, exchange: Exchange) -> HttpAnswer:
        clock = exchange.deadline.clock
        if clock.monotonic() > self._good_until:
            self.lane.drop()
        self.lane.exchange = exchange
        try:
            answer = self._read(self._adapter.send(self._prepare(request)))
        except BaseException:
            self.lane.drop()
            raise
        finally:
            self.lane.exchange = None
        self._good_until = clock.monotonic() + _idle_limit(answer.headers)
        return answer

    def close(self) -> None:
        self._adapter.close()
        self.lane.drop()

    def _prepare(self, request: HttpRequest) -> requests.PreparedRequest:
        """Fill a prepared request by hand: all that is the same in every request was judged with the settings."""
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        prepared.url = self._base + request.target
        prepared.headers = CaseInsensitiveDict(request.headers)
        prepared.body = request.body
        if request.body is not None:
            prepared.headers["Content-Length"] = str(len(request.body))
        return prepared

    def _read(self, response: requests.Response) -> HttpAnswer:
        raw = response.raw
        compressed = "content-encoding" in raw.headers
        body = b""
        while part := raw.read(MOST_BODY + 1 - len(body), decode_content=compressed):
            body += part
            if len(body) > MOST_BODY:
                raise ProtocolViolation(
                    f"the answer, with status {raw.status}, is longer than {MOST_BODY // 1024} KiB"
                )
        return HttpAnswer(raw.status, raw.headers, body)


class _Adapter(HTTPAdapter):
    """
    `HTTPAdapter` for one origin: the pool is chosen once instead of for every request.

    Nothing is taken from the environment, and no cookie is kept.
    """

    def __init__(self, origin: Origin, tls: ssl.SSLContext, lane: Lane) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self.poolmanager = _pool_manager(origin, tls)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(TimedHttpPool, lane=lane),
            "https": partial(TimedHttpsPool, lane=lane),
        }
        self._pool: HTTPConnectionPool = self.poolmanager.connection_from_host(
            origin.host, origin.port, origin.scheme
        )
        #: A proxy wants the whole URL of what it forwards (RFC 9112 section 3.2.2).
        self._forwarded = origin.proxy is not None and origin.scheme == "http"

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        return self._pool

    def cert_verify(self, *_: Any) -> None:
        """Leave the check of the certificate to the TLS context."""

    def request_url(self, request: Any, _proxies: Any) -> str:
        url: str = request.url
        return url if self._forwarded else url[url.index("/", len("https://")) :]

    def build_response(self, req: Any, resp: Any) -> requests.Response:
        response = requests.Response()
        response.status_code = resp.status
        response.request = req
        response.raw = resp
        return response


def _pool_manager(origin: Origin, tls: ssl.SSLContext) -> PoolManager:
    if origin.proxy is None:
        return PoolManager(maxsize=1, ssl_context=tls)
    proxy = urlsplit(origin.proxy)
    headers = {}
    if proxy.username is not None:
        headers["Proxy-Authorization"] = basic_auth(unquote(proxy.username), unquote(proxy.password or ""))
    address = f"{proxy.scheme}://{proxy.netloc.rpartition('@')[2]}"
    return ProxyManager(address, proxy_headers=headers, maxsize=1, ssl_context=tls, proxy_ssl_context=tls)


def _idle_limit(headers: Mapping[str, str]) -> float:
    """Return the seconds for which a connection may rest: a second less than the peer says (RFC 2068 19.7.1.1)."""
    found = re.search(r"timeout=(\d{1,6})", headers.get("keep-alive", ""))
    return max(0.0, float(found[1]) - 1.0) if found else _MOST_IDLE


def make_tls_context(check: bool | Path) -> ssl.SSLContext:  # noqa: FBT001  (a setting's value, not a flag)
    """
    Return the rules for certificates.

    Args:
        check: True: the system's certificates, or those of `certifi` where the system has none; a path: those in
            that file (PEM) or folder (hashed as by ``openssl rehash``); False: no check at all.

    Raises:
        OSError: The file or folder cannot be read or holds no certificate (`ssl.SSLError` is one).
    """
    if check is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if isinstance(check, Path):
        if check.is_dir():
            return ssl.create_default_context(capath=check)
        return ssl.create_default_context(cafile=check)
    return ssl.create_default_context(cafile=None if _system_has_certificates() else certifi.where())


def _system_has_certificates() -> bool:
    paths = ssl.get_default_verify_paths()
    return paths.cafile is not None or (paths.capath is not None and any(Path(paths.capath).iterdir()))
