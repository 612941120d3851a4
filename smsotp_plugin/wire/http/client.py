"""
One origin spoken to over HTTP/1.1 with `requests`, by several threads at once.

Not a judge: every complete answer is handed back, whatever its status. Redirects are answers and are not followed, so
that a code never travels on to another host. A request is written once, ever: nothing here sends it again.
"""

import logging
from collections import deque
from threading import Lock

from urllib3 import ProxyManager

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import ConnectFailed
from smsotp_plugin.wire.http.connection import Exchange, Lane, TimedHttpConnection, TimedHttpsConnection
from smsotp_plugin.wire.http.errors import FOREIGN, translate
from smsotp_plugin.wire.http.line import HttpLine, proxy_manager
from smsotp_plugin.wire.http.messages import HttpAnswer, HttpRequest, Origin, basic_auth
from smsotp_plugin.wire.tls import make_tls_context

__all__ = ["HttpAnswer", "HttpRequest", "HttpWire", "Origin", "basic_auth"]


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
        self._tls = make_tls_context(origin.check_tls) if origin.uses_tls() else None
        self._idle: deque[HttpLine] = deque()
        self._all: set[HttpLine] = set()
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
        Connect to the origin (TCP and TLS), with https also through a proxy, and send no request.

        A proxy that forwards plain http makes no connection without a request: it is only seen to listen.

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
            return self._connection_to_proxy(proxy_manager(origin.proxy, self._tls), lane)
        if origin.scheme == "https":
            return TimedHttpsConnection(origin.host, origin.port, ssl_context=self._tls, lane=lane)
        return TimedHttpConnection(origin.host, origin.port, lane=lane)

    def _connection_to_proxy(
        self, manager: ProxyManager, lane: Lane
    ) -> TimedHttpConnection | TimedHttpsConnection:
        origin, proxy = self.origin, manager.proxy
        assert proxy is not None and proxy.host is not None  # noqa: PT018  (narrows for mypy)
        if origin.scheme == "http":
            return TimedHttpConnection(proxy.host, proxy.port, lane=lane)
        tunnel = TimedHttpsConnection(
            proxy.host, proxy.port, ssl_context=self._tls, proxy_config=manager.proxy_config, lane=lane
        )
        tunnel.set_tunnel(origin.host, origin.port, manager.proxy_headers, proxy.scheme or "http")
        return tunnel

    def _take(self) -> "HttpLine":
        with self._lock:
            if self._closed:
                raise ConnectFailed("the gateway's connections have been closed")
            if self._idle:
                return self._idle.pop()
            line = HttpLine(self.origin, self._tls)
            self._all.add(line)
            return line

    def _give_back(self, line: "HttpLine") -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(line)
                return
        line.close()
