"""
One origin spoken to over HTTP/1.1, by several threads at once, in the words of `requests`.

A request is a `requests.PreparedRequest` and an answer a `requests.Response`, so that every `requests.auth.AuthBase`
works: it signs the request when that is made, or answers a challenge through the response's `connection`.

Not a judge: every complete answer is handed back, whatever its status. Redirects are answers and are not followed, so
that a code never travels on to another host. A request is written once, ever: nothing here sends it again.
"""

from collections import deque
from ssl import OP_IGNORE_UNEXPECTED_EOF, SSLContext
from threading import Lock
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.hooks import dispatch_hook

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import ConnectFailed
from smsotp_plugin.wire.http.connection import HttpConnection
from smsotp_plugin.wire.http.messages import (
    Origin,
    basic_auth,
    is_cut_off,
    make_request,
    make_response,
    retry_after,
    text_of,
)
from smsotp_plugin.wire.tls import make_tls_context

__all__ = [
    "HttpWire",
    "Origin",
    "basic_auth",
    "is_cut_off",
    "make_request",
    "make_response",
    "retry_after",
    "text_of",
]


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
        self._tls = _make_context(origin) if origin.uses_tls() else None
        self._idle: deque[HttpConnection] = deque()
        self._all: set[HttpConnection] = set()
        self._lock = Lock()
        self._closed = False

    def exchange(self, request: PreparedRequest, deadline: Deadline) -> Response:
        """
        Send one request and read its answer.

        Raises:
            NotSent: Before the last byte of the request has left.
            Refused: The request has no valid form, or leads elsewhere.
            Unknown: After the last byte has left, without a complete answer of acceptable size by the deadline. Of one with a
                status of 300 or more, the head is enough: its body is empty then.
        """
        response = _Turn(self, deadline).send(request)
        if request.hooks["response"]:
            answered: Response = dispatch_hook("response", request.hooks, response)  # type: ignore[no-untyped-call]  # of requests
            return answered
        return response

    def probe(self, deadline: Deadline) -> None:
        """
        Connect to the origin (TCP and TLS), with https also through a proxy, and send no request.

        A proxy that forwards plain http makes no connection without a request: it is only seen to listen.

        Raises:
            NotSent: It cannot be reached.
        """
        HttpConnection(self.origin, self._tls).probe(deadline)

    def close(self) -> None:
        """End every connection, even those that other threads wait on, whose exchanges then fail."""
        with self._lock:
            self._closed = True
            busy = self._all - set(self._idle)
            idle = list(self._idle)
            self._idle.clear()
        for connection in busy:
            connection.abort()
        for connection in idle:
            connection.close()

    def exchange_once(self, request: PreparedRequest, deadline: Deadline) -> Response:
        """Do what `exchange` does, without the hooks of the request."""
        connection = self._take(deadline)
        try:
            answer, cut_off = connection.exchange(request, deadline)
        finally:
            self._give_back(connection)
        return make_response(answer.status, answer.headers, answer.body, request, cut_off=cut_off)

    def _take(self, deadline: Deadline) -> HttpConnection:
        with self._lock:
            if self._closed:
                raise ConnectFailed("the gateway's connections have been closed")
            if not self._idle:
                connection = HttpConnection(self.origin, self._tls)
                self._all.add(connection)
                return connection
            connection = self._idle.pop()
            if not self._idle or not self._idle[0].has_rested(deadline):
                return connection
            # What a rush has left over goes one by one, beginning with what has rested longest.
            rested = self._idle.popleft()
            self._all.discard(rested)
        rested.close()
        return connection

    def _give_back(self, connection: HttpConnection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()


def _make_context(origin: Origin) -> SSLContext:
    context = make_tls_context(origin.check_tls)
    # Python sets it, and the end of the connection would pass for a close_notify.
    context.options &= ~OP_IGNORE_UNEXPECTED_EOF
    return context


class _Turn(BaseAdapter):
    """The adapter of one message: a request that answers a challenge is sent the same way, by the same deadline."""

    def __init__(self, wire: HttpWire, deadline: Deadline) -> None:
        super().__init__()
        self._wire = wire
        self._deadline = deadline

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        response = self._wire.exchange_once(request, self._deadline)
        response.connection = self  # type: ignore[assignment]  # only its send is called, by AuthBase classes
        return response

    def close(self) -> None:
        """Close nothing: the connections belong to the wire."""
