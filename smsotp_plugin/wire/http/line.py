"""One connection to one origin through the transport adapter of `requests`, for one thread at a time."""

import re
import ssl
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, PoolManager, ProxyManager

from smsotp_plugin.errors import ProtocolViolation
from smsotp_plugin.wire.http.connection import Exchange, Lane, TimedHttpPool, TimedHttpsPool
from smsotp_plugin.wire.http.messages import MOST_BODY, HttpAnswer, HttpRequest, Origin, basic_auth

#: Seconds after which an idle connection is not used again. Common servers close theirs after 5 s or more, and a
#: request that meets the closing is lost without a word.
_MOST_IDLE = 4.0


class HttpLine:
    """A transport adapter of `requests` with at most one connection, for one thread at a time."""

    def __init__(self, origin: Origin, tls: ssl.SSLContext | None) -> None:
        self.lane = Lane()
        self._base = origin.url()
        self._adapter = _OriginAdapter(origin, tls, self.lane)
        self._good_until = 0.0

    def exchange(self, request: HttpRequest, exchange: Exchange) -> HttpAnswer:
        """Send a request and read its answer; raises what the libraries raise."""
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
        """Close the connection for good."""
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


class _OriginAdapter(HTTPAdapter):
    """
    `HTTPAdapter` for one origin: the pool is chosen once instead of for every request.

    Nothing is taken from the environment, and no cookie is kept.
    """

    def __init__(self, origin: Origin, tls: ssl.SSLContext | None, lane: Lane) -> None:
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


def proxy_manager(proxy: str, tls: ssl.SSLContext | None) -> ProxyManager:
    """
    Return what makes connections through a proxy.

    Args:
        proxy: Its URL, perhaps with an account.
        tls: For the origin, and for a proxy that is spoken to over TLS.
    """
    url = urlsplit(proxy)
    headers = {}
    if url.username is not None:
        headers["Proxy-Authorization"] = basic_auth(unquote(url.username), unquote(url.password or ""))
    address = f"{url.scheme}://{url.netloc.rpartition('@')[2]}"
    return ProxyManager(address, proxy_headers=headers, maxsize=1, ssl_context=tls, proxy_ssl_context=tls)


def _pool_manager(origin: Origin, tls: ssl.SSLContext | None) -> PoolManager:
    if origin.proxy is None:
        return PoolManager(maxsize=1, ssl_context=tls)
    return proxy_manager(origin.proxy, tls)


def _idle_limit(headers: Mapping[str, str]) -> float:
    """Return the seconds for which a connection may rest: a second less than the peer says (RFC 2068 19.7.1.1)."""
    found = re.search(r"timeout=(\d{1,6})", headers.get("keep-alive", ""))
    return max(0.0, float(found[1]) - 1.0) if found else _MOST_IDLE
